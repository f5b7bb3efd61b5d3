//===- Loop.h - How training loops are run ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_LOOP_H
#define FLOWC_TOOLS_PYTHON_LOOP_H

#include "Callbacks.h"
#include "Model.h"
#include "TrainOptions.h"

namespace flowc::python {

/// Throws what a callback raised, which says more than the error that came of it, or that.
inline void checkAfter(const Callbacks &callbacks, Own<flowc_error> error) {
  callbacks.rethrow();
  check(error.release());
}

/// How a training went, for Python.
nb::dict describe(const flowc_training *training);

/// Calls `body(copy, result)` with a copy of `model` that takes its place, unless it fails: until
/// then other threads may go on using the model.
template <typename Body>
nb::dict train(Model &model, TrainOptions &options, Callbacks &callbacks, Body &&body) {
  options->user_data = &callbacks;
  options->interrupted = Callbacks::isInterrupted;
  if (options->threads == 0)
    options->threads = model.getThreads();
  Own<flowc_model> trained = model.copy();
  flowc_training *result = nullptr;
  Own<flowc_error> error;
  {
    ReleaseGil release;
    error.reset(body(trained.get(), &result));
  }
  Own<flowc_training> training(result);
  if (!error)
    model.replace(std::move(trained));
  checkAfter(callbacks, std::move(error));
  return describe(training.get());
}

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_LOOP_H
