//===- Training.cpp - Training loops --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FitOptions.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>

using namespace flowc::python;

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

namespace {

/// What a flow is to approximate.
struct Target {
  Own<flowc_target> handle;
  /// Of a function of Python: `function(x)` gives log-densities and their gradients.
  nb::object function = {};
  int64_t dim = 0;
  /// Of the training that calls the function.
  Callbacks *callbacks = nullptr;
};

} // namespace

/// Copies what a function returned into `count` numbers at `to`.
static void copyNumbers(nb::handle values, const char *name, std::span<const int64_t> shape, double *to) {
  InputArray array(values, {name, FLOWC_F64, shape});
  if (!array.batch().empty())
    throw FlowError("'" + std::string(name) + "' has too many axes, expected shape " + formatShape(shape));
  flowc_input from = array.get();
  std::copy_n(static_cast<const double *>(from.data), from.rows * from.columns, to);
}

static int callTarget(void *data, const double *x, int64_t rows, double *logDensity, double *gradient) {
  auto &target = *static_cast<Target *>(data);
  auto body = [&] {
    Py_ssize_t count = rows;
    OutputArray events(FLOWC_F64, {&count, 1}, {&target.dim, 1});
    std::copy_n(x, rows * target.dim, static_cast<double *>(events.get().data));
    nb::object result = target.function(events.take());
    if (!nb::isinstance<nb::tuple>(result) || nb::len(result) != 2)
      throw FlowError("a target returns (log-densities, gradients), a tuple of two arrays");
    copyNumbers(result[0], "the log-densities of a target", {&rows, 1}, logDensity);
    if (!gradient)
      return;
    const int64_t shape[] = {rows, target.dim};
    copyNumbers(result[1], "the gradients of a target", shape, gradient);
    // Where the density is 0 array code gives anything.
    for (int64_t i = 0; i < rows; ++i)
      if (logDensity[i] == -std::numeric_limits<double>::infinity())
        std::fill_n(gradient + i * target.dim, target.dim, 0.0);
  };
  return target.callbacks && target.callbacks->call(body) ? 0 : 1;
}

static std::shared_ptr<Target> targetOfDensity(const Flow &density) {
  return std::make_shared<Target>(Target{make<flowc_target>(flowc_target_from_density, density.get())});
}

static std::shared_ptr<Target> targetOfFunction(const std::string &name, int64_t dim, nb::object function) {
  auto target = std::make_shared<Target>();
  target->function = std::move(function);
  target->dim = dim;
  target->handle = make<flowc_target>(flowc_target_from_function, name.c_str(), dim, 0, callTarget,
                                      static_cast<void *>(target.get()));
  return target;
}

