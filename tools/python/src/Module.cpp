//===- Module.cpp - The module flowc._core --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What of the Python package touches memory: arrays, handles, threads. All of flowc comes
// through the C interface.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <new>

using namespace flowc::python;

void flowc::python::check(flowc_error *error) {
  if (!error)
    return;
  bool isMemory = flowc_error_status(error) == FLOWC_OUT_OF_MEMORY;
  FlowError thrown(flowc_error_message(error));
  flowc_error_free(error);
  if (isMemory)
    throw std::bad_alloc();
  throw thrown;
}

/// Constructors of the language: name, documentation, and arguments with their defaults.
static nb::list describeConstructors() {
  nb::list result;
  for (size_t i = 0; i < flowc_num_constructors(); ++i) {
    nb::list arguments;
    for (size_t j = 0; j < flowc_constructor_num_arguments(i); ++j) {
      const char *fallback = flowc_constructor_default(i, j);
      arguments.append(
          nb::make_tuple(flowc_constructor_argument(i, j), fallback ? nb::object(nb::str(fallback)) : nb::none()));
    }
    result.append(nb::make_tuple(flowc_constructor_name(i), flowc_constructor_documentation(i), arguments));
  }
  return result;
}

/// Of the main interpreter.
NB_MODULE(_main, module) {
  // Objects that modules keep until the interpreter ends are none of the user's leaks.
  nb::set_leak_warnings(false);
  nb::exception<FlowError>(module, "FlowError", PyExc_ValueError);
  module.def("version", &flowc_version, "The version of flowc.");
  module.def("describe_constructors", &describeConstructors,
             "Name, documentation and arguments (each with its default) of all constructors of the language.");
  watchTheEnd();
  addFlow(module);
  addModel(module);
  addTraining(module);
  addObjective(module);
  addTable(module);
  addFunctional(module);
#ifdef FLOWC_XLA
  addXla(module);
#endif
}

/// What the interpreter calls to have the module.
extern "C" NB_EXPORT PyObject *PyInit__core() {
#if PY_VERSION_HEX < 0x030C0000
  // (Later versions ask nanobind's definition of the module, which says no. These would let it in, and
  // what is one for the process would then belong to the other interpreter.)
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError, "flowc does not support subinterpreters: import it in the main interpreter");
    return nullptr;
  }
#endif
  return PyInit__main();
}
