//===- PullBack.cpp - Gradients of models ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

using namespace flowc::python;

/// Derivatives by what results were computed from: parameters (one vector in leaf order,
/// float64), inputs, condition (by row; None for a flow that has none).
namespace {
class PulledBack {
public:
  PulledBack(const Model &model, std::span<const Py_ssize_t> batch) {
    parameters = model.makeTrainableArray();
    inputs = OutputArray(model.getDType(), batch, model.getFlow().getShape());
    if (model.getFlow().isConditional())
      condition = OutputArray(model.getDType(), batch, model.getFlow().getCondShape());
  }

  nb::tuple take() {
    nb::object byCondition = condition.take();
    return nb::make_tuple(parameters.take(), inputs.take(), byCondition.is_valid() ? byCondition : nb::none());
  }

  OutputArray parameters, inputs, condition;
};
} // namespace

/// Whether a cotangent has a row for each row of the inputs.
static void checkRows(const char *name, const InputArray &array, int64_t rows) {
  if (array.rows() != rows)
    throw FlowError("'" + std::string(name) + "' has " + std::to_string(array.rows()) + " rows, expected " +
                    std::to_string(rows));
}

static nb::tuple pullBackLogProb(const Model &model, nb::handle x, nb::handle condition, nb::handle cotangent) {
  InputArray rows(x, model.eventKind("x"));
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(rows.rows());
  InputArray cot(cotangent, {"cotangent", model.getDType(), {}});
  checkRows("cotangent", cot, rows.rows());
  PulledBack result(model, rows.batch());
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return flowc_pull_back_log_prob(kernels, handle, rows.get(), perRow, cot.get(), result.parameters.get(),
                                    result.inputs.get(), result.condition.get());
  });
  return result.take();
}

using PullBackFunction = flowc_error *(*)(const flowc_kernels *, const flowc_model *, flowc_input, flowc_input,
                                          flowc_input, flowc_input, flowc_output, flowc_output, flowc_output);

/// Of events and a number each.
template <PullBackFunction function>
static nb::tuple pullBackEvents(const Model &model, nb::handle x, nb::handle condition, nb::handle cotangentY,
                                nb::handle cotangentNumber) {
  InputArray rows(x, model.eventKind("x"));
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(rows.rows());
  InputArray cotY(cotangentY, {"cotangent_y", model.getDType(), model.getFlow().getShape()});
  InputArray cotNumber(cotangentNumber, {"cotangent_log", model.getDType(), {}});
  checkRows("cotangent_y", cotY, rows.rows());
  checkRows("cotangent_log", cotNumber, rows.rows());
  PulledBack result(model, rows.batch());
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return function(kernels, handle, rows.get(), perRow, cotY.get(), cotNumber.get(), result.parameters.get(),
                    result.inputs.get(), result.condition.get());
  });
  return result.take();
}

/// The mean negative log-likelihood of rows and its gradient, one vector in leaf order.
static nb::tuple nllGradient(const Model &model, nb::handle x, nb::handle condition) {
  InputArray rows(x, model.eventKind("x"));
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(rows.rows());
  OutputArray gradient = model.makeTrainableArray();
  double loss = 0;
  model.run([&](const flowc_kernels *kernels, const flowc_model *handle) {
    return flowc_nll_gradient(kernels, handle, rows.get(), perRow, &loss, gradient.get());
  });
  return nb::make_tuple(loss, gradient.take());
}

void flowc::python::addPullBacks(nb::class_<Model> &model) {
  auto x = nb::arg("x").none();
  auto condition = nb::arg("condition").none();
  model.def("nll_gradient", nllGradient, x, condition)
      .def("pull_back_log_prob", pullBackLogProb, x, condition, nb::arg("cotangent"))
      .def("pull_back_transform", pullBackEvents<flowc_pull_back_transform>, x, condition, nb::arg("cotangent_y"),
           nb::arg("cotangent_log"))
      .def("pull_back_push", pullBackEvents<flowc_pull_back_push>, x, condition, nb::arg("cotangent_y"),
           nb::arg("cotangent_log"));
}
