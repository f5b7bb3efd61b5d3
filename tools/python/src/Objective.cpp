//===- Objective.cpp - Losses of models -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loop.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

using namespace flowc::python;

namespace {
/// A loss; one thread at a time uses it.
struct Objective {
  Own<flowc_objective> handle;
  std::mutex mutex = {};
};
} // namespace

/// An objective of the table, or the last one of a text.
static std::shared_ptr<Objective> create(const std::string &objective, bool isText, const Flow &flow, nb::handle dtype,
                                         int threads, const Flow *target) {
  flowc_compile_options options;
  flowc_compile_options_init(&options, sizeof(options));
  options.dtype = dtypeFrom(dtype);
  options.threads = threads;
  options.target = target ? target->get() : nullptr;
  auto result = std::make_shared<Objective>();
  ReleaseGil release;
  result->handle =
      isText ? make<flowc_objective>(flowc_objective_parse, objective.c_str(), nullptr, nullptr, flow.get(), &options)
             : make<flowc_objective>(flowc_objective_create, objective.c_str(), flow.get(), &options);
  return result;
}

/// The loss of rows, or of `n` draws, and its gradient, one vector in leaf order.
static nb::tuple valueAndGradient(Objective &objective, const Model &model, nb::handle x, nb::handle condition,
                                  int64_t n, uint64_t seed, uint64_t first) {
  std::optional<InputArray> rows;
  if (!x.is_none())
    rows.emplace(x, model.eventKind("x"));
  int64_t count = rows ? rows->rows() : n;
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(count);
  OutputArray gradient = model.makeTrainableArray();
  double loss = 0;
  model.read([&](const flowc_model *handle) {
    std::lock_guard<std::mutex> lock(objective.mutex);
    return flowc_objective_value_and_gradient(objective.handle.get(), handle, rows ? rows->get() : flowc_no_input(),
                                              perRow, count, seed, first, &loss, gradient.get());
  });
  return nb::make_tuple(loss, gradient.take());
}

static nb::dict optimize(Model &model, Objective &objective, const nb::dict &given, nb::handle onStep) {
  TrainOptions options(FLOWC_LOOP_OPTIMIZE, given);
  Callbacks callbacks(onStep, nb::none());
  options->on_step = onStep.is_none() ? nullptr : Callbacks::hearStep;
  return train(model, options, callbacks, [&](flowc_model *handle, flowc_training **result) {
    std::lock_guard<std::mutex> lock(objective.mutex);
    return flowc_optimize(handle, objective.handle.get(), options.get(), result);
  });
}

void flowc::python::addObjective(nb::module_ &module) {
  nb::class_<Objective>(module, "Objective", "A loss of models of one flow.")
      .def_static("create", create, nb::arg("objective"), nb::arg("is_text"), nb::arg("flow"), nb::arg("dtype").none(),
                  nb::arg("threads"), nb::arg("target").none())
      .def("value_and_gradient", valueAndGradient, nb::arg("model"), nb::arg("x").none(), nb::arg("condition").none(),
           nb::arg("n"), nb::arg("seed"), nb::arg("first"));
  module.def("optimize", optimize, nb::arg("model"), nb::arg("objective"), nb::arg("options"),
             nb::arg("on_step").none());
}
