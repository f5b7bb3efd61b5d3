//===- TrainingTarget.cpp - What a flow is to approximate -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/TrainingTarget.h"

#include "Objectives/Table.h"

using namespace flowc;

Expected<std::unique_ptr<Objective>> TrainingTarget::makeObjective(std::string_view name, const Flow &flow,
                                                                   const CompileOptions &options) const {
  auto info = findObjective(name);
  if (!info)
    return info.takeError();
  if (!(*info)->needsTarget)
    return Error{"the objective '" + std::string(name) + "' is about data, expected one about a target"};
  if (dim() != flow.dim())
    return Error{"the target '" + this->name() + "' has " + std::to_string(dim()) + " coordinates, but '" +
                 flow.name() + "' has " + std::to_string(flow.dim())};
  if (!density)
    return makeExternalElbo(**info, flow, *code, options);
  CompileOptions fused = options;
  fused.target = *density;
  return flowc::makeObjective(name, flow, fused);
}

Expected<TargetFunction> TrainingTarget::function(const CompileOptions &options) const {
  if (code)
    return TargetFunction([target = *code, threads = options.threads](const double *x, int64_t rows, double *logDensity,
                                                                      double *gradient) {
      return target.evaluate(x, rows, logDensity, gradient, threads);
    });
  CompileOptions plain = options;
  plain.dtype = F64;
  plain.target.reset();
  auto kernels = compile(*density, plain);
  if (!kernels)
    return kernels.takeError();
  return TargetFunction([kernels = *kernels, model = Model::zeros(*density, F64)](
                            const double *x, int64_t rows, double *logDensity, double *gradient) -> Expected<void> {
    Kernels::Call logProb{.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {logDensity}, .rows = rows};
    if (auto ok = kernels->run(model, logProb); !ok || !gradient)
      return ok;
    return kernels->run(model, {.kernel = Kernel::Score, .inputs = {x}, .outputs = {gradient}, .rows = rows});
  });
}
