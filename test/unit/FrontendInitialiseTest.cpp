//===- FrontendInitialiseTest.cpp - Initial parameters --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Frontend.h"
#include "flowc/Frontend/Initialise.h"
#include "flowc/Support/Philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace flowc {
namespace {

std::vector<PlacedLeaf> initialise(const std::string &text, uint64_t seed, NodePtr &keepAlive) {
  Expected<ParsedItem> item = parseFlow(text);
  if (!item) {
    ADD_FAILURE() << item.error().message;
    return {};
  }
  keepAlive = item->root;
  return initialParameters(*keepAlive, seed);
}

const PlacedLeaf &at(const std::vector<PlacedLeaf> &leaves, const std::string &suffix) {
  return *std::find_if(leaves.begin(), leaves.end(), [&](const PlacedLeaf &leaf) {
    return leaf.path.size() >= suffix.size() &&
           leaf.path.compare(leaf.path.size() - suffix.size(), suffix.size(), suffix) == 0;
  });
}

// Known answers published with Random123 (kat_vectors).
TEST(Philox, KnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(InitialParameters, WeightsFollowTheRuleOfEquinox) {
  NodePtr keep;
  auto leaves = initialise("flow f = coupling_flow(standard_normal([8]), flow_layers = 4)", 7, keep);
  const PlacedLeaf &weight = at(leaves, "layers[1].weight");
  ASSERT_EQ(weight.values.size(), 4u * 8 * 50);
  double bound = 1 / std::sqrt(50.0), sum = 0, squares = 0;
  for (double value : weight.values) {
    EXPECT_LT(std::abs(value), bound);
    sum += value;
    squares += value * value;
  }
  double count = weight.values.size();
  // Within four standard errors of the mean and the variance of U(-bound, bound).
  EXPECT_LT(std::abs(sum / count), 4 * bound / std::sqrt(3 * count));
  EXPECT_NEAR(squares / count, bound * bound / 3, 4 * bound * bound * std::sqrt(4.0 / 45 / count));
  EXPECT_EQ(std::set<double>(weight.values.begin(), weight.values.end()).size(), weight.values.size());
}

TEST(InitialParameters, NormalArrays) {
  NodePtr keep;
  auto leaves = initialise("bijection b = loc(random_normal([100, 200], 0.5))", 3, keep);
  const std::vector<double> &values = leaves[0].values;
  double sum = 0, squares = 0, fourth = 0, largest = 0;
  for (double value : values) {
    double z = value / 0.5;
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
    largest = std::max(largest, std::abs(z));
  }
  double count = values.size();
  // Four standard errors of the moments 0, 1 and 3.
  EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 4 * std::sqrt(2 / count));
  EXPECT_NEAR(fourth / count, 3, 4 * std::sqrt(96 / count));
  EXPECT_GT(largest, 3.2);
  EXPECT_LT(largest, 6.0);
}

TEST(InitialParameters, EveryLayerHasItsOwnPermutation) {
  NodePtr keep;
  auto leaves = initialise("flow f = masked_autoregressive_flow(standard_normal([16]))", 1, keep);
  const PlacedLeaf &permutation = at(leaves, ".permutation[0]"), &inverse = at(leaves, ".inverse_permutation[0]");
  std::set<std::vector<double>> different;
  for (int layer = 0; layer < 8; ++layer) {
    std::vector<double> copy(permutation.values.begin() + 16 * layer, permutation.values.begin() + 16 * (layer + 1));
    different.insert(copy);
    for (int i = 0; i < 16; ++i)
      EXPECT_EQ(inverse.values[16 * layer + static_cast<int>(copy[i])], i);
    std::sort(copy.begin(), copy.end());
    for (int i = 0; i < 16; ++i)
      EXPECT_EQ(copy[i], i);
  }
  EXPECT_EQ(different.size(), 8u);
}

TEST(InitialParameters, GivenPermutationsGetTheirInverse) {
  NodePtr keep;
  auto leaves = initialise("bijection b = scan([permute([1, 2, 0]), permute([0, 2, 1])])", 1, keep);
  EXPECT_EQ(leaves[0].values, (std::vector<double>{1, 2, 0, 0, 2, 1}));
  EXPECT_EQ(leaves[1].values, (std::vector<double>{2, 0, 1, 0, 2, 1}));
}

TEST(InitialParameters, ShufflesAreUniform) {
  NodePtr keep;
  auto leaves = initialise("bijection b = scan(permute(shuffled(3)), layers = 60000)", 5, keep);
  std::array<int, 27> counts{};
  for (size_t i = 0; i < leaves[0].values.size(); i += 3)
    ++counts[static_cast<size_t>(9 * leaves[0].values[i] + 3 * leaves[0].values[i + 1] + leaves[0].values[i + 2])];
  int seen = 0;
  for (int count : counts) {
    seen += count > 0;
    if (count > 0) {
      EXPECT_NEAR(count, 10000, 5 * std::sqrt(10000.0 * 5 / 6));
    }
  }
  EXPECT_EQ(seen, 6);
}

TEST(InitialParameters, DependOnTheSeedAndNotOnWhatSurroundsTheFlow) {
  NodePtr keep[4];
  const std::string flow = "flow f = coupling_flow(standard_normal([3]))\n";
  auto one = initialise(flow, 1, keep[0]), again = initialise(flow, 1, keep[1]), two = initialise(flow, 2, keep[2]);
  auto wrapped = initialise(flow + "flow g = transformed(f, non_trainable(affine([1, 2, 3], [4, 5, 6])))", 1, keep[3]);
  const std::string leaf = "conditioner.layers[0].weight";
  EXPECT_EQ(at(one, leaf).values, at(again, leaf).values);
  EXPECT_NE(at(one, leaf).values, at(two, leaf).values);
  EXPECT_EQ(at(one, leaf).values, at(wrapped, leaf).values);
  EXPECT_EQ(at(one, ".permutation[0]").values, at(wrapped, ".permutation[0]").values);
}

TEST(InitialParameters, LayersDoNotDependOnTheirNumber) {
  NodePtr keep[2];
  auto few = initialise("flow f = coupling_flow(standard_normal([3]), flow_layers = 2)", 1, keep[0]);
  auto many = initialise("flow f = coupling_flow(standard_normal([3]), flow_layers = 5)", 1, keep[1]);
  const std::vector<double> &a = at(few, "layers[1].bias").values, &b = at(many, "layers[1].bias").values;
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
}

// From an implementation of the same definition in Python, with the quantile
// computed in 40 digits: models must not change with the compiler or machine.
TEST(InitialParameters, AreTheSameEverywhere) {
  NodePtr keep;
  auto leaves = initialise("bijection b = chain([loc(glorot_uniform([2, 2])), loc(random_normal([2, 2]))])", 42, keep);
  const double uniform[] = {-0.6285740526515057, 0.0015441735800664652, -0.7585816386839559, -0.4562254147407255};
  const double normal[] = {0.6828590925891209, 0.01033688468025409, -0.2319068968727143, 0.41060725070783355};
  for (int i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(leaves[0].values[i], uniform[i]);
    EXPECT_DOUBLE_EQ(leaves[1].values[i], normal[i]);
  }
}

// Computed with 60 digits: about the ends of each of the three pieces, and as far out
// as numbers go. (Draws come to the last piece once in 3 * 10^10 times.)
TEST(InitialParameters, QuantilesOfTheNormalDistribution) {
  struct {
    double probability, quantile;
  } answers[] = {
      {0.5, 0},
      {0.25, -0.6744897501960817432},
      {0.075, -1.4395314709384559349},
      {0.0749, -1.4402382675279636631},
      {0.925, 1.4395314709384562291},
      {0.9250001, 1.4395321773759004884},
      {0.975, 1.9599639845400538556},
      {1e-3, -3.0902323061678135354},
      {1e-8, -5.6120012441747887279},
      {1.5e-11, -6.6465708874771128614},
      {1.3e-11, -6.6676114565107408347},
      {1e-12, -7.0344838253011319326},
      {1e-15, -7.9413453261709967713},
      {0x1p-53, -8.2095361516013868556},
      {1 - 0x1p-53, 8.2095361516013868556},
      {1e-20, -9.2623400897984075796},
      {1e-50, -14.933337534788488981},
      {1e-100, -21.273453560965324294},
      {1e-300, -37.047096299361199237},
  };
  for (auto [probability, quantile] : answers)
    EXPECT_NEAR(normalQuantile(probability), quantile, 1e-15 * std::max(1.0, std::abs(quantile))) << probability;
}

} // namespace
} // namespace flowc
