//===- FrontendDistributionsTest.cpp - Distributions and their supports ---===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"
#include "flowc/Frontend/Support.h"

#include <gtest/gtest.h>

#include <cmath>

namespace flowc {
namespace {

using namespace test;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Leaves as `path [shape]`, with `trained` behind those that are.
Texts describeLeaves(const std::string &constructor) {
  Texts result;
  NodePtr root = parseDistribution(constructor);
  for (const PlacedLeaf &leaf : flattenLeaves(*root)) {
    std::string text = leaf.path + " [";
    for (int64_t size : leaf.shape)
      text += std::to_string(size) + ",";
    result.push_back(text + (leaf.leaf->kind == Leaf::Kind::Trainable ? "] trained" : "]"));
  }
  return result;
}

/// The values of a leaf of the distribution.
std::vector<double> valuesOf(const std::string &constructor, const std::string &path) {
  return leafValues(*parseDistribution(constructor), path);
}

/// What goes wrong with `constructor`, at this column.
void expectMistake(const std::string &constructor, unsigned column, const std::string &message) {
  test::expectMistake(inFlow(constructor, column, message + "\n"));
}

} // namespace

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

TEST(Distributions, LeavesAreFlowJaxs) {
  // Vectors: test/golden. Here are scalars, broadcasting and nesting.
  EXPECT_EQ(describeLeaves("gumbel()"), (Texts{".bijection.loc [] trained", ".bijection.scale.args[0] [] trained"}));
  EXPECT_EQ(describeLeaves("student_t(3, [1, 2], [[1], [2]])"),
            (Texts{".base_dist.shape[0] []", ".base_dist.shape[1] []", ".base_dist.df.args[0] [2,2,] trained",
                   ".bijection.shape[0] []", ".bijection.shape[1] []", ".bijection.loc [2,2,] trained",
                   ".bijection.scale.args[0] [2,2,] trained"}));
  EXPECT_EQ(describeLeaves("gamma([1, 2], 3)"),
            (Texts{".base_dist.concentration.args[0] [2,] trained", ".base_dist.shape[0] []", ".bijection.shape[0] []",
                   ".bijection.scale.args[0] [2,] trained"}));
  EXPECT_EQ(describeLeaves("beta(1, [1, 2])"),
            (Texts{".alpha.args[0] [2,] trained", ".beta.args[0] [2,] trained", ".shape[0] []"}));
  EXPECT_EQ(describeLeaves("uniform(0, [1, 2])"),
            (Texts{".base_dist.shape[0] []", ".bijection.shape[0] []", ".bijection.loc.tree [2,]",
                   ".bijection.scale.args[0].tree [2,]"}));
  EXPECT_EQ(describeLeaves("multivariate_normal(0, eye(2))"),
            (Texts{".base_dist.shape[0] []", ".bijection.shape[0] []", ".bijection.loc [2,] trained",
                   ".bijection.triangular.args[0] [2,2,] trained", ".bijection.lower []"}));
  EXPECT_EQ(describeLeaves("non_trainable(beta(1, 2))"), (Texts{".alpha.args[0].tree []", ".beta.args[0].tree []"}));
}

TEST(Distributions, LeavesOfMixtures) {
  EXPECT_EQ(describeLeaves("vmap_mixture(gamma([1, 2], 3), weights = [1, 2, 3])"),
            (Texts{".shape[0] []", ".log_normalized_weights.args[0] [3,] trained",
                   ".dist.base_dist.concentration.args[0] [3,2,] trained", ".dist.base_dist.shape[0] []",
                   ".dist.bijection.shape[0] []", ".dist.bijection.scale.args[0] [3,2,] trained"}));
  // Of nested ones the outer axis comes first, also of the inner weights.
  EXPECT_EQ(
      describeLeaves("vmap_mixture(vmap_mixture(laplace(), weights = [1, 2]), weights = [1, 2, 3])"),
      (Texts{".log_normalized_weights.args[0] [3,] trained", ".dist.log_normalized_weights.args[0] [3,2,] trained",
             ".dist.dist.bijection.loc [3,2,] trained", ".dist.dist.bijection.scale.args[0] [3,2,] trained"}));
  // The condition's shape is a field; an embedding changes it.
  std::string conditional = "vmap_mixture(coupling_flow(standard_normal([2]), cond_dim = 3, flow_layers = 1), [1, 2])";
  EXPECT_EQ(describeLeaves(conditional)[1], ".cond_shape[0] []");
  EXPECT_EQ(valuesOf(conditional, ".cond_shape[0]"), std::vector<double>{3});
  EXPECT_EQ(valuesOf("embed_condition(" + conditional + ", linear(5, 3), raw_cond_shape = [5])", ".cond_shape[0]"),
            std::vector<double>{5});
}

TEST(Distributions, InitialValues) {
  EXPECT_NEAR(softplus(valuesOf("exponential(4)", ".bijection.scale.args[0]")[0]), 0.25, 1e-15);
  EXPECT_NEAR(softplus(valuesOf("uniform(2, 5)", ".bijection.scale.args[0].tree")[0]), 3, 1e-15);
  EXPECT_EQ(valuesOf("uniform(2, 5)", ".bijection.loc.tree"), std::vector<double>{2});
  EXPECT_NEAR(valuesOf("vmap_mixture(cauchy(), weights = [1, 4])", ".log_normalized_weights.args[0]")[1], std::log(4.0),
              1e-15);
  EXPECT_EQ(valuesOf("vmap_mixture([cauchy(2), cauchy(3)], weights = [1, 4])", ".dist.bijection.loc"),
            (std::vector<double>{2, 3}));
  // [[4, 2], [2, 5]] = L L^T with L = [[2, 0], [1, 2]], diagonal raw.
  std::vector<double> factor =
      valuesOf("multivariate_normal([1, 2], [[4, 2], [2, 5]])", ".bijection.triangular.args[0]");
  EXPECT_NEAR(softplus(factor[0]), 2, 1e-15);
  EXPECT_EQ(factor[2], 1);
  EXPECT_NEAR(softplus(factor[3]), 2, 1e-15);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(Distributions, Mistakes) {
  expectMistake("uniform([0, 1], [2, 1])", 17,
                "`maxval` of `uniform` must be above `minval`, found 1 and 1 at index 1");
  expectMistake("uniform(0, random_normal(2))", 12, "`maxval` of `uniform` must be given numbers, not a random array");
  expectMistake("student_t(-1)", 11, "`df` of `student_t` must be positive, found -1");
  expectMistake("student_t([1, 0])", 11, "`df` of `student_t` must be positive, found 0 at index 1");
  expectMistake("student_t(1, 0, -2)", 17, "`scale` of `student_t` must be positive, found -2");
  expectMistake("student_t([1, 2], [1, 2, 3])", 19,
                "`loc` of `student_t` has shape [3], which does not fit to the other arguments, of shape [2]");
  expectMistake("student_t([1, 2], random_normal(1))", 19,
                "a random `loc` of `student_t` must have the shape of the whole, [2], found [1]");
  expectMistake("exponential(0)", 13, "`rate` of `exponential` must be positive, found 0");
  expectMistake("gamma(1, -1)", 10, "`scale` of `gamma` must be positive, found -1");
  expectMistake("gamma(0, 1)", 7, "`concentration` of `gamma` must be positive, found 0");
  expectMistake("beta(1, 0)", 9, "`beta` of `beta` must be positive, found 0");
  expectMistake("beta(random_normal(3), 1)", 6, "`alpha` of `beta` must be positive: a random array can have any sign");
  expectMistake("gumbel(0, 0)", 11, "`scale` of `gumbel` must be positive, found 0");
  expectMistake("laplace([1, 2], [1, 2, 3])", 1,
                "`loc` and `scale` of `laplace` do not fit: their shapes are [2] and [3]");
}

TEST(Distributions, MistakesInCovariances) {
  expectMistake("multivariate_normal(0, [[1, 2], [2, 1]])", 24,
                "`covariance` of `multivariate_normal` is not positive definite");
  expectMistake("multivariate_normal(0, [[1, 0.5], [0.4, 1]])", 24,
                "`covariance` of `multivariate_normal` must be symmetric: entry [1, 0] is 0.4, entry [0, 1] is 0.5");
  expectMistake("multivariate_normal(0, [1, 2])", 24,
                "`covariance` of `multivariate_normal` must be a square matrix, found shape [2]");
  expectMistake("multivariate_normal([1, 2, 3], eye(2))", 21,
                "`loc` of `multivariate_normal` must be a number or have shape [2], as many elements as `covariance` "
                "has rows; its shape is [3]");
}

TEST(Distributions, MistakesInMixtures) {
  expectMistake("vmap_mixture(normal(), weights = 3)", 34,
                "`weights` of `vmap_mixture` must be a list of numbers, one for each component, found shape []");
  expectMistake("vmap_mixture(normal(), weights = [1, -1])", 34,
                "`weights` of `vmap_mixture` must be positive, found -1 at index 1");
  expectMistake("vmap_mixture([normal(), normal()], weights = [1, 2, 3])", 46,
                "`weights` of `vmap_mixture` does not fit to the list, which has 2 distributions: found 3 weights");
  expectMistake("vmap_mixture([normal(), gumbel()], weights = [1, 2])", 14,
                "the distributions of `vmap_mixture` must have equal structure: number 0 and number 1 differ: the "
                "distribution `normal` and the distribution `gumbel`");
  expectMistake("vmap_mixture(tanh(), weights = [1, 2])", 14,
                "`dist` of `vmap_mixture` must be a distribution, found the bijection `tanh`");
  expectMistake("vmap_mixture([tanh()], weights = [1])", 14,
                "`dist` of `vmap_mixture` must be distributions, found the bijection `tanh` at index 0");
  expectMistake("vmap_mixture([], weights = [1])", 14, "`dist` of `vmap_mixture` needs at least one distribution");
}

//===----------------------------------------------------------------------===//
// Supports
//===----------------------------------------------------------------------===//

static void expectRange(const Range &range, double lower, double upper, const std::string &text) {
  auto same = [](double a, double b) { return (std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) < 1e-12; };
  EXPECT_TRUE(same(range.lower, lower) && same(range.upper, upper))
      << text << ": [" << range.lower << ", " << range.upper << "]";
}

TEST(Supports, OfOneCoordinate) {
  constexpr double moving = std::numeric_limits<double>::quiet_NaN();
  struct Case {
    const char *text;
    double lower, upper;
  };
  for (auto [text, lower, upper] : {
           Case{"standard_normal()", -kInfinity, kInfinity},
           Case{"student_t(2)", -kInfinity, kInfinity},
           Case{"uniform(-1, 3)", -1, 3},
           Case{"exponential(2)", 0, kInfinity},
           Case{"gamma(2, 3)", 0, kInfinity},
           Case{"beta(2, 3)", 0, 1},
           Case{"log_normal()", 0, kInfinity},
           Case{"transformed(standard_normal(), sigmoid())", 0, 1},
           Case{"transformed(standard_normal(), tanh())", -1, 1},
           Case{"transformed(standard_normal(), leaky_tanh(3))", -kInfinity, kInfinity},
           Case{"transformed(beta(2, 3), invert(sigmoid()))", -kInfinity, kInfinity},
           Case{"transformed(standard_normal(), numerical_inverse(exp()))", 0, kInfinity},
           Case{"transformed(exponential(), affine(1, 2))", moving, kInfinity},
           Case{"transformed(exponential(), non_trainable(affine(1, 2)))", 1, kInfinity},
           Case{"transformed(exponential(), scale(2))", 0, kInfinity},
           Case{"transformed(uniform(0, 1), rational_quadratic_spline(knots = 4, interval = [0, 1]))", 0, 1},
           Case{"transformed(uniform(0, 1), rational_quadratic_spline(knots = 4, interval = 2))", moving, moving},
           Case{"transformed(uniform(0, 1), chain([exp(), loc(1)]))", moving, moving},
           Case{"transformed(uniform(0, 1), chain([exp(), non_trainable(loc(1))]))", 2, 1 + std::exp(1)},
           Case{"vmap_mixture([uniform(0, 1), uniform(2, 3)], [1, 1])", moving, moving},
           Case{"vmap_mixture(gamma(1, 1), [1, 1])", 0, kInfinity},
       }) {
    Support support = getSupport(*parseDistribution(text));
    ASSERT_EQ(support.coordinates.size(), 1u) << text;
    expectRange(support.coordinates[0], lower, upper, text);
    EXPECT_TRUE(support.isKnown) << text;
    EXPECT_EQ(support.isAllReals(), lower == -kInfinity && upper == kInfinity) << text;
    EXPECT_EQ(support.isRestricted(), !support.isAllReals()) << text;
  }
}

TEST(Supports, OfVectors) {
  auto isAllReals = [](const std::string &text) { return getSupport(*parseDistribution(text)).isAllReals(); };
  EXPECT_TRUE(isAllReals("coupling_flow(standard_normal([3]))"));
  EXPECT_TRUE(isAllReals("masked_autoregressive_flow(student_t(full(3, 2)), transformer = rational_quadratic_spline("
                         "knots = 4, interval = 3), cond_dim = 2)"));
  EXPECT_TRUE(isAllReals("planar_flow(normal(zeros(3)), flow_layers = 2)"));
  EXPECT_TRUE(isAllReals("multivariate_normal(0, eye(3))"));
  EXPECT_FALSE(isAllReals("coupling_flow(uniform(zeros(3), ones(3)))"));
  EXPECT_FALSE(isAllReals("coupling_flow(standard_normal([3]), transformer = chain([affine(), tanh()]))"));
  EXPECT_TRUE(isAllReals("coupling_flow(standard_normal([3]), transformer = chain([affine(), leaky_tanh(3)]))"));
  EXPECT_TRUE(isAllReals("coupling_flow(standard_normal([3]), transformer = bounded_affine())"));
  EXPECT_FALSE(isAllReals("transformed(standard_normal([3]), ordered(3))")) << "increasing vectors only";
  EXPECT_TRUE(isAllReals("transformed(standard_normal([1]), ordered(1))"));
  EXPECT_TRUE(getSupport(*parseDistribution("transformed(standard_normal([3]), chain([ordered(3), "
                                            "invert(ordered(3))]))"))
                  .isKnown);
  EXPECT_FALSE(getSupport(*parseDistribution("transformed(standard_normal([3]), invert(ordered(3)))")).isKnown);

  // Parts keep their own ends.
  std::string parts = "transformed(standard_normal([3]), concatenate([exp([1]), tanh([2])]))";
  Support support = getSupport(*parseDistribution(parts));
  EXPECT_TRUE(support.isRestricted());
  expectRange(support.coordinates[0], 0, kInfinity, parts);
  expectRange(support.coordinates[2], -1, 1, parts);
  std::string flipped = "transformed(" + parts + ", flip([3]))";
  expectRange(getSupport(*parseDistribution(flipped)).coordinates[2], 0, kInfinity, flipped);

  // Mixed or shuffled coordinates with different ends are not told apart.
  for (const char *text :
       {"transformed(uniform(zeros(2), ones(2)), triangular_affine(0, eye(2)))",
        "transformed(transformed(standard_normal([2]), indexed(exp(), 0, [2])), permute(shuffled(2)))",
        "transformed(normal(), invert(exp()))"}) {
    Support unknown = getSupport(*parseDistribution(text));
    EXPECT_FALSE(unknown.isKnown) << text;
    EXPECT_FALSE(unknown.isAllReals() || unknown.isRestricted()) << text;
  }
}

TEST(Supports, ScansNeedNotRunToTheEnd) {
  Support support = getSupport(*parseDistribution("transformed(beta(ones(2), 1), scan(exp([2]), layers = 1000000))"));
  EXPECT_TRUE(support.isRestricted());
  EXPECT_TRUE(std::isnan(support.coordinates[0].lower));
}

} // namespace flowc
