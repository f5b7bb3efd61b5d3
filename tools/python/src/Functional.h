//===- Functional.h - Flows as functions of everything ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_FUNCTIONAL_H
#define FLOWC_TOOLS_PYTHON_FUNCTIONAL_H

#include "Model.h"

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace flowc::python {

/// The kernels of a flow as functions of parameters, too: for frameworks that keep parameters
/// themselves. Safe to use from any thread; nothing here needs the GIL.
class Functional {
public:
  Functional(std::shared_ptr<Flow> flow, flowc_dtype dtype, int threads);

  /// The one of a flow, which is parsed if it is not one of those that were used last.
  static std::shared_ptr<Functional> find(std::string_view text, std::string_view name, flowc_dtype dtype, int threads);
  /// The one of a model, with whose flow it shares kernels.
  static std::shared_ptr<Functional> of(const Model &model);

  /// One call of a kernel, whose arrays docs/ABI.md lists. All have the flow's element type.
  struct Call {
    std::string kernel;
    uint64_t seed = 0, first = 0;
    /// The numbers of trainable parameters, and those of all others, in leaf order.
    flowc_input trainable = {}, frozen = {};
    std::vector<flowc_input> inputs = {};
    /// Arrays of rows; of a kernel that sums its gradient in the trainable parameters.
    std::vector<flowc_output> outputs = {};
  };
  /// Parameters that are not finite make all results NaN, as frameworks expect it. Throws
  /// `FlowError` for wrong arrays, and kernels that the flow has not.
  void run(const Call &call);

  /// Compiles a kernel, or throws `FlowError` if the flow has it not.
  void prepare(const std::string &kernel) const;
  /// Numbers for each row of the arrays that a kernel gives; none if it sums.
  std::vector<int64_t> widthsOf(const std::string &kernel) const;
  flowc_dtype getDType() const { return dtype; }

private:
  /// A model with the parameters of the last call that had it.
  struct Scratch {
    Own<flowc_model> model;
    std::vector<std::byte> trainable, frozen;
  };
  std::unique_ptr<Scratch> take(const Call &call);
  void assign(Scratch &scratch, const Call &call) const;
  void setFrozen(flowc_model *model, const flowc_input &frozen) const;

  std::shared_ptr<Flow> flow;
  flowc_dtype dtype;
  std::shared_ptr<flowc_kernels> kernels;
  std::mutex mutex;
  /// Those that no call has.
  std::vector<std::unique_ptr<Scratch>> idle;
};

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_FUNCTIONAL_H
