//===- Targets.cpp - Targets and objectives for C -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "Options.h"

using namespace flowc;
using namespace flowc::capi;

/// What a callback of C that can fail came to.
static Expected<void> codeOf(int code, const std::string &what) {
  if (code == 0)
    return {};
  return Error{what + " failed: it returned " + std::to_string(code)};
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

flowc_error *flowc_target_from_density(const flowc_flow *density, flowc_target **result) {
  return make(__func__, {{"density", density}}, result, [&]() -> Made<TrainingTarget> {
    if (!unwrap(density)->isDensity())
      return Outcome::invalid("'" + unwrap(density)->name() +
                              "' is no density: expected one of "
                              "flowc_flow_parse_density");
    return TrainingTarget(*unwrap(density));
  });
}

flowc_error *flowc_target_from_function(const char *name, int64_t dim, int is_thread_safe,
                                        flowc_target_function function, void *user_data, flowc_target **result) {
  const void *code = reinterpret_cast<const void *>(function);
  return make(__func__, {{"name", name}, {"function", code}}, result, [&]() -> Made<TrainingTarget> {
    if (dim < 1)
      return Outcome::invalid("the target has " + std::to_string(dim) + " coordinates, expected at least 1");
    auto evaluate = [function, user_data, label = "the target '" + std::string(name) + "'"](
                        const double *x, int64_t rows, double *logDensity, double *gradient) {
      return codeOf(function(user_data, x, rows, logDensity, gradient), label);
    };
    return TrainingTarget(
        ExternalTarget{.name = name, .dim = dim, .threadSafe = is_thread_safe != 0, .function = evaluate});
  });
}

flowc_error *flowc_target_load_library(const char *path, const char *data, flowc_target **result) {
  return make(__func__, {{"path", path}}, result, [&]() -> Made<TrainingTarget> {
    auto loaded = loadTargetLibrary(path, orEmpty(data));
    if (!loaded)
      return Outcome(loaded.takeError());
    return TrainingTarget(std::move(*loaded));
  });
}

void flowc_target_free(flowc_target *target) { destroy(target); }
int64_t flowc_target_get_dim(const flowc_target *target) { return target ? unwrap(target)->dim() : 0; }

//===----------------------------------------------------------------------===//
// Objectives
//===----------------------------------------------------------------------===//

/// Both kinds that are compiled for a flow.
template <typename Body>
static flowc_error *makeCompiled(const char *function, std::initializer_list<Needed> needed,
                                 const flowc_compile_options *options, flowc_objective **result, Body &&body) {
  return make(function, needed, result, [&]() -> Made<std::unique_ptr<Objective>> {
    auto read = readCompileOptions(options);
    if (!read)
      return read.takeFailure();
    return body(*read);
  });
}

flowc_error *flowc_objective_create(const char *objective, const flowc_flow *flow, const flowc_compile_options *options,
                                    flowc_objective **result) {
  return makeCompiled(__func__, {{"objective", objective}, {"flow", flow}}, options, result,
                      [&](const CompileOptions &read) -> Made<std::unique_ptr<Objective>> {
                        auto choice = Choice::parse(objective);
                        if (!choice)
                          return Outcome::invalid(choice.takeError().message);
                        return makeObjective(*choice, *unwrap(flow), read);
                      });
}

flowc_error *flowc_objective_parse(const char *text, const char *name, const char *file, const flowc_flow *flow,
                                   const flowc_compile_options *options, flowc_objective **result) {
  return makeCompiled(__func__, {{"text", text}, {"flow", flow}}, options, result,
                      [&](const CompileOptions &read) -> Made<std::unique_ptr<Objective>> {
                        return parseObjective(text, *unwrap(flow), read, orEmpty(name), file ? file : "<text>");
                      });
}

flowc_error *flowc_objective_from_function(const char *name, flowc_loss_function function, void *user_data,
                                           flowc_objective **result) {
  const void *code = reinterpret_cast<const void *>(function);
  return make(__func__, {{"name", name}, {"function", code}}, result, [&] {
    auto evaluate = [function, user_data, label = "the objective '" + std::string(name) + "'"](
                        const Model &model, const Batch &batch, std::span<double> gradient) -> Expected<double> {
      flowc_batch seen = {batch.x, batch.condition, batch.weights, batch.rows, batch.first, batch.seed};
      double loss = 0;
      int code = function(user_data, wrap<const flowc_model>(&model), &seen, &loss, gradient.data());
      if (auto ok = codeOf(code, label); !ok)
        return ok.takeError();
      return loss;
    };
    return makeObjective(name, evaluate);
  });
}

void flowc_objective_free(flowc_objective *objective) { destroy(objective); }

/// The batch of a call: rows that are given, or draws.
static Made<Batch> batchOf(const Model &model, const flowc_input &x, const flowc_input &condition, int64_t n) {
  const Flow &flow = model.flow();
  if (n < 1)
    return Outcome::invalid("'n' is " + std::to_string(n) + ", expected at least one row");
  Batch batch{.rows = n};
  if (!ArrayRef(x).isNone()) {
    if (Outcome ok = checkArray("x", x, n, flow.dim(), model.dtype(), "the model"); !ok)
      return ok;
    batch.x = x.data;
  }
  if (Outcome ok = checkCondition(flow, condition, n); !ok)
    return ok;
  if (!flow.condShape())
    return batch;
  if (Outcome ok = checkArray("condition", condition, n, flow.condDim(), model.dtype(), "the model"); !ok)
    return ok;
  batch.condition = condition.data;
  return batch;
}

flowc_error *flowc_objective_value_and_gradient(flowc_objective *objective, const flowc_model *model, flowc_input x,
                                                flowc_input condition, int64_t n, uint64_t seed, uint64_t first,
                                                double *loss, flowc_output gradient) {
  return call(__func__, {{"objective", objective}, {"model", model}}, [&]() -> Outcome {
    auto batch = batchOf(*unwrap(model), x, condition, n);
    if (!batch)
      return batch.takeFailure();
    batch->seed = seed;
    batch->first = first;
    bool wantsGradient = !ArrayRef(gradient).isNone();
    if (wantsGradient)
      if (Outcome ok = checkCount("gradient", gradient, unwrap(model)->numTrainable()); !ok)
        return ok;
    auto result = valueAndGradient(**unwrap(objective), *unwrap(model), *batch);
    if (!result)
      return result.takeError();
    if (loss)
      *loss = result->value;
    if (wantsGradient)
      writeNumbers(result->gradient, gradient);
    return {};
  });
}
