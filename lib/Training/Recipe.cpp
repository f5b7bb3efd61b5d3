//===- Recipe.cpp - Settings that do well on tables -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Recipe.h"

#include <algorithm>
#include <bit>

using namespace flowc;

int64_t flowc::recommendedBatchSize(int64_t rows) {
  auto share = static_cast<uint64_t>(std::clamp<int64_t>(rows / 64, 32, 512));
  return static_cast<int64_t>(std::bit_floor(share));
}

FitOptions flowc::recommendedFit(int64_t rows) {
  constexpr int64_t mostEpochs = 300, mostSteps = 25000;
  FitOptions options;
  options.batchSize = recommendedBatchSize(rows);
  int64_t stepsPerEpoch = std::max<int64_t>(1, rows / options.batchSize);
  options.maxEpochs = std::clamp<int64_t>(mostSteps / stepsPerEpoch, 1, mostEpochs);
  // The last third of the cosine gains most; who learns rows by heart before it stops.
  options.maxPatience = std::max<int64_t>(5, options.maxEpochs / 3);
  options.learningRate = 5e-3;
  options.validateAll = true;
  options.update.schedule = "warmup_cosine";
  options.update.clipNorm = 10;
  // Noise of the last few hundred steps: early in the cosine, where networks have not yet
  // learned rows by heart, the average is ahead of the parameters; at its end both are one.
  options.update.average = 0.998;
  options.update.averageCompetes = true;
  return options;
}
