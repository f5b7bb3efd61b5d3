//===- FrontendNodesTest.cpp - Trees that texts evaluate to ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"

#include <gtest/gtest.h>

#include <cmath>

namespace flowc {
namespace {

using namespace test;

using Numbers = std::vector<double>;
using Ints = std::vector<int64_t>;

TEST(Nodes, ItemIsChosenByNameElseLastFlowElseLastBijection) {
  const std::string text = "flow a = standard_normal([1])\nbijection b = tanh([2])\nflow c = standard_normal([3])\n"
                           "bijection d = tanh([4])\ndensity e(x[5]) = sum(x)\n";
  Expected<ParsedItem> item = parseFlow(text);
  ASSERT_TRUE(item);
  EXPECT_EQ(item->name, "c");
  EXPECT_EQ(item->category, Node::Category::Distribution);
  EXPECT_EQ(item->itemNames, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  item = parseFlow(text, "t.flow", "b");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->root->shape, Shape{2});
  EXPECT_EQ(item->category, Node::Category::Bijection);
  item = parseFlow("bijection x = tanh([1]) bijection y = tanh([2])");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->name, "y");
}

TEST(Nodes, ScaleIsStoredAsTheInverseOfSoftplus) {
  NodePtr node = parseBijection("affine([1, 2, 3, 4], [1e-12, 1, 30, 1e5])");
  EXPECT_EQ(node->leaf("loc").init.values, (Numbers{1, 2, 3, 4}));
  const Numbers &raw = node->leaf("scale.args[0]").init.values;
  EXPECT_NEAR(raw[0], std::log(1e-12), 1e-9); // softplus(x) ~ e^x far down
  EXPECT_DOUBLE_EQ(raw[1], 0.541324854612918);
  EXPECT_NEAR(raw[2], 30 - 9.4e-14, 1e-13);
  EXPECT_DOUBLE_EQ(raw[3], 1e5);
  EXPECT_EQ(node->attribute<double>("min_scale"), 0.0);
}

TEST(Nodes, LocAndScaleBroadcast) {
  NodePtr node = parseBijection("affine([[1], [2]], [3, 4, 5])");
  EXPECT_EQ(node->shape, (Shape{2, 3}));
  EXPECT_EQ(node->leaf("loc").init.values, (Numbers{1, 1, 1, 2, 2, 2}));
  const Numbers &raw = node->leaf("scale.args[0]").init.values;
  ASSERT_EQ(raw.size(), 6u);
  EXPECT_EQ(raw[1], raw[4]);
  EXPECT_LT(raw[0], raw[1]);
  EXPECT_EQ(parseBijection("affine()")->shape, Shape{});
  EXPECT_EQ(parseBijection("affine(scale = 2, loc = zeros([3]))")->shape, Shape{3});
}

TEST(Nodes, Arrays) {
  EXPECT_EQ(parseBijection("loc(arange(3))")->leaf("loc").init.values, (Numbers{0, 1, 2}));
  EXPECT_EQ(parseBijection("loc(eye(2))")->leaf("loc").init.values, (Numbers{1, 0, 0, 1}));
  EXPECT_EQ(parseBijection("loc(full([1, 2], -2.5))")->leaf("loc").init.values, (Numbers{-2.5, -2.5}));
  EXPECT_EQ(parseBijection("loc([zeros(2), ones(2)])")->shape, (Shape{2, 2}));
  EXPECT_EQ(parseBijection("loc([1, 2.5e1, -3E-1, .5, 1.,])")->leaf("loc").init.values, (Numbers{1, 25, -0.3, 0.5, 1}));
  NodePtr glorot = parseBijection("loc(glorot_uniform([4, 2]))");
  EXPECT_EQ(glorot->leaf("loc").init.kind, Init::Kind::Uniform);
  EXPECT_DOUBLE_EQ(glorot->leaf("loc").init.scale, 1.0);
  NodePtr normal = parseBijection("loc(random_normal([3], 0.1))");
  EXPECT_EQ(normal->leaf("loc").init.kind, Init::Kind::Normal);
  EXPECT_DOUBLE_EQ(normal->leaf("loc").init.scale, 0.1);
}

TEST(Nodes, PermutationOfAMatrixHasAnIndexArrayPerAxis) {
  NodePtr node = parseBijection("permute([[1, 0, 2], [5, 4, 3]])");
  EXPECT_EQ(node->leaf("permutation[0]").init.values, (Numbers{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(node->leaf("permutation[1]").init.values, (Numbers{1, 0, 2, 2, 1, 0}));
  EXPECT_EQ(node->leaf("inverse_permutation[1]").init.values, (Numbers{1, 0, 2, 2, 1, 0}));
  EXPECT_EQ(parseBijection("permute(shuffled(5))")->leaf("permutation[0]").init.kind, Init::Kind::Shuffled);
}

TEST(Nodes, SplineAttributes) {
  NodePtr node = parseBijection("rational_quadratic_spline(knots = 3, interval = 2, min_derivative = 0.5)");
  EXPECT_EQ(node->attribute<int64_t>("knots"), 3);
  EXPECT_EQ(node->attribute<std::vector<double>>("interval"), (Numbers{-2, 2}));
  EXPECT_EQ(node->attribute<double>("min_width"), 1e-3);
  EXPECT_EQ(node->leaf("x_pos.arr").shape, Shape{4});
  // softplus(raw) + 1/2 = 1
  EXPECT_NEAR(std::log1p(std::exp(node->leaf("derivatives.args[0]").init.values[4])), 0.5, 1e-15);
}

TEST(Nodes, BoundedSplineIsASplineWithClippedNumbers) {
  NodePtr node = parseBijection("bounded_spline(bins = 3, interval = 2, min_slope = 0.01)");
  EXPECT_EQ(node->kind, "rational_quadratic_spline");
  EXPECT_EQ(node->attribute<int64_t>("knots"), 2);
  EXPECT_DOUBLE_EQ(node->attribute<double>("clip"), std::log(100));
  EXPECT_EQ(node->leaf("x_pos.arr").shape, Shape{3});
  EXPECT_EQ(node->leaf("derivatives.args[0]").init.values, (Numbers{0, 0}));
}

TEST(Nodes, DefaultTransformerKeepsScalesAboveAHundredth) {
  NodePtr flow = parseNode("flow f = coupling_flow(standard_normal([3]), invert = false)");
  const Node &coupling = flow->child("bijection").child("bijection").child("bijections[0]");
  const Node &transformer = coupling.child("transformer");
  EXPECT_EQ(transformer.attribute<double>("min_scale"), 0.01);
  EXPECT_DOUBLE_EQ(transformer.leaf("scale.args[0]").init.values[0], 0.525458719292502);
  EXPECT_EQ(coupling.attribute<int64_t>("untransformed_dim"), 1);
  EXPECT_EQ(coupling.child("conditioner").attribute<int64_t>("out_size"), 4);
  EXPECT_EQ(flow->child("bijection").stack, 8);
}

TEST(Nodes, RanksOfMaskedNetworks) {
  auto ranks = [](const std::string &arguments) {
    NodePtr node = parseBijection("masked_autoregressive(affine(), nn_width = 5, nn_depth = 1, " + arguments + ")");
    return std::tuple(node->attribute<Ints>("in_ranks"), node->attribute<Ints>("hidden_ranks"),
                      node->attribute<Ints>("out_ranks"));
  };
  EXPECT_EQ(ranks("dim = 3"), std::tuple(Ints({0, 1, 2}), Ints({0, 1, 0, 1, 0}), Ints({0, 0, 1, 1, 2, 2})));
  EXPECT_EQ(ranks("dim = 2, cond_dim = 2"),
            std::tuple(Ints({0, 1, -1, -1}), Ints({-1, 0, -1, 0, -1}), Ints({0, 0, 1, 1})));
  EXPECT_EQ(ranks("dim = 1"), std::tuple(Ints({0}), Ints({0, 0, 0, 0, 0}), Ints({0, 0})));
}

TEST(Nodes, FrozenParametersOfATransformerAreNotParameterised) {
  NodePtr node = parseBijection("coupling(chain([affine(), non_trainable(affine(1, 2)), invert(affine())]), "
                                "untransformed_dim = 1, dim = 3, nn_width = 4, nn_depth = 0, nn_activation = gelu)");
  EXPECT_EQ(node->child("conditioner").attribute<int64_t>("out_size"), 2 * 4);
  EXPECT_EQ(node->child("conditioner").attribute<std::string>("activation"), "gelu");
}

TEST(Nodes, NonTrainableWrapsFloatArraysOnly) {
  NodePtr node = parseBijection("non_trainable(chain([affine(zeros(2)), permute([1, 0])]))");
  EXPECT_EQ(leafPaths(*node),
            (std::vector<std::string>{".shape[0]", ".bijections[0].shape[0]", ".bijections[0].loc.tree",
                                      ".bijections[0].scale.args[0].tree", ".bijections[1].shape[0]",
                                      ".bijections[1].permutation[0]", ".bijections[1].inverse_permutation[0]"}));
  EXPECT_EQ(node->child("bijections[0]").leaf("loc").kind, Leaf::Kind::Frozen);
  EXPECT_EQ(leafPaths(*parseBijection("non_trainable(non_trainable(loc(1)))")), std::vector<std::string>{".loc.tree"});
}

TEST(Nodes, ScanOfGivenBijectionsStacksTheirValues) {
  NodePtr node = parseBijection("scan([loc([1, 2]), loc([3, 4]), loc([5, 6])])");
  EXPECT_EQ(node->stack, 3);
  EXPECT_EQ(leafValues(*node, ".bijection.loc"), (Numbers{1, 2, 3, 4, 5, 6}));
  node = parseBijection("scan(loc([1, 2]), layers = 2)");
  EXPECT_EQ(leafValues(*node, ".bijection.loc"), (Numbers{1, 2, 1, 2}));
}

TEST(Nodes, NestedScansStackInAnyOrder) {
  NodePtr inner = parseBijection("scan(scan([loc(1), loc(2)]), layers = 2)");
  EXPECT_EQ(leafValues(*inner, ".bijection.bijection.loc"), (Numbers{1, 2, 1, 2}));
  NodePtr outer = parseBijection("scan([scan(loc(1), layers = 2), scan(loc(2), layers = 2)])");
  EXPECT_EQ(leafValues(*outer, ".bijection.bijection.loc"), (Numbers{1, 1, 2, 2}));
  NodePtr mixed = parseBijection("scan([scan([loc(1), loc(2)]), scan(loc(3), layers = 2)])");
  EXPECT_EQ(leafValues(*mixed, ".bijection.bijection.loc"), (Numbers{1, 2, 3, 3}));
}

TEST(Nodes, EmbedConditionOfABijection) {
  NodePtr node = parseBijection("embed_condition(coupling(affine(), 1, 2, cond_dim = 3, nn_width = 4, nn_depth = 1), "
                                "mlp(5, 3, 7, 1, tanh), raw_cond_shape = [5])");
  EXPECT_EQ(*node->condShape, Shape{5});
  EXPECT_EQ(node->child("embedding_net").attribute<int64_t>("width"), 7);
  EXPECT_EQ(leafPaths(*node).back(), ".embedding_net.layers[1].bias");
  EXPECT_EQ(leafPaths(*node)[leafPaths(*node).size() - 5], ".cond_shape[0]");
}

/// As in FlowJAX: the result has conditions, and the network is a part of the model.
TEST(Nodes, EmbedConditionOfABijectionWithoutConditions) {
  NodePtr node = parseBijection("embed_condition(loc([1, 2]), linear(5, 3), raw_cond_shape = [5])");
  EXPECT_EQ(*node->condShape, Shape{5});
  EXPECT_EQ(leafPaths(*node),
            (std::vector<std::string>{".bijection.loc", ".bijection.shape[0]", ".shape[0]", ".cond_shape[0]",
                                      ".embedding_net.weight", ".embedding_net.bias"}));
}

TEST(Nodes, EmbedConditionOfAFlowEmbedsItsBijection) {
  NodePtr node = parseNode("flow f = coupling_flow(standard_normal([2]), cond_dim = 2)\n"
                           "flow s = transformed(embed_condition(f, non_trainable(affine([1, 2], [3, 4])), [2]), "
                           "non_trainable(affine([5, 6], [7, 8])))");
  EXPECT_EQ(*node->condShape, Shape{2});
  EXPECT_EQ(node->child("base_dist").child("bijection").kind, "embed_condition");
  EXPECT_EQ(node->child("base_dist").child("bijection").child("embedding_net").leaf("loc").init.values,
            (Numbers{1, 2}));
}

TEST(Nodes, NormalIsATransformedStandardNormal) {
  NodePtr node = parseNode("flow f = normal([1, 2], 3)");
  EXPECT_EQ(node->kind, "normal");
  EXPECT_EQ(node->child("base_dist").kind, "standard_normal");
  EXPECT_EQ(node->child("bijection").leaf("loc").init.values, (Numbers{1, 2}));
}

TEST(Nodes, LocationsPointIntoTheText) {
  NodePtr node = parseNode("# comment é\nbijection b = chain([\n  affine(zeros(2)),\n  flip([2])])");
  EXPECT_EQ(node->location.line, 2u);
  EXPECT_EQ(node->location.column, 15u);
  EXPECT_EQ(node->child("bijections[1]").location.line, 4u);
  EXPECT_EQ(node->child("bijections[1]").location.column, 3u);
}

TEST(Nodes, LinearNetwork) {
  NodePtr node = parseBijection("embed_condition(masked_autoregressive(affine(), 2, 3, 4, 0), "
                                "linear(in = 6, out = 3, use_bias = false), [6])");
  const Leaf &weight = node->child("embedding_net").leaf("weight");
  EXPECT_EQ(weight.shape, (Shape{3, 6}));
  EXPECT_EQ(weight.init.kind, Init::Kind::Uniform);
  EXPECT_DOUBLE_EQ(weight.init.scale, 1 / std::sqrt(6.0));
  EXPECT_EQ(node->child("embedding_net").fields.size(), 1u);
}

/// A condition can be the only input of a network.
TEST(Nodes, CouplingsThatOnlySeeTheirCondition) {
  NodePtr node = parseBijection("coupling(affine(), 0, 1, cond_dim = 2, nn_width = 3, nn_depth = 1)");
  ASSERT_EQ(node->kind, "coupling");
  EXPECT_EQ(node->child("conditioner").attribute<int64_t>("in_size"), 2);
  EXPECT_EQ(node->child("conditioner").attribute<int64_t>("out_size"), 2);
  NodePtr flow = parseDistribution("coupling_flow(standard_normal([1]), cond_dim = 2)");
  EXPECT_EQ(flow->shape, Shape{1});
  EXPECT_EQ(flow->condShape, Shape{2});
}

} // namespace
} // namespace flowc
