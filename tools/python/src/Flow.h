//===- Flow.h - Parsed flows and their kernels ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_FLOW_H
#define FLOWC_TOOLS_PYTHON_FLOW_H

#include "Arrays.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

namespace flowc::python {

/// A flow with the kernels that its models share. Safe to use from any thread.
class Flow {
public:
  explicit Flow(Own<flowc_flow> handle);

  const flowc_flow *get() const { return handle.get(); }
  const Shape &getShape() const { return shape; }
  bool isConditional() const { return hasCondition; }
  const Shape &getCondShape() const { return condShape; }

  /// The kernels for models of an element type; not to be called with the GIL, since another
  /// thread may be making them.
  std::shared_ptr<flowc_kernels> getKernels(flowc_dtype dtype, int threads);

private:
  Own<flowc_flow> handle;
  Shape shape, condShape;
  bool hasCondition;
  std::mutex mutex;
  std::map<std::pair<flowc_dtype, int>, std::shared_ptr<flowc_kernels>> kernels;
};

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_FLOW_H
