//===- Table.cpp - The table of optimisers --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"

using namespace flowc;

std::span<const OptimizerInfo *const> flowc::optimizerTable() { return kOptimizers; }

Expected<const OptimizerInfo *> flowc::findOptimizer(std::string_view name) {
  return findRow<OptimizerInfo>("optimiser", name, kOptimizers);
}

template <typename T>
Expected<std::unique_ptr<Optimizer<T>>> flowc::makeOptimizer(const Choice &choice, int64_t count) {
  auto info = findOptimizer(choice.name);
  if (!info)
    return info.takeError();
  auto settings = resolveSettings("optimiser", choice, (*info)->settings);
  if (!settings)
    return settings.takeError();
  if constexpr (sizeof(T) == sizeof(float))
    return (*info)->makeFloat(*settings, count);
  else
    return (*info)->makeDouble(*settings, count);
}

template Expected<std::unique_ptr<Optimizer<float>>> flowc::makeOptimizer<float>(const Choice &, int64_t);
template Expected<std::unique_ptr<Optimizer<double>>> flowc::makeOptimizer<double>(const Choice &, int64_t);
