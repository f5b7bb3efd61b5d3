//===- PullBack.cpp - Pull-backs for C ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunKernel.h"

using namespace flowc;
using namespace flowc::capi;

namespace {

/// What is pulled back, at which rows, and the derivatives in the program's results.
struct PullBackCall {
  Program program;
  RowSource rows;
  flowc_input x, condition;
  std::vector<flowc_input> cotangents;
  uint64_t seed = 0, first = 0;
};

/// The kernel that differentiates a program so.
const KernelSpec &findDerivative(Program program, Derivative derivative, RowSource rows) {
  const KernelSpec *spec = kKernels;
  while (spec->program != program || spec->derivative != derivative || spec->rows != rows ||
         spec->tangent != Derivative::None)
    ++spec;
  return *spec;
}

/// Multiplies derivatives of one number for each row by its cotangents.
void scaleBy(const flowc_input &cotangent, const flowc_output &derivatives) {
  withType(toDType(derivatives.dtype), [&]<typename T>() {
    Eigen::Map<Rows<T>> result(static_cast<T *>(derivatives.data), derivatives.rows, derivatives.columns);
    Rows<T> scaled = result;
    detail::scaleRows<T>(scaled, Eigen::Map<const Column<T>>(static_cast<const T *>(cotangent.data), cotangent.rows));
    result = scaled;
  });
}

Outcome pullBackTo(const flowc_kernels *kernels, const flowc_model *model, const PullBackCall &call,
                   Derivative derivative, const flowc_output &to) {
  if (ArrayRef(to).isNone())
    return {};
  Kernels &compiled = **unwrap(kernels);
  const Flow &flow = compiled.flow();
  const KernelSpec &spec = findDerivative(call.program, derivative, call.rows);
  bool takesCotangents = spec.weighted || spec.takesCotangents();
  auto arranged =
      arrange(flow, spec, call.x, call.condition, takesCotangents ? call.cotangents : std::vector<flowc_input>());
  if (!arranged)
    return arranged.takeFailure();
  arranged->seed = call.seed;
  arranged->first = call.first;
  arranged->mean = false;
  if (spec.hasSum())
    arranged->gradient = to;
  else
    arranged->outputs = {to};
  if (!takesCotangents)
    if (Outcome ok = checkArray("cotangent", call.cotangents[0], call.x.rows, 1, compiled.dtype(), "these kernels");
        !ok)
      return ok;
  if (Outcome ok = runKernel(compiled, *unwrap(model), *arranged); !ok)
    return ok;
  if (!takesCotangents)
    scaleBy(call.cotangents[0], to);
  return {};
}

flowc_error *pullBack(const char *function, const flowc_kernels *kernels, const flowc_model *model,
                      const PullBackCall &pulled, const flowc_output &parameters, const flowc_output &inputs,
                      const flowc_output &cond) {
  return call(function, {{"kernels", kernels}, {"model", model}}, [&]() -> Outcome {
    if (!ArrayRef(cond).isNone() && !(*unwrap(kernels))->flow().condShape())
      return Outcome::invalid("'" + (*unwrap(kernels))->flow().name() +
                              "' takes no condition, but 'cond' asks for its derivatives");
    if (Outcome ok = pullBackTo(kernels, model, pulled, Derivative::Params, parameters); !ok)
      return ok;
    if (Outcome ok = pullBackTo(kernels, model, pulled, Derivative::Inputs, inputs); !ok)
      return ok;
    return pullBackTo(kernels, model, pulled, Derivative::Condition, cond);
  });
}

} // namespace

flowc_error *flowc_pull_back_log_prob(const flowc_kernels *kernels, const flowc_model *model, flowc_input x,
                                      flowc_input condition, flowc_input cot_log_prob, flowc_output parameters,
                                      flowc_output inputs, flowc_output cond) {
  return pullBack(__func__, kernels, model, {Program::LogProb, RowSource::Given, x, condition, {cot_log_prob}},
                  parameters, inputs, cond);
}

flowc_error *flowc_pull_back_transform(const flowc_kernels *kernels, const flowc_model *model, flowc_input x,
                                       flowc_input condition, flowc_input cot_y, flowc_input cot_log_det,
                                       flowc_output parameters, flowc_output inputs, flowc_output cond) {
  return pullBack(__func__, kernels, model, {Program::Transform, RowSource::Given, x, condition, {cot_y, cot_log_det}},
                  parameters, inputs, cond);
}

flowc_error *flowc_pull_back_push(const flowc_kernels *kernels, const flowc_model *model, flowc_input z,
                                  flowc_input condition, flowc_input cot_y, flowc_input cot_log_prob,
                                  flowc_output parameters, flowc_output inputs, flowc_output cond) {
  return pullBack(__func__, kernels, model,
                  {Program::SampleAndLogProb, RowSource::Given, z, condition, {cot_y, cot_log_prob}}, parameters,
                  inputs, cond);
}

flowc_error *flowc_pull_back_sample(const flowc_kernels *kernels, const flowc_model *model, uint64_t seed,
                                    uint64_t first, flowc_input condition, flowc_input cot_y, flowc_input cot_log_prob,
                                    flowc_output parameters) {
  return pullBack(
      __func__, kernels, model,
      {Program::SampleAndLogProb, RowSource::Drawn, flowc_no_input(), condition, {cot_y, cot_log_prob}, seed, first},
      parameters, flowc_no_output(), flowc_no_output());
}
