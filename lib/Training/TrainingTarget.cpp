//===- TrainingTarget.cpp - What a flow is to approximate -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/TrainingTarget.h"

#include "Objectives/Table.h"

using namespace flowc;

Expected<std::unique_ptr<Objective>> TrainingTarget::makeObjective(const Choice &objective, const Flow &flow,
                                                                   const CompileOptions &options,
                                                                   std::string_view text) const {
  if (dim() != flow.dim())
    return Error{"the target '" + this->name() + "' has " + std::to_string(dim()) + " coordinates, but '" +
                 flow.name() + "' has " + std::to_string(flow.dim())};
  CompileOptions fused = options;
  fused.target = density;
  if (!text.empty() && !density)
    return Error{"the target '" + name() + "' is code, which an objective in the language cannot read"};
  if (!text.empty())
    return parseObjective(text, flow, fused, {}, objective.name);
  auto info = findObjective(objective.name);
  if (!info)
    return info.takeError();
  if ((*info)->rows == RowSource::Given)
    return Error{"the objective '" + objective.name + "' is about data, expected one about a target"};
  if (density)
    return flowc::makeObjective(objective, flow, fused);
  if (*info != &elboInfo && *info != &stlInfo)
    return Error{"the target '" + name() + "' is code, for which there are the objectives elbo and stl, not '" +
                 objective.name + "'"};
  return makeExternalElbo(**info, flow, *code, options);
}

Expected<TargetFunction> TrainingTarget::function(const CompileOptions &options) const {
  if (code)
    return TargetFunction([target = *code, threads = options.threads](const double *x, int64_t rows, double *logDensity,
                                                                      double *gradient) {
      return target.evaluate(x, rows, logDensity, gradient, threads);
    });
  return compileTargetFunction(*density, options);
}