static std::shared_ptr<Target> targetOfLibrary(const std::string &path, const std::string &data) {
  ReleaseGil release;
  return std::make_shared<Target>(
      Target{make<flowc_target>(flowc_target_load_library, path.c_str(), data.empty() ? nullptr : data.c_str())});
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static nb::object arrayOf(const double *values, size_t count) {
  auto size = static_cast<int64_t>(count);
  OutputArray array(FLOWC_F64, {}, {&size, 1});
  std::copy_n(values, count, static_cast<double *>(array.get().data));
  return array.take();
}

nb::dict flowc::python::describe(const flowc_training *training) {
  nb::dict result;
  size_t rounds = flowc_training_num_rounds(training);
  result["train_losses"] = arrayOf(flowc_training_train_losses(training), rounds);
  result["val_losses"] = arrayOf(flowc_training_val_losses(training), rounds);
  result["best_round"] = flowc_training_best_round(training);
  std::vector<double> losses;
  for (size_t i = 0; i < flowc_training_num_steps(training); ++i)
    losses.push_back(flowc_training_step(training, i)->loss);
  result["step_losses"] = arrayOf(losses.data(), losses.size());
  result["interrupted"] = flowc_training_was_interrupted(training) != 0;
  result["converged"] = flowc_training_has_converged(training) != 0;
  result["record"] = flowc_training_record(training);
  return result;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

static nb::dict fitToData(Model &model, nb::handle x, nb::handle condition, const nb::dict &given, nb::handle onRound) {
  InputArray rows(x, model.eventKind("x"));
  Condition conditions(model, condition);
  flowc_input perRow = conditions.get(rows.rows());
  TrainOptions options(FLOWC_LOOP_DATA, given);
  Callbacks callbacks(onRound, nb::none());
  options->on_round = onRound.is_none() ? nullptr : Callbacks::hearRound;
  return train(model, options, callbacks, [&](flowc_model *handle, flowc_training **result) {
    return flowc_fit_to_data(handle, rows.get(), perRow, options.get(), result);
  });
}

static nb::dict fitToTarget(Model &model, Target &target, const nb::dict &given, nb::handle onRound) {
  TrainOptions options(FLOWC_LOOP_TARGET, given);
  Callbacks callbacks(onRound, nb::none());
  options->on_round = onRound.is_none() ? nullptr : Callbacks::hearRound;
  target.callbacks = &callbacks;
  return train(model, options, callbacks, [&](flowc_model *handle, flowc_training **result) {
    return flowc_fit_to_target(handle, target.handle.get(), options.get(), result);
  });
}

static std::shared_ptr<Model> initTowards(const Flow &flow, nb::handle dtype, Target &target, const nb::dict &given,
                                          int threads) {
  TrainOptions options(FLOWC_LOOP_TARGET, given);
  Callbacks callbacks{nb::none(), nb::none()};
  target.callbacks = &callbacks;
  flowc_dtype type = dtypeFrom(dtype);
  options->threads = threads;
  flowc_model *result = nullptr;
  Own<flowc_error> error;
  {
    ReleaseGil release;
    error.reset(flowc_model_init_towards(flow.get(), type, target.handle.get(), options.get(), &result));
  }
  Own<flowc_model> model(result);
  checkAfter(callbacks, std::move(error));
  return std::make_shared<Model>(std::move(model), threads);
}

//===----------------------------------------------------------------------===//
// From a table to a flow
//===----------------------------------------------------------------------===//

const char *const *flowc::python::pointersTo(const std::vector<std::string> &texts,
                                             std::vector<const char *> &pointers) {
  for (const std::string &text : texts)
    pointers.push_back(text.c_str());
  return pointers.empty() ? nullptr : pointers.data();
}

nb::tuple flowc::python::runFit(
    const FitBudget &budget, int32_t dtype, int threads, nb::handle onProgress,
    const std::function<flowc_error *(flowc_fit_table_options *, flowc_model **, flowc_training **)> &fit) {
  Callbacks callbacks(nb::none(), onProgress);
  flowc_fit_table_options options;
  flowc_fit_table_options_init(&options, sizeof(options));
  std::tie(options.seconds, options.steps, options.seed) = budget;
  options.dtype = dtype;
  options.threads = threads;
  options.user_data = &callbacks;
  options.progress = onProgress.is_none() ? nullptr : Callbacks::hearProgress;
  options.interrupted = Callbacks::isInterrupted;
  flowc_model *result = nullptr;
  flowc_training *training = nullptr;
  Own<flowc_error> error;
  {
    ReleaseGil release;
    error.reset(fit(&options, &result, &training));
  }
  Own<flowc_model> model(result);
  Own<flowc_training> ownTraining(training);
  checkAfter(callbacks, std::move(error));
  return nb::make_tuple(std::make_shared<Model>(std::move(model), threads), describe(ownTraining.get()));
}

static nb::tuple fitTable(nb::handle x, nb::handle condition, nb::handle dtype, const FitBudget &budget, int threads,
                          const std::vector<std::string> &names, const std::vector<std::string> &conditionNames,
                          nb::handle onProgress) {
  // (Two axes, the last of any size: checked by the caller.)
  InputArray rows(x, {"x", FLOWC_F64, {}});
  std::optional<InputArray> conditions;
  auto table = [](const InputArray &array) {
    return flowc_in_f64(static_cast<const double *>(array.get().data), array.batch()[0], array.batch()[1]);
  };
  if (!condition.is_none())
    conditions.emplace(condition, ArrayKind{"condition", FLOWC_F64, {}});
  std::vector<const char *> pointers, conditionPointers;
  return runFit(budget, dtypeFrom(dtype), threads, onProgress,
                [&](flowc_fit_table_options *options, flowc_model **result, flowc_training **training) {
                  options->names = pointersTo(names, pointers);
                  options->condition_names = pointersTo(conditionNames, conditionPointers);
                  return flowc_fit_table(table(rows), conditions ? table(*conditions) : flowc_no_input(), options,
                                         result, training);
                });
}

void flowc::python::addTraining(nb::module_ &module) {
  nb::class_<Target>(module, "Target", "A log-density that a flow is to approximate.")
      .def_static("from_density", targetOfDensity, nb::arg("density"))
      .def_static("from_function", targetOfFunction, nb::arg("name"), nb::arg("dim"), nb::arg("function"))
      .def_static("from_library", targetOfLibrary, nb::arg("path"), nb::arg("data"))
      .def_prop_ro("dim", [](const Target &target) { return flowc_target_get_dim(target.handle.get()); });
  module.def("fit_to_data", fitToData, nb::arg("model"), nb::arg("x").none(), nb::arg("condition").none(),
             nb::arg("options"), nb::arg("on_round").none());
  module.def("fit_to_target", fitToTarget, nb::arg("model"), nb::arg("target"), nb::arg("options"),
             nb::arg("on_round").none());
  module.def("init_towards", initTowards, nb::arg("flow"), nb::arg("dtype").none(), nb::arg("target"),
             nb::arg("options"), nb::arg("threads"));
  module.def("fit_table", fitTable, nb::arg("x").none(), nb::arg("condition").none(), nb::arg("dtype").none(),
             nb::arg("budget"), nb::arg("threads"), nb::arg("names"), nb::arg("condition_names"),
             nb::arg("on_progress").none());
}
