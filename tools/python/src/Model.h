//===- Model.h - Models and locks on them -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_MODEL_H
#define FLOWC_TOOLS_PYTHON_MODEL_H

#include "Flow.h"

#include <shared_mutex>

namespace flowc::python {

/// A model that any number of threads may use: many read it, or one writes. The GIL is given
/// back before the lock is taken, and taken back after it.
class Model {
public:
  Model(std::shared_ptr<Flow> flow, Own<flowc_model> handle, int threads);
  /// With a flow of its own.
  Model(Own<flowc_model> handle, int threads);

  Flow &getFlow() const { return *flow; }
  const std::shared_ptr<Flow> &shareFlow() const { return flow; }
  flowc_dtype getDType() const { return dtype; }
  int getThreads() const { return threads; }

  /// Calls `body(model)` without the GIL, while nobody writes the model. What it throws comes
  /// through, errors that it returns are thrown.
  template <typename Body>
  void read(Body &&body) const {
    ReleaseGil release;
    std::shared_lock<std::shared_mutex> lock(mutex);
    check(body(static_cast<const flowc_model *>(handle.get())));
  }
  /// The same with the kernels: `body(kernels, model)`.
  template <typename Body>
  void run(Body &&body) const {
    read([&](const flowc_model *model) {
      const std::shared_ptr<flowc_kernels> kernels = flow->getKernels(dtype, threads);
      return body(static_cast<const flowc_kernels *>(kernels.get()), model);
    });
  }
  template <typename Body>
  void write(Body &&body) {
    ReleaseGil release;
    std::unique_lock<std::shared_mutex> lock(mutex);
    check(body(handle.get()));
  }

  Own<flowc_model> copy() const;
  /// An array for a number of each trainable parameter: one vector in leaf order.
  OutputArray makeTrainableArray() const;
  /// Takes the place of the parameters, which readers have until then.
  void replace(Own<flowc_model> other);

  /// Arrays of events and conditions, as functions have them.
  ArrayKind eventKind(const char *name) const { return {name, dtype, flow->getShape(), columns}; }
  ArrayKind conditionKind() const { return {"condition", dtype, flow->getCondShape(), conditionColumns}; }

  /// The names of columns, for tables that have some: lists of texts, or None.
  nb::object columns = nb::none(), conditionColumns = nb::none();

private:
  std::shared_ptr<Flow> flow;
  Own<flowc_model> handle;
  flowc_dtype dtype;
  int threads;
  mutable std::shared_mutex mutex;
};

/// The condition of a call: none, one for all rows, or one for each.
class Condition {
public:
  Condition(const Model &model, nb::handle condition);
  /// The same for `rows` rows; throws if there are others.
  flowc_input get(int64_t rows) const;

private:
  std::optional<InputArray> array;
};

/// What adds the kernels to the class of models.
void addKernels(nb::class_<Model> &model);
void addPullBacks(nb::class_<Model> &model);

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_MODEL_H
