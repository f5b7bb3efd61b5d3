//===- MappedDataTest.cpp - Training on rows of a mapped file -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/IO/Npy.h"
#include "flowc/IO/Rows.h"
#include "flowc/Training/Standardize.h"
#include "flowc/Training/Trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

using namespace flowc;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

constexpr int64_t kAllListed = int64_t(1) << 24;
constexpr const char *flowText = "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 5)";

Rows<double> randomRows(int64_t rows, int64_t columns) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  Rows<double> x(rows, columns);
  for (int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = 3 + normal(random);
  return x;
}

template <typename T>
std::string npyOf(const Rows<T> &x) {
  std::string data(reinterpret_cast<const char *>(x.data()), static_cast<size_t>(x.size()) * sizeof(T));
  return makeNpyHeader(sizeof(T) == 4 ? F32 : F64, {x.rows(), x.cols()}) + data;
}

RowsView hold(const std::string &path, DType dtype, const std::vector<std::string> &columns = {}) {
  return take(holdRows(*take(openRows(path, columns)), dtype));
}

template <typename T>
RowsMap<T> mapOf(const Rows<T> &rows) {
  return {rows.data(), rows.rows(), rows.cols()};
}

/// Trains for a while; with `stopAfter` steps, in two processes, so to speak.
std::vector<double> train(const TrainingData &data, const FitOptions &options, int64_t stopAfter = -1) {
  Model model = flowc::test::initialise(flowText, {.seed = 3, .dtype = F32});
  auto trainer = take(Trainer::create(model, data, options));
  if (stopAfter >= 0) {
    FitOptions interrupted = options;
    interrupted.interrupted = [&, steps = int64_t(0)]() mutable { return steps++ == stopAfter; };
    Model first = model;
    auto stopped = take(Trainer::create(first, data, interrupted));
    while (take(stopped->advance()) != Trainer::Outcome::Interrupted)
      ;
    SavedState state = stopped->save();
    auto restored = trainer->restore(state, "memory");
    EXPECT_TRUE(restored) << restored.error().message;
  }
  while (take(trainer->advance()) == Trainer::Outcome::EpochEnded)
    ;
  return model.trainable();
}

/// Memory of this process that is in no file, in bytes.
int64_t anonymousMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:"))
      return std::stoll(line.substr(8)) * 1024;
  return 0;
}

} // namespace

TEST(MappedDataTest, TrainsAsFromMemory) {
  TemporaryDirectory folder;
  Rows<double> wide = randomRows(5000, 2);
  Rows<float> x = wide.cast<float>();
  folder.write("wide.npy", npyOf(wide));
  folder.write("x.npy", npyOf(x));
  for (int64_t listed : {int64_t(0), kAllListed}) {
    FitOptions options{.learningRate = 0.01, .maxEpochs = 3, .listedRows = listed};
    std::vector<double> expected = train(TrainingData(mapOf(x)), options);
    EXPECT_EQ(train(TrainingData(hold(folder / "x.npy", F32)), options), expected);
    EXPECT_EQ(train(TrainingData(hold(folder / "wide.npy", F32)), options), expected) << "converted by batches";
    EXPECT_EQ(train(TrainingData(hold(folder / "x.npy", F32)), options, 60), expected) << "resumed";
  }
  // The two orders are not the same.
  EXPECT_NE(train(TrainingData(mapOf(x)), {.maxEpochs = 1, .listedRows = 0}),
            train(TrainingData(mapOf(x)), {.maxEpochs = 1}));
}

TEST(MappedDataTest, CheckpointsKnowTheContentsAndTheOrder) {
  TemporaryDirectory folder;
  Rows<float> x = randomRows(500, 2).cast<float>();
  folder.write("x.npy", npyOf(x));
  Model model = flowc::test::initialise(flowText, {.seed = 3, .dtype = F32});
  SavedState state = take(Trainer::create(model, TrainingData(mapOf(x)), {}))->save();
  auto error = [&](const FitOptions &options) -> std::string {
    auto trainer = take(Trainer::create(model, TrainingData(hold(folder / "x.npy", F32)), options));
    auto restored = trainer->restore(state, "it");
    return restored ? "" : restored.error().message;
  };
  EXPECT_EQ(error({}), "") << "the same numbers, from wherever they come";
  EXPECT_THAT(error({.listedRows = 10}), HasSubstr("another 'shuffled' (as a whole, now in windows)"));
  x(321, 1) += 1;
  folder.write("x.npy", npyOf(x));
  EXPECT_THAT(error({}), HasSubstr("another 'data'"));
}

