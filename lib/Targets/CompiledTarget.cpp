//===- CompiledTarget.cpp - Densities of the language as functions --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Targets.h"

using namespace flowc;

Expected<TargetFunction> flowc::compileTargetFunction(const Flow &density, CompileOptions options) {
  if (!density.isDensity() && (!density.isDistribution() || density.condShape()))
    return Error{"'" + density.name() + "' is " + (density.isDistribution() ? "conditional" : "a bijection") +
                 ", expected a density as a target"};
  options.dtype = F64;
  options.target.reset();
  auto model = Model::initialise(density, {.dtype = F64});
  if (!model)
    return model.takeError();
  auto kernels = compile(density, options);
  if (!kernels)
    return kernels.takeError();
  return TargetFunction([model = std::make_shared<Model>(std::move(*model)), kernels = *kernels](
                            const double *x, int64_t rows, double *logDensity, double *gradient) -> Expected<void> {
    Kernels::Call logProb{.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {logDensity}, .rows = rows};
    if (auto ok = kernels->run(*model, logProb); !ok || !gradient)
      return ok;
    return kernels->run(*model, {.kernel = Kernel::Score, .inputs = {x}, .outputs = {gradient}, .rows = rows});
  });
}
