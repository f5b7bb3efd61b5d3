//===- CostTest.cpp - Multiply-adds that kernels say they take ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The weights that no mask removes, counted by hand.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

using namespace flowc;
using namespace flowc::test;

namespace {

/// Expects `macs` multiply-adds a row of the flow made by `constructor`.
void expectMacs(const std::string &constructor, int64_t macs,
                std::initializer_list<Kernel> kernelsToTry = {Kernel::LogProb, Kernel::Sample}) {
  auto kernels = compileFresh(initialise("flow f = " + constructor));
  for (Kernel kernel : kernelsToTry)
    EXPECT_EQ(take(kernels->macsPerRow(kernel)), macs) << constructor << ", kernel " << static_cast<int>(kernel);
}

TEST(MacsPerRow, Coupling) {
  // Three networks 2 + 2 -> 10 -> 10 -> 3 * 2.
  expectMacs("coupling_flow(standard_normal([5]), cond_dim = 2, flow_layers = 3, nn_width = 10, nn_depth = 2)",
             3 * (4 * 10 + 10 * 10 + 10 * 6));
}

TEST(MacsPerRow, MaskedAutoregressive) {
  // Hidden units of ranks 0, 1, 0, 1 see 1, 2, 1, 2 inputs. Of the outputs, two of
  // each rank, those of rank 0 see no hidden unit, those of rank 1 the two of rank
  // 0, those of rank 2 all four.
  expectMacs("masked_autoregressive_flow(standard_normal([3]), flow_layers = 2, nn_width = 4, nn_depth = 1)",
             2 * ((1 + 2 + 1 + 2) + 2 * (0 + 2 + 4)));
  // Ranks -1, 0, 1, -1; every unit sees the condition.
  expectMacs("masked_autoregressive_flow(standard_normal([3]), cond_dim = 1, flow_layers = 2, nn_width = 4, "
             "nn_depth = 1)",
             2 * ((1 + 2 + 3 + 1) + 2 * (2 + 3 + 4)));
}

TEST(MacsPerRow, BlockAutoregressive) {
  auto flow = [](const std::string &options) {
    return "block_neural_autoregressive_flow(standard_normal([3]), flow_layers = 1, " + options + ")";
  };
  // 3 + 2 + 1 blocks on the diagonal and below it. That derivatives use those on the
  // diagonal again does not count, nor what the root finder does.
  constexpr int64_t blocks = 6;
  expectMacs(flow("nn_block_dim = 4"), blocks * (4 + 4));
  expectMacs(flow("nn_block_dim = 4, nn_depth = 2"), blocks * (4 + 4 * 4 + 4));
  expectMacs(flow("nn_block_dim = 20, nn_depth = 2"), blocks * (20 + 20 * 20 + 20));
  expectMacs(flow("nn_block_dim = 4, cond_dim = 2"), blocks * (4 + 4) + 3 * 4 * 2);
  // A single layer is inverted by substitution, which divides by the diagonal.
  expectMacs(flow("nn_depth = 0"), blocks, {Kernel::LogProb});
  expectMacs(flow("nn_depth = 0"), blocks - 3, {Kernel::Sample});
}

TEST(MacsPerRow, Linear) {
  // The inverse of a triangular matrix is computed once, not for each row.
  expectMacs("transformed(standard_normal([4]), triangular_affine(zeros(4), eye(4)))", 4 + 3 + 2 + 1);
}

TEST(MacsPerRow, PlanarConditioner) {
  // Two networks 2 -> 4 -> 3 + 3 + 1.
  expectMacs("planar_flow(standard_normal([3]), cond_dim = 2, flow_layers = 2, width_size = 4, depth = 1)",
             2 * (2 * 4 + 4 * 7));
}

TEST(MacsPerRow, Gradient) {
  // Weights forwards and, transposed, backwards; their own gradients do not count.
  expectMacs("coupling_flow(standard_normal([5]), cond_dim = 2, flow_layers = 3, nn_width = 10, nn_depth = 1)",
             2 * 3 * (4 * 10 + 10 * 6), {Kernel::NllGradient});
}

} // namespace
