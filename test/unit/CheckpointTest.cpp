//===- CheckpointTest.cpp - Training that goes on -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a resumed training remembers, beyond the parameters of the last step.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Training/Trainer.h"

#include <gmock/gmock.h>

#include <cmath>

using namespace flowc;
using flowc::test::Random;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

constexpr const char *kText = "flow f = transformed(standard_normal([2]), affine(zeros(2), ones(2)))";

template <typename T>
RowsMap<T> mapOf(const Rows<T> &rows) {
  return {rows.data(), rows.rows(), rows.cols()};
}

/// Normal rows of mean (3, -1) and deviation (2, 0.5).
Rows<double> normalRows(int64_t count) {
  Rows<double> x = Random(7).normals<double>(count, 2);
  x.col(0) = (2 * x.col(0)).array() + 3;
  x.col(1) = (0.5 * x.col(1)).array() - 1;
  return x;
}

/// Trains to the end.
void finish(Trainer &trainer) {
  while (take(trainer.advance()) == Trainer::Outcome::EpochEnded)
    ;
}

} // namespace

TEST(CheckpointTest, ARunWhosePatienceIsOverStaysOver) {
  TemporaryDirectory folder;
  Rows<double> x = normalRows(500);
  // So large a rate that the loss soon stops improving: the last parameters are not the
  // best.
  FitOptions options{.learningRate = 0.8, .maxEpochs = 200, .maxPatience = 3};
  Model first = test::initialise(kText, {.dtype = F64}), second = first;
  auto trainer = take(Trainer::create(first, TrainingData(mapOf(x)), options));
  finish(*trainer);
  const TrainingState ended = trainer->state();
  ASSERT_LT(ended.epoch, options.maxEpochs);
  ASSERT_LT(ended.bestEpoch, ended.epoch);
  ASSERT_TRUE(trainer->saveCheckpoint(folder / "c.safetensors"));

  auto resumed = take(Trainer::create(second, TrainingData(mapOf(x)), options));
  auto loaded = resumed->loadCheckpoint(folder / "c.safetensors");
  ASSERT_TRUE(loaded) << loaded.error().message;
  finish(*resumed);
  EXPECT_EQ(resumed->state().epoch, ended.epoch);
  EXPECT_EQ(resumed->state().valLosses, ended.valLosses);
  EXPECT_EQ(second.trainable(), first.trainable()) << "of the last step";
  std::vector<double> last = first.trainable();
  trainer->keepBest();
  resumed->keepBest();
  EXPECT_NE(first.trainable(), last);
  EXPECT_EQ(second.trainable(), first.trainable()) << "of the best epoch";
}

TEST(CheckpointTest, OtherFrozenValuesAreRefused) {
  TemporaryDirectory folder;
  Rows<double> x = normalRows(100);
  constexpr const char *text =
      "flow f = transformed(coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 3), "
      "non_trainable(affine([3, -1], [2, 0.5])))";
  FitOptions options{.maxEpochs = 1};
  Model model = test::initialise(text, {.dtype = F64});
  auto trainer = take(Trainer::create(model, TrainingData(mapOf(x)), options));
  ASSERT_TRUE(trainer->saveCheckpoint(folder / "c.safetensors"));
  int64_t frozen = 0;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const ParameterInfo &info = model.parameters()[i];
    std::vector<double> values = model.values(i);
    if (info.trainable || values.size() < 2)
      continue;
    ++frozen;
    Model other = model;
    std::swap(values[0], values[1]);
    ASSERT_TRUE(other.setValues(i, values)) << info.path;
    auto loaded =
        take(Trainer::create(other, TrainingData(mapOf(x)), options))->loadCheckpoint(folder / "c.safetensors");
    if (values[0] == values[1]) {
      EXPECT_TRUE(loaded) << info.path;
      continue;
    }
    ASSERT_FALSE(loaded) << info.path;
    EXPECT_THAT(loaded.error().message, HasSubstr("its '" + info.path + "' is another one than the model's"));
  }
  EXPECT_GE(frozen, 2) << "the permutations, and the units";
}

/// A loss that is no number is the best one only until there is a number.
TEST(CheckpointTest, ANaNIsNotTheBestEpoch) {
  Rows<double> x = normalRows(200), validation = normalRows(20);
  validation(7, 0) = std::numeric_limits<double>::quiet_NaN();
  TrainingData data(mapOf(x));
  data.setValidation(mapOf(validation));
  FitOptions options{.learningRate = 1e-3, .maxEpochs = 3};
  options.update.maxRecoveries = 0;
  options.onEpoch = [&](int64_t, double, double) {
    validation(7, 0) = 3; // The rows are looked at, not copied.
    return true;
  };
  Model model = test::initialise(kText, {.dtype = F64});
  auto trainer = take(Trainer::create(model, data, options));
  finish(*trainer);
  EXPECT_TRUE(std::isnan(trainer->state().valLosses[0]));
  EXPECT_EQ(trainer->state().bestEpoch, 3) << "the loss of " << trainer->state().valLosses[2];
}
