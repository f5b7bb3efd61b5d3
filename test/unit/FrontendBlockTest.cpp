//===- FrontendBlockTest.cpp - Block autoregressive networks --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"
#include "flowc/Frontend/Initialise.h"

#include <cmath>
#include <gtest/gtest.h>

namespace flowc {
namespace {

using namespace test;

std::string messageForNetwork(const std::string &arguments) {
  return plainMessageFor("bijection b = block_autoregressive_network(" + arguments + ")");
}

TEST(BlockNetwork, LeavesOfActivations) {
  auto tail = [](const std::string &activation) {
    Texts leaves =
        leafPaths(*parseBijection("block_autoregressive_network(2, depth = 0, block_dim = 3" + activation + ")"));
    return Texts(leaves.begin() + 5, leaves.end());
  };
  EXPECT_EQ(tail(""), (Texts{".block_dim", ".activation.min_grad"}));
  // A function is no leaf; a bijection has its own.
  EXPECT_EQ(tail(", activation = tanh"), (Texts{".block_dim"}));
  EXPECT_EQ(tail(", activation = tanh()"), (Texts{".block_dim"}));
  EXPECT_EQ(tail(", activation = affine(1, 2)"), (Texts{".block_dim", ".activation.loc", ".activation.scale.args[0]"}));
}

TEST(BlockNetwork, ConditionComesAfterTheLayers) {
  Texts leaves = leafPaths(*parseBijection("block_autoregressive_network(2, cond_dim = 1, depth = 1, block_dim = 3)"));
  EXPECT_EQ(leaves, (Texts{".shape[0]", ".cond_shape[0]", ".depth", ".layers[0][0].weight.weight.args[0]",
                           ".layers[0][0].weight.scale.args[0]", ".layers[0][0].bias",
                           ".layers[1][0].weight.weight.args[0]", ".layers[1][0].weight.scale.args[0]",
                           ".layers[1][0].bias", ".cond_linear.weight", ".block_dim", ".activation.min_grad"}));
}

/// paramax starts with raw scales of which softplus gives 1 / |row|, where rows are
/// those of the masked weight.
TEST(BlockNetwork, InitialScalesFollowFromTheMaskedWeight) {
  Expected<ParsedItem> item = parseFlow(
      "bijection b = scan(block_autoregressive_network(3, depth = 1, block_dim = 2), layers = 2)", "test.flow");
  ASSERT_TRUE(item);
  std::vector<PlacedLeaf> leaves = initialParameters(*item->root, 3);
  auto find = [&](const std::string &path) {
    return std::find_if(leaves.begin(), leaves.end(), [&](const PlacedLeaf &leaf) { return leaf.path == path; });
  };
  const std::string layer = ".bijection.layers[0][0].weight.";
  auto weight = find(layer + "weight.args[0]"), scale = find(layer + "scale.args[0]");
  ASSERT_TRUE(weight != leaves.end() && scale != leaves.end());
  ASSERT_EQ(weight->values.size(), 2u * 6 * 3);
  ASSERT_EQ(scale->values.size(), 2u * 6);
  for (int64_t row = 0; row < 12; ++row) {
    double square = 0;
    for (int64_t column = 0; column <= row % 6 / 2; ++column) {
      double entry = weight->values[row * 3 + column];
      entry = column == row % 6 / 2 ? std::log1p(std::exp(entry)) : entry;
      square += entry * entry;
    }
    EXPECT_NEAR(std::log1p(std::exp(scale->values[row])), 1 / std::sqrt(square), 1e-12);
  }
}

TEST(BlockNetwork, WrongUse) {
  EXPECT_EQ(messageForNetwork("0, depth = 1, block_dim = 2"),
            "`dim` of `block_autoregressive_network` must be at least 1, found the number 0");
  EXPECT_EQ(messageForNetwork("2, depth = -1, block_dim = 2"),
            "`depth` of `block_autoregressive_network` must be at least 0, found the number -1");
  EXPECT_EQ(messageForNetwork("2, depth = 1, block_dim = 0"),
            "`block_dim` of `block_autoregressive_network` must be at least 1, found the number 0");
  EXPECT_EQ(
      messageForNetwork("2, depth = 1"),
      "`block_autoregressive_network` needs its argument `block_dim` (its arguments: dim, cond_dim, depth, block_dim, "
      "activation)");
  EXPECT_EQ(messageForNetwork("2, depth = 1, block_dim = 2, activation = tanh([2])"),
            "`activation` of `block_autoregressive_network` must be a function such as tanh or an unconditional "
            "bijection of shape [], found the bijection `tanh` of shape [2]");
  EXPECT_EQ(
      messageForNetwork("2, depth = 1, block_dim = 2, activation = reshape(planar(1), [])"),
      "`activation` of `block_autoregressive_network` acts on one number, and holds the bijection `planar`, which "
      "is made for vectors");
  // Two that decrease make one that increases.
  auto messageWith = [](const std::string &activation) {
    return plainMessageFor("bijection g(x; a = positive(2)) = 1 - a*x\n"
                           "bijection b = block_autoregressive_network(2, depth = 1, block_dim = 2, activation = " +
                           activation + ")");
  };
  EXPECT_EQ(messageWith("g()"),
            "`activation` of `block_autoregressive_network` must be increasing, found the bijection "
            "`g`, which decreases; write it with the other sign");
  EXPECT_EQ(messageWith("scan(chain([affine(), invert(g())]), layers = 3)").substr(0, 73),
            "`activation` of `block_autoregressive_network` must be increasing, found ");
  EXPECT_EQ(messageWith("chain([g(), g()])"), "no error");
  EXPECT_EQ(messageForNetwork("2, depth = 2, block_dim = 100000"),
            "a layer of the network of `block_autoregressive_network` would have 40000000000 weights; at most 67108864 "
            "are supported");
  EXPECT_EQ(messageForNetwork("2, depth = 1, block_dim = 2, activation = tan").substr(0, 24),
            "unknown activation `tan`");
}

TEST(BlockNeuralAutoregressiveFlow, WrongUse) {
  auto message = [](const std::string &arguments) {
    return plainMessageFor("flow f = block_neural_autoregressive_flow(" + arguments + ")");
  };
  EXPECT_EQ(message("standard_normal([2]), inverter = bisection(-1, 1), use_implicit_differentation = false"),
            "no error");
  EXPECT_EQ(message("standard_normal([2, 3])").substr(0, 81),
            "`base_dist` of `block_neural_autoregressive_flow` must be over vectors, a shape s");
  EXPECT_EQ(message("standard_normal([2]), nn_block_dim = 0"),
            "`nn_block_dim` of `block_neural_autoregressive_flow` must be at least 1, found the number 0");
  EXPECT_EQ(message("standard_normal([2]), inverter = tanh()").substr(0, 53),
            "`inverter` of `block_neural_autoregressive_flow` must");
}

} // namespace
} // namespace flowc
