//===- FrontendSimpleTest.cpp - Elementwise and linear bijections ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constructors that follow from the definitions of ops, linear bijections, and the
// flow that is made of them: their leaves, start values and errors.
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"
#include "flowc/Frontend/Initialise.h"

#include <gtest/gtest.h>

#include <cmath>

namespace flowc {
namespace {

using namespace test;

/// The values of the leaf whose path ends like this, as a model starts with them.
std::vector<double> startValues(const NodePtr &node, const std::string &suffix) {
  for (const PlacedLeaf &leaf : initialParameters(*node, /*seed=*/3))
    if (leaf.path.ends_with(suffix))
      return leaf.values;
  ADD_FAILURE() << "no leaf " << suffix;
  return {};
}

TEST(Simple, LeavesAreFlowJaxs) {
  EXPECT_EQ(leafPaths(*parseBijection("exp()")), Texts{});
  EXPECT_EQ(leafPaths(*parseBijection("sigmoid([2, 3])")), (Texts{".shape[0]", ".shape[1]"}));
  EXPECT_EQ(leafPaths(*parseBijection("power(2, [4])")), (Texts{".exponent", ".shape[0]"}));
  EXPECT_EQ(leafPaths(*parseBijection("loc([1, 2])")), (Texts{".loc", ".shape[0]"}));
  EXPECT_EQ(leafPaths(*parseBijection("scale([1, 2])")), (Texts{".shape[0]", ".scale.args[0]"}));
  EXPECT_EQ(leafPaths(*parseBijection("leaky_tanh(2, [4])")),
            (Texts{".max_val", ".intercept", ".linear_grad", ".shape[0]"}));
  EXPECT_EQ(leafPaths(*parseBijection("weight_normalized(triangular_affine(0, eye(2)))")),
            (Texts{".shape[0]", ".loc", ".triangular.weight.args[0]", ".triangular.scale.args[0]", ".lower"}));
  EXPECT_EQ(leafPaths(*parseBijection("additive_condition(linear(2, 3, use_bias = false), [3], [2])")),
            (Texts{".shape[0]", ".cond_shape[0]", ".module.weight"}));
}

TEST(Simple, DerivedNumbersFollow) {
  std::vector<PlacedLeaf> leaves = flattenLeaves(*parseBijection("leaky_tanh(2)"));
  ASSERT_EQ(leaves.size(), 3u);
  double slope = 1 - std::tanh(2) * std::tanh(2);
  EXPECT_NEAR(leaves[1].values[0], std::tanh(2) - 2 * slope, 1e-15);
  EXPECT_NEAR(leaves[2].values[0], slope, 1e-15);
}

TEST(Simple, TriangularMatricesStartAsWritten) {
  NodePtr node = parseBijection("triangular_affine(7, [[1, 2], [3, 4]])");
  EXPECT_EQ(startValues(node, ".loc"), (std::vector<double>{7, 7}));
  std::vector<double> raw = startValues(node, "triangular.args[0]");
  ASSERT_EQ(raw.size(), 4u);
  EXPECT_NEAR(softplus(raw[0]), 1, 1e-15);
  EXPECT_EQ(raw[1], 2); // ignored, but a leaf
  EXPECT_EQ(raw[2], 3);
  EXPECT_NEAR(softplus(raw[3]), 4, 1e-14);
}

// paramax starts with 1 / |row|, of the triangle that counts.
TEST(Simple, NormsStartAsParamaxDoes) {
  std::vector<double> scales =
      startValues(parseBijection("weight_normalized(triangular_affine(0, [[1, 9], [3, 4]]))"), "scale.args[0]");
  ASSERT_EQ(scales.size(), 2u);
  EXPECT_NEAR(softplus(scales[0]), 1, 1e-14);
  EXPECT_NEAR(softplus(scales[1]), 1.0 / 5, 1e-14);
  scales = startValues(parseBijection("weight_normalized(triangular_affine(0, [[3, 4], [9, 1]], lower = false))"),
                       "scale.args[0]");
  EXPECT_NEAR(softplus(scales[0]), 1.0 / 5, 1e-14);
  EXPECT_NEAR(softplus(scales[1]), 1, 1e-14);
}

TEST(Simple, TriangularSplineFlowsStartAsFlowJaxs) {
  NodePtr flow = parseDistribution("triangular_spline_flow(standard_normal([4]), flow_layers = 5)");
  std::vector<double> weights = startValues(flow, "triangular.weight.args[0]");
  std::vector<double> scales = startValues(flow, "triangular.scale.args[0]");
  ASSERT_EQ(weights.size(), 5u * 16);
  ASSERT_EQ(scales.size(), 5u * 4);
  double bound = std::sqrt(6.0 / 8);
  for (int layer = 0; layer < 5; ++layer)
    for (int row = 0; row < 4; ++row) {
      double square = 0;
      for (int column = 0; column < 4; ++column) {
        double entry = weights[layer * 16 + row * 4 + column];
        if (row == column) {
          EXPECT_NEAR(softplus(entry), 1, 1e-14);
          entry = 1;
        } else {
          EXPECT_LT(std::abs(entry), bound);
          EXPECT_NE(entry, weights[(layer + 1) % 5 * 16 + row * 4 + column]) << "layers differ";
        }
        square += column <= row ? entry * entry : 0;
      }
      EXPECT_NEAR(softplus(scales[layer * 4 + row]), 1 / std::sqrt(square), 1e-12);
    }
  EXPECT_EQ(
      startValues(parseDistribution("triangular_spline_flow(standard_normal([2]), init = zeros)"), "weight.args[0]")[2],
      0);
}

// A matrix of numbers, too, gets ones on its diagonal.
TEST(Simple, TriangularSplineFlowsStartAsTold) {
  std::vector<double> weights = startValues(
      parseNode("flow f = triangular_spline_flow(standard_normal([2]), init = [[-7, 2], [3, 0]])"), "weight.args[0]");
  EXPECT_EQ(softplus(weights[0]), softplus(weights[3]));
  EXPECT_NEAR(softplus(weights[0]), 1, 1e-14);
  EXPECT_EQ(weights[1], 2);
  EXPECT_EQ(weights[2], 3);
  EXPECT_EQ(
      startValues(parseNode("flow f = triangular_spline_flow(standard_normal([2]), init = ones)"), "weight.args[0]")[2],
      1);
}

/// Mean and standard deviation that JAX's initialisers have by default for 100 x 100
/// matrices, and the largest distance from the mean.
TEST(Simple, InitialisersAreJaxs) {
  struct {
    const char *name;
    double mean, deviation, most;
  } initialisers[] = {
      {"glorot_uniform", 0, 0.1, 0.1 * std::sqrt(3)},
      {"xavier_uniform", 0, 0.1, 0.1 * std::sqrt(3)},
      {"glorot_normal", 0, 0.1, 0.2 / 0.87962566103423978},
      {"xavier_normal", 0, 0.1, 0.2 / 0.87962566103423978},
      {"he_uniform", 0, 0.1 * std::sqrt(2), 0.1 * std::sqrt(6)},
      {"kaiming_uniform", 0, 0.1 * std::sqrt(2), 0.1 * std::sqrt(6)},
      {"he_normal", 0, 0.1 * std::sqrt(2), 0.2 * std::sqrt(2) / 0.87962566103423978},
      {"kaiming_normal", 0, 0.1 * std::sqrt(2), 0.2 * std::sqrt(2) / 0.87962566103423978},
      {"lecun_uniform", 0, 0.1, 0.1 * std::sqrt(3)},
      {"lecun_normal", 0, 0.1, 0.2 / 0.87962566103423978},
      {"uniform", 0.005, 0.01 / std::sqrt(12), 0.005},
      {"normal", 0, 0.01, 0.07},
  };
  for (auto [name, mean, deviation, most] : initialisers) {
    std::string text = "flow f = triangular_spline_flow(standard_normal([100]), flow_layers = 1, init = @)";
    std::vector<double> weights = startValues(parseNode(text.replace(text.find('@'), 1, name)), "weight.args[0]");
    double sum = 0, squares = 0, largest = 0, count = 100 * 99;
    for (int i = 0; i < 100; ++i)
      for (int j = 0; j < 100; ++j) {
        double distance = i == j ? 0 : weights[i * 100 + j] - mean;
        sum += distance;
        squares += distance * distance;
        largest = std::max(largest, std::abs(distance));
      }
    // Four standard errors of the mean, and of the variance of a normal distribution.
    EXPECT_NEAR(sum / count, 0, 4 * deviation / std::sqrt(count)) << name;
    EXPECT_NEAR(squares / count / (deviation * deviation), 1, 4 * std::sqrt(2 / count)) << name;
    EXPECT_LE(largest, most) << name;
  }
}

TEST(Simple, Errors) {
  expectMistakesInBijections({
      {"exp(3)", 5, "`shape` of `exp` is a shape: write `[3]` for a vector, `[]` for a scalar"},
      {"exp(shap = [])", 5, "`exp` has no argument `shap`; did you mean `shape`?"},
      {"leaky_tanh()", 1, "`leaky_tanh` needs its argument `max_val` (its arguments: max_val, shape)"},
      {"leaky_tanh(0, [2])", 12, "`max_val` of `leaky_tanh` must be positive, found 0"},
      {"leaky_tanh([1], [2])", 12, "`max_val` of `leaky_tanh` must be a number, found an array of shape [1]"},
      {"power(0)", 7, "`exponent` of `power` must not be 0, found 0"},
      {"bounded_affine(bound = 0)", 24, "`bound` of `bounded_affine` must be positive and at most 80, found 0"},
      {"bounded_affine(bound = 81)", 24, "`bound` of `bounded_affine` must be positive and at most 80, found 81"},
      {"bounded_affine([1, 2], [1, 2, 3])", 1,
       "`loc` and `log_scale` of `bounded_affine` do not fit: their shapes are [2] and [3]"},
      {"ordered(0)", 9, "`n` of `ordered` must be at least 1, found the number 0"},
      {"coupling(reshape(ordered(1), []), 1, 2, nn_width = 2, nn_depth = 0)", 10,
       "`transformer` of `coupling` acts on one number, and holds the bijection `ordered`, which is made for"},
      {"scale([1, -2])", 7, "`scale` of `scale` must be positive, found -2 at index 1"},
      {"loc(true)", 5, "`loc` of `loc` must be a number or an array, found `true`"},
      {"triangular_affine(0, [1, 2])", 22, "`arr` of `triangular_affine` must be a square matrix, found shape [2]"},
      {"triangular_affine(0, ones([2, 3]))", 22,
       "`arr` of `triangular_affine` must be a square matrix, found shape [2, 3"},
      {"triangular_affine(0, [[1, 0], [0, 0]])", 22,
       "the diagonal of `arr` of `triangular_affine` must be positive, found 0 at index 1"},
      {"triangular_affine([1, 2, 3], eye(2))", 19,
       "`loc` of `triangular_affine` must be a number or have shape [2], as many elements as `arr` has rows; its shape "
       "is "
       "[3]"},
      {"triangular_affine(0, eye(2), lower = 1)", 38, "`lower` of `triangular_affine` must be `true` or `false`"},
      {"weight_normalized(tanh([2]))", 19,
       "`weight_normalized` takes a `triangular_affine(...)`, found the bijection `tanh`"},
      {"weight_normalized(weight_normalized(triangular_affine(0, eye(2))))", 19,
       "`weight_normalized` takes a `triangular_affine(...)`, found the bijection `triangular_affine`, which is "
       "normalised"},
      {"householder(eye(2))", 13, "`params` of `householder` must be a vector, found shape [2, 2]"},
      {"householder(zeros(3))", 13, "`params` of `householder` is a normal vector and must not be zero"},
      {"discrete_cosine([])", 17, "`discrete_cosine` needs a shape with at least one size, such as [8]"},
      {"discrete_cosine([4, 3], axis = 2)", 32, "`axis` of `discrete_cosine` must be at most 1, found the number 2"},
      {"additive_condition(tanh([2]), [2], [2])", 20,
       "`module` of `additive_condition` must be a network, found the bijection `tanh`"},
      {"additive_condition(linear(2, 3), [3], [4])", 20,
       "the network `linear` takes conditions of shape [2], but `cond_shape` is [4]"},
      {"additive_condition(linear(2, 3), [4], [2])", 20,
       "the network `linear` makes shifts of shape [3], which do not fit `shape`, [4]"},
      {"invert(triangular_spline_flow(standard_normal([2, 2])))", 31,
       "`base_dist` of `triangular_spline_flow` must be over vectors, a shape such as [3]; the distribution "},
      {"invert(triangular_spline_flow(standard_normal([2]), tanh_max_val = -1))", 68,
       "`tanh_max_val` of `triangular_spline_flow` must be positive, found -1"},
      {"invert(triangular_spline_flow(standard_normal([2]), init = he_norml))", 60,
       "unknown initialiser `he_norml`; did you mean `he_normal`? (initialisers: glorot_uniform, xavier_uniform, "},
      {"invert(triangular_spline_flow(standard_normal([2]), init = 3))", 60,
       "`init` of `triangular_spline_flow` must be a matrix of shape [2, 2] or the name of an initialiser, such as "
       "glorot_uniform; found shape []"},
      {"invert(triangular_spline_flow(standard_normal([2]), knots = 5000))", 8,
       "the 5001 bins of `triangular_spline_flow` do not fit into the interval"},
  });
}

} // namespace
} // namespace flowc
