//===- Support.h - Handles and errors of the C interface --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_SUPPORT_H
#define FLOWC_TOOLS_PYTHON_SUPPORT_H

#include "flowc/flowc-c-own.h"

#include <nanobind/nanobind.h>

#include <cxxabi.h>
#include <stdexcept>

namespace flowc::python {

namespace nb = nanobind;

using c::Own;

/// What Python sees as `flowc.FlowError`.
struct FlowError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws an error of the C interface, if it is one.
void check(flowc_error *error);

/// What a function makes, e.g. `make<flowc_flow>(flowc_flow_copy, flow)`.
template <typename Handle, typename Function, typename... Arguments>
Own<Handle> make(Function function, Arguments... arguments) {
  Handle *result = nullptr;
  check(function(arguments..., &result));
  return Own<Handle>(result);
}

/// Sleeps until the process ends: what is left to a thread that wants the GIL of an interpreter
/// that is ending. Python before 3.14 unwinds such a thread, through functions that
/// must not throw.
[[noreturn]] void waitForTheEnd();

/// Calls code of Python, which may give the GIL away meanwhile, and not get it back.
template <typename Body>
auto callPython(Body &&body) {
  try {
    return body();
  } catch (const abi::__forced_unwind &) {
    waitForTheEnd();
  }
}

/// Around code of the library that runs without the GIL. A process that ends destroys the static
/// objects of the library, though daemon threads may be in it: the interpreter waits for them
/// before, and from then on lets its own thread in alone. False: nobody else may enter.
bool enterLibrary();
void leaveLibrary();
/// To be called once the module is made.
void watchTheEnd();

/// Gives the GIL back as long as it lives.
class ReleaseGil {
public:
  ReleaseGil() {
    const bool mayEnter = enterLibrary();
    state = PyEval_SaveThread();
    if (!mayEnter)
      waitForTheEnd();
  }
  ReleaseGil(const ReleaseGil &) = delete;
  ~ReleaseGil() {
    leaveLibrary();
    callPython([this] { PyEval_RestoreThread(state); });
  }

private:
  PyThreadState *state;
};

// What the parts of the module add to it.
void addFlow(nb::module_ &module);
void addModel(nb::module_ &module);
void addTraining(nb::module_ &module);
void addObjective(nb::module_ &module);
void addTable(nb::module_ &module);
void addFunctional(nb::module_ &module);
/// Only where the headers of XLA were found: `FLOWC_XLA`.
void addXla(nb::module_ &module);

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_SUPPORT_H
