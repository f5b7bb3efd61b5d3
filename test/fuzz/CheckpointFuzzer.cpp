//===- CheckpointFuzzer.cpp - Files of trainings --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any file is a checkpoint of this training, from which it goes on, or an error that
// changes nothing.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/Training/Trainer.h"

#include <cmath>

using namespace flowc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Flow flow = *Flow::parse("flow f = transformed(standard_normal([2]), affine(zeros(2), ones(2)))");
  static Rows<double> x = [] {
    Rows<double> rows(30, 2);
    for (int64_t i = 0; i < rows.size(); ++i)
      rows.data()[i] = std::sin(static_cast<double>(i));
    return rows;
  }();
  Model model = *Model::initialise(flow, {.seed = 1, .dtype = F64});
  std::vector<double> before = model.trainable();
  auto trainer = Trainer::create(model, TrainingData(RowsMap<double>{x.data(), x.rows(), x.cols()}),
                                 {.maxEpochs = 3, .batchSize = 10});
  fuzz::check(bool(trainer), "the training exists");
  // One that is written now, for the corpus: FLOWC_FUZZ_WRITE=FILE.
  if (const char *path = std::getenv("FLOWC_FUZZ_WRITE")) {
    fuzz::check(bool((*trainer)->advance()) && bool((*trainer)->saveCheckpoint(path)), "a checkpoint is written");
    return 0;
  }
  auto loaded = (*trainer)->loadCheckpoint(fuzz::writeInput(fuzz::textOf(data, size), ".safetensors"));
  if (!loaded) {
    fuzz::checkMessage(loaded.error().message);
    fuzz::check(model.trainable() == before, "an error changes nothing");
    return 0;
  }
  for (int epoch = 0; epoch < 4; ++epoch) {
    auto outcome = (*trainer)->advance();
    if (!outcome || *outcome == Trainer::Outcome::Finished)
      return 0;
  }
  fuzz::check(false, "training ends after its epochs");
  return 0;
}