TEST(MappedDataTest, WeightsAndConditionsAreColumns) {
  TemporaryDirectory folder;
  Rows<float> all = randomRows(700, 4).cast<float>().cwiseAbs(), x = all.leftCols(2), weights = all.col(3);
  folder.write("all.npy", npyOf(all));
  TrainingData expected(mapOf(x)), found(hold(folder / "all.npy", F32, {"0", "1"}));
  expected.setWeights(mapOf(weights));
  found.weights = hold(folder / "all.npy", F32, {"3"});
  for (int64_t listed : {int64_t(0), kAllListed}) {
    FitOptions options{.learningRate = 0.01, .maxEpochs = 2, .listedRows = listed};
    EXPECT_EQ(train(found, options), train(expected, options));
    EXPECT_NE(train(found, options), train(TrainingData(mapOf(x)), options));
  }
  Model model = flowc::test::initialise(flowText, {.seed = 3, .dtype = F32});
  found.weights = hold(folder / "all.npy", F32, {"2", "3"});
  auto refused = Trainer::create(model, found, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "the weights have 700 rows of 2 numbers, expected 700 of 1");
}

TEST(MappedDataTest, MemoryDoesNotGrowWithTheRows) {
  // 4,000,000 rows of 8 zeros: 128 MB that are in no memory of the process.
  constexpr int64_t rows = 4000000, columns = 8;
  TemporaryDirectory folder;
  std::string path = folder / "zeros.npy", header = makeNpyHeader(F32, {rows, columns});
  folder.write("zeros.npy", header);
  std::filesystem::resize_file(path, header.size() + rows * columns * sizeof(float));
  Model model = flowc::test::initialise("flow f = transformed(standard_normal([8]), affine(zeros(8), ones(8)))",
                                        {.seed = 3, .dtype = F32});
  int64_t before = anonymousMemory(), most = before;
  FitOptions options{.maxEpochs = 1, .batchSize = 20000, .listedRows = 1000};
  options.interrupted = [&] {
    most = std::max(most, anonymousMemory());
    return false;
  };
  auto trainer = take(Trainer::create(model, TrainingData(hold(path, F32)), options));
  take(trainer->advance());
  most = std::max(most, anonymousMemory());
  EXPECT_EQ(trainer->state().step, rows * 9 / 10 / 20000);
  // A window's list has 8 MB, blocks of conversions 17 MB; kernels are compiled, too.
  EXPECT_LT(most - before, 64 << 20);
}

TEST(MappedDataTest, AFileThatShrinksIsAnError) {
  TemporaryDirectory folder;
  Rows<float> x = randomRows(5000, 2).cast<float>();
  folder.write("x.npy", npyOf(x));
  Model model = flowc::test::initialise(flowText, {.seed = 3, .dtype = F32});
  auto trainer = take(Trainer::create(model, TrainingData(hold(folder / "x.npy", F32)), {.maxEpochs = 5}));
  take(trainer->advance());
  std::filesystem::resize_file(folder / "x.npy", 1000);
  auto outcome = trainer->advance();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("has become shorter while it is in use"));
}

TEST(StatisticsTest, BlocksAreMerged) {
  // 2^20 numbers are a block: two whole ones and a rest.
  Rows<double> x = randomRows((1 << 20) + 12345, 2);
  x.col(1).array() *= 1e-200;
  x.col(1).head(1000).setConstant(5e-190); // Units of blocks differ.
  auto found = take(computeStatistics(x.data(), x.rows(), 2, {}));
  for (int64_t column : {0, 1}) {
    // In long double, in units of the largest number.
    long double unit = column ? 5e-190L : 1, sum = 0, squares = 0;
    for (int64_t i = 0; i < x.rows(); ++i)
      sum += x(i, column) / unit;
    long double mean = sum / static_cast<long double>(x.rows());
    for (int64_t i = 0; i < x.rows(); ++i)
      squares += (x(i, column) / unit - mean) * (x(i, column) / unit - mean);
    auto deviation = static_cast<double>(std::sqrt(squares / static_cast<long double>(x.rows())) * unit);
    // Sums of half a million rounded numbers: their errors grow like the root of that.
    EXPECT_NEAR(found.mean[column] / static_cast<double>(mean * unit), 1, 1e-12);
    EXPECT_NEAR(found.deviation[column] / deviation, 1, 1e-12);
  }
}
