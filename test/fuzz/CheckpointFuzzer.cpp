//===- CheckpointFuzzer.cpp - Files of trainings --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any file is a checkpoint of this training, from which it goes on, or an error that
// changes nothing. What begins like JSON is the record of a training, too, or an error.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/Training/Record.h"
#include "flowc/Training/Trainer.h"

#include <cmath>

using namespace flowc;

namespace {

/// A training at its beginning, to which it is brought back after each input.
struct Training {
  Training() {
    for (int64_t i = 0; i < x.size(); ++i)
      x.data()[i] = std::sin(static_cast<double>(i));
    auto created = Trainer::create(model, TrainingData(RowsMap<double>{x.data(), x.rows(), x.cols()}),
                                   {.maxEpochs = 3, .batchSize = 10, .threads = 1});
    fuzz::check(bool(created), "the training exists", created ? "" : created.error().message);
    trainer = std::move(*created);
    begin = trainer->save();
  }

  /// Whether it still is where it began; but for the time that has passed.
  bool isAtBegin() {
    SavedState now = trainer->save();
    if (now.counts != begin.counts || now.arrays.size() != begin.arrays.size())
      return false;
    for (const auto &[name, array] : begin.arrays)
      if (name != "elapsed" && now.arrays[name].bytes != array.bytes)
        return false;
    return true;
  }

  Model model = *Model::initialise(
      *Flow::parse("flow f = transformed(standard_normal([2]), affine(zeros(2), ones(2)))"), {.seed = 1, .dtype = F64});
  Rows<double> x = Rows<double>(30, 2);
  std::unique_ptr<Trainer> trainer;
  SavedState begin;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static auto *training = new Training();
  Trainer &trainer = *training->trainer;
  // One that is written now, for the corpus: FLOWC_FUZZ_WRITE=FILE.
  if (const char *path = std::getenv("FLOWC_FUZZ_WRITE")) {
    fuzz::check(trainer.advance() && trainer.saveCheckpoint(path), "a checkpoint is written");
    return 0;
  }
  std::string input = fuzz::textOf(data, size);
  if (input.starts_with('{'))
    if (auto record = TrainingRecord::fromJson(input); !record)
      fuzz::checkMessage(record.error().message);
  auto loaded = trainer.loadCheckpoint(fuzz::writeInput(input, ".safetensors"));
  if (!loaded) {
    fuzz::checkMessage(loaded.error().message);
    fuzz::check(training->isAtBegin(), "an error changes nothing");
    return 0;
  }
  fuzz::accept();
  bool isEnded = false;
  for (int epoch = 0; epoch < 4 && !isEnded; ++epoch) {
    auto outcome = trainer.advance();
    isEnded = !outcome || *outcome == Trainer::Outcome::Finished;
  }
  fuzz::check(isEnded, "training ends after its epochs");
  fuzz::check(trainer.restore(training->begin, "the beginning") && training->isAtBegin(),
              "training goes back to where it was");
  return 0;
}
