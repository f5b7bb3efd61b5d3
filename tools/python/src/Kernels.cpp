//===- Kernels.cpp - What models compute ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

using namespace flowc::python;

/// A function of the C interface from rows to one array, or to two, of which the second has a
/// number for each row.
using ToOne = flowc_error *(*)(const flowc_kernels *, const flowc_model *, flowc_input, flowc_input, flowc_output);
using ToTwo = flowc_error *(*)(const flowc_kernels *, const flowc_model *, flowc_input, flowc_input, flowc_output,
                               flowc_output);

enum class Gives { Events, Numbers };

/// From events to events, or to a number each.
template <ToOne function, Gives gives>
static nb::object mapEvents(const Model &model, nb::handle x, nb::handle condition) {
  InputArray rows(x, model.eventKind("x"));
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(rows.rows());
  OutputArray result(model.getDType(), rows.batch(),
                     gives == Gives::Events ? model.getFlow().getShape() : std::span<const int64_t>());
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return function(kernels, handle, rows.get(), perRow, result.get());
  });
  return result.take();
}

/// From events to events and a number each.
template <ToTwo function>
static nb::tuple mapEventsWithNumber(const Model &model, nb::handle x, nb::handle condition) {
  InputArray rows(x, model.eventKind("x"));
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(rows.rows());
  OutputArray result(model.getDType(), rows.batch(), model.getFlow().getShape());
  OutputArray number(model.getDType(), rows.batch(), {});
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return function(kernels, handle, rows.get(), perRow, result.get(), number.get());
  });
  return nb::make_tuple(result.take(), number.take());
}

static nb::object sample(const Model &model, Py_ssize_t n, uint64_t seed, uint64_t first, nb::handle condition) {
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(n);
  OutputArray result(model.getDType(), {&n, 1}, model.getFlow().getShape());
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return flowc_sample(kernels, handle, seed, first, perRow, result.get());
  });
  return result.take();
}

static nb::tuple sampleAndLogProb(const Model &model, Py_ssize_t n, uint64_t seed, uint64_t first,
                                  nb::handle condition) {
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(n);
  OutputArray result(model.getDType(), {&n, 1}, model.getFlow().getShape());
  OutputArray number(model.getDType(), {&n, 1}, {});
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return flowc_sample_and_log_prob(kernels, handle, seed, first, perRow, result.get(), number.get());
  });
  return nb::make_tuple(result.take(), number.take());
}

/// Seconds that it takes to have a kernel.
static double prepare(const Model &model, const std::string &kernel) {
  double seconds = 0;
  model.run([&](const flowc_kernels *kernels, const flowc_model *) {
    return flowc_kernels_prepare(kernels, kernel.c_str(), &seconds);
  });
  return seconds;
}

void flowc::python::addKernels(nb::class_<Model> &model) {
  auto x = nb::arg("x").none();
  auto condition = nb::arg("condition").none();
  model.def("log_prob", mapEvents<flowc_log_prob, Gives::Numbers>, x, condition)
      .def("to_base", mapEvents<flowc_to_base, Gives::Events>, x, condition)
      .def("score", mapEvents<flowc_score, Gives::Events>, x, condition)
      .def("transform", mapEventsWithNumber<flowc_transform>, x, condition)
      .def("inverse", mapEventsWithNumber<flowc_inverse>, x, condition)
      .def("push", mapEventsWithNumber<flowc_push>, x, condition)
      .def("sample", sample, nb::arg("n"), nb::arg("seed"), nb::arg("first"), condition)
      .def("sample_and_log_prob", sampleAndLogProb, nb::arg("n"), nb::arg("seed"), nb::arg("first"), condition)
      .def("prepare", prepare, nb::arg("kernel"));
}
