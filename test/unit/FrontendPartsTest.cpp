//===- FrontendPartsTest.cpp - Bijections of parts of events --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"

#include <gtest/gtest.h>

namespace flowc {
namespace {

using namespace test;

using Ints = std::vector<int64_t>;
using Numbers = std::vector<double>;

/// Leaves as `path shape`, and the value if there is just one.
std::vector<std::string> describeLeaves(const std::string &constructor) {
  std::vector<std::string> result;
  NodePtr node = parseBijection(constructor);
  for (const PlacedLeaf &leaf : flattenLeaves(*node)) {
    std::string text = leaf.path + " [";
    for (int64_t size : leaf.shape)
      text += std::to_string(size) + ",";
    text += "]";
    if (leaf.leaf->kind == Leaf::Kind::Constant && leaf.values.size() == 1)
      text += " = " + std::to_string(static_cast<int64_t>(leaf.values[0]));
    result.push_back(text);
  }
  return result;
}

TEST(Parts, LeavesAreFlowJaxs) {
  EXPECT_EQ(describeLeaves("concatenate([tanh([2, 1]), loc([[1, 2], [3, 4]])], axis = -1)"),
            (Texts{".shape[0] [] = 2", ".shape[1] [] = 3", ".split_idxs[0] [] = 1", ".bijections[0].shape[0] [] = 2",
                   ".bijections[0].shape[1] [] = 1", ".bijections[1].loc [2,2,]", ".bijections[1].shape[0] [] = 2",
                   ".bijections[1].shape[1] [] = 2", ".axis [] = -1"}));
  EXPECT_EQ(describeLeaves("stack([tanh(), loc(3)])"),
            (Texts{".shape[0] [] = 2", ".bijections[1].loc []", ".axis [] = 0"}));
  EXPECT_EQ(describeLeaves("stack([tanh([3]), loc([1, 2, 3])], axis = -1)"),
            (Texts{".shape[0] [] = 3", ".shape[1] [] = 2", ".bijections[0].shape[0] [] = 3", ".bijections[1].loc [3,]",
                   ".bijections[1].shape[0] [] = 3", ".axis [] = -1"}));
  EXPECT_EQ(describeLeaves("indexed(tanh(), -1, [3])"), (Texts{".idxs [] = -1", ".shape[0] [] = 3"}));
  EXPECT_EQ(describeLeaves("indexed(tanh([2]), slice(0, 2), [3])"),
            (Texts{".bijection.shape[0] [] = 2", ".shape[0] [] = 3"}));
  EXPECT_EQ(describeLeaves("scan(indexed(loc([1, 2]), [0, 2], [3]), layers = 4)"),
            (Texts{".bijection.bijection.loc [4,2,]", ".bijection.bijection.shape[0] [] = 2", ".bijection.idxs [4,2,]",
                   ".bijection.shape[0] [] = 3", ".shape[0] [] = 3"}));
  EXPECT_EQ(describeLeaves("sandwich(loc([1]), tanh([1]))"),
            (Texts{".shape[0] [] = 1", ".inner.loc [1,]", ".inner.shape[0] [] = 1", ".outer.shape[0] [] = 1"}));
  EXPECT_EQ(describeLeaves("reshape(tanh([4]), [2, 2])"),
            (Texts{".bijection.shape[0] [] = 4", ".shape[0] [] = 2", ".shape[1] [] = 2"}));
  EXPECT_EQ(describeLeaves("vmap(loc([1, 2]), axis_size = 3)"),
            (Texts{".bijection.loc [2,]", ".bijection.shape[0] [] = 2", ".in_axes[1] [] = 0", ".axis_size [] = 3",
                   ".shape[0] [] = 3", ".shape[1] [] = 2"}));
  EXPECT_EQ(describeLeaves("vmap(vmap(loc(1), axis_size = 2, in_axes = 0), axis_size = 3, in_axes = 0)"),
            (Texts{".bijection.bijection.loc [3,2,]", ".bijection.in_axes[1] [] = 0", ".bijection.axis_size [] = 2",
                   ".bijection.shape[0] [] = 2", ".in_axes[1] [] = 0", ".axis_size [] = 3", ".shape[0] [] = 3",
                   ".shape[1] [] = 2"}));
}

TEST(Parts, ConditionsOfCopies) {
  const std::string conditional = "masked_autoregressive(affine(), dim = 2, cond_dim = 5, nn_width = 3, nn_depth = 0)";
  EXPECT_EQ(parseBijection("vmap(" + conditional + ", axis_size = 3)")->condShape, Shape{5});
  EXPECT_EQ(parseBijection("vmap(" + conditional + ", axis_size = 3, in_axes_condition = 0)")->condShape,
            (Shape{3, 5}));
  EXPECT_EQ(parseBijection("vmap(" + conditional + ", axis_size = 3, in_axes_condition = 1)")->condShape,
            (Shape{5, 3}));
  // Without conditions the axis, which is a number of FlowJAX's file, says nothing.
  EXPECT_EQ(parseBijection("vmap(loc(1), axis_size = 2, in_axes_condition = 7)")->condShape, std::nullopt);
  EXPECT_EQ(describeLeaves("vmap(loc(1), axis_size = 2, in_axes_condition = 7)"),
            (Texts{".bijection.loc []", ".in_axes[1] [] = 0", ".in_axes[2] [] = 7", ".axis_size [] = 2",
                   ".shape[0] [] = 2"}));
  EXPECT_EQ(parseBijection("reshape(" + conditional + ", [1, 2], [1, 5])")->condShape, (Shape{1, 5}));
  EXPECT_EQ(parseBijection("concatenate([tanh([1]), " + conditional + "])")->condShape, Shape{5});
}

TEST(Parts, VmapOfAListStacksItsParameters) {
  NodePtr node = parseBijection("vmap([loc([1, 2]), loc([3, 4])])");
  EXPECT_EQ(node->shape, (Shape{2, 2}));
  EXPECT_EQ(flattenLeaves(*node)[0].values, (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(flattenLeaves(*node)[0].shape, (Shape{2, 2}));
}

TEST(Parts, IndicesAreThoseOfNumPy) {
  auto indices = [](const std::string &idxs, const std::string &part, const std::string &shape) {
    return parseBijection("indexed(identity(" + part + "), " + idxs + ", " + shape + ")")->attribute<Ints>("indices");
  };
  EXPECT_EQ(indices("2", "[]", "[5]"), (Ints{2}));
  EXPECT_EQ(indices("-1", "[2]", "[3, 2]"), (Ints{4, 5}));
  EXPECT_EQ(indices("[3, -4]", "[2]", "[4]"), (Ints{3, 0}));
  EXPECT_EQ(indices("[[3, 1], [0, 2]]", "[2, 2]", "[4]"), (Ints{3, 1, 0, 2}));
  EXPECT_EQ(indices("[1, 0]", "[2, 2]", "[3, 2]"), (Ints{2, 3, 0, 1}));
  EXPECT_EQ(indices("[true, false, true]", "[2]", "[3]"), (Ints{0, 2}));
  EXPECT_EQ(indices("[true, false]", "[1, 3]", "[2, 3]"), (Ints{0, 1, 2}));
  EXPECT_EQ(indices("[[true, false], [true, true]]", "[3]", "[2, 2]"), (Ints{0, 2, 3}));
  EXPECT_EQ(indices("slice(1, 3)", "[2]", "[5]"), (Ints{1, 2}));
  EXPECT_EQ(indices("slice(none, none, 2)", "[3]", "[5]"), (Ints{0, 2, 4}));
  EXPECT_EQ(indices("slice(none, none, -1)", "[3]", "[3]"), (Ints{2, 1, 0}));
  EXPECT_EQ(indices("slice(-2, 100)", "[2]", "[5]"), (Ints{3, 4}));
  EXPECT_EQ(indices("slice(-100, -3)", "[2]", "[5]"), (Ints{0, 1}));
  EXPECT_EQ(indices("slice(3, none, -2)", "[2]", "[5]"), (Ints{3, 1}));
  EXPECT_EQ(indices("slice(100, 2, -1)", "[2]", "[5]"), (Ints{4, 3}));
}

/// The paths of all leaves that are no shapes.
std::vector<std::string> describeArrays(const NodePtr &node) {
  std::vector<std::string> result;
  for (const PlacedLeaf &leaf : flattenLeaves(*node))
    if (leaf.leaf->kind != Leaf::Kind::Constant)
      result.push_back(leaf.path);
  return result;
}

TEST(Parts, FlowsComeApartWhereTheyCoverAllNumbers) {
  const std::string layer = "affine([0, 0], [1, 1])",
                    behind = "transformed(normal([0, 0], [1, 1]), chain([" + layer + ", chain([loc([1, 2]), " +
                             "non_trainable(affine([1, 2], [3, 4])), exp([2])]), flip([2])]))";
  // As much as possible stays with the flow: the frozen layer, not what follows exp.
  NodePtr inner = parseDistribution("unconstrained(" + behind + ")"),
          map = parseBijection("support_map(" + behind + ")");
  EXPECT_EQ(inner->child("base_dist").kind, "normal");
  EXPECT_EQ(inner->child("bijection").child("bijections[2]").kind, "affine");
  EXPECT_EQ(map->child("bijections[0]").kind, "exp");
  EXPECT_EQ(map->child("bijections[1]").kind, "flip");
  // Levels of `transformed` that are not cut stay what they are.
  std::string whole = "transformed(transformed(standard_normal([2]), " + layer + "), sigmoid([2]))";
  EXPECT_EQ(describeArrays(parseDistribution("unconstrained(" + whole + ")")),
            (Texts{".bijection.loc", ".bijection.scale.args[0]"}));
  EXPECT_EQ(parseBijection("support_map(" + whole + ")")->kind, "sigmoid");
  // One that covers all numbers is its own first part.
  EXPECT_EQ(parseDistribution("unconstrained(normal([0, 0], [1, 1]))")->kind, "normal");
  EXPECT_EQ(parseBijection("support_map(normal([0, 0], [1, 1]))")->kind, "identity");
}

TEST(Parts, BijectionsComeAfterTheBase) {
  NodePtr flow = parseDistribution("after_base(transformed(transformed(normal([0, 0], [1, 1]), exp([2])), flip([2])), "
                                   "scale([2, 2]))");
  EXPECT_EQ(flow->child("bijection").kind, "flip");
  EXPECT_EQ(flow->child("base_dist").child("bijection").kind, "exp");
  EXPECT_EQ(flow->child("base_dist").child("base_dist").child("bijection").kind, "scale");
  EXPECT_EQ(flow->child("base_dist").child("base_dist").child("base_dist").kind, "normal");
  expectMistake(inFlow("after_base(standard_normal([2]), tanh([3]))", 1, "the shapes of `base_dist` and `bijection`"));
}

TEST(PartsErrors, FlowsThatDoNotComeApart) {
  for (const char *flow : {"transformed(standard_normal([2]), chain([exp([2]), scale([1, 1])]))", // moves with training
                           "beta([2, 2], [2, 2])",
                           "transformed(standard_normal([2]), chain([exp([2]), "
                           "permute(shuffled(2))]))"}) // another one in each model
    expectMistake(inBijection(std::string("support_map(") + flow + ")", 13,
                              "`support_map` needs a flow over all real numbers, or one whose last bijections map"));
}

TEST(PartsErrors, Vmap) {
  expectMistakesInBijections({
      {"vmap(loc(1))", 1, "`vmap` of one bijection needs the number of its copies: `vmap(affine(), axis_size = 3)`"},
      {"vmap(loc(1), in_axes = 0)", 1, "`vmap` of one bijection needs the number of its copies"},
      {"vmap(loc(1), axis_size = 0)", 26, "`axis_size` of `vmap` must be at least 1, found the number 0"},
      {"vmap(loc(1), axis_size = 2, in_axes = 1)", 39,
       "`in_axes` of `vmap` must be 0, a set of parameters for each copy, or `none`, one set for all; found 1"},
      {"vmap(loc(1), axis_size = 2, in_axes = tanh())", 39,
       "`in_axes` of `vmap` must be a whole number, found the bijection `tanh`"},
      {"vmap(tanh(), axis_size = 2, in_axes = 0)", 39,
       "the bijection `tanh` has no parameters to stack: write `vmap(..., axis_size = 2)`"},
      {"vmap(masked_autoregressive(affine(), dim = 1, cond_dim = 2, nn_width = 2, nn_depth = 0), axis_size = 2, "
       "in_axes_condition = 2)",
       125, "`in_axes_condition` of `vmap` must be from 0 to 1 for conditions of shape [2], found 2"},
      {"vmap([loc(1), loc(2)], axis_size = 3)", 36,
       "`axis_size` of `vmap` does not fit to the list, which has 2 bijections"},
      {"vmap([loc(1), scale(2)])", 6,
       "the bijections of `vmap` must have equal structure: number 0 and number 1 differ: the bijection `loc` and the "
       "bijection `scale`"},
      {"vmap(vmap(tanh([4096]), axis_size = 4096), axis_size = 4096)", 1,
       "the event of `vmap` would have 68719476736 elements; at most 16777216 are supported"},
      {"vmap(standard_normal(), axis_size = 2)", 6,
       "`bijection` of `vmap` must be a bijection, found the distribution `standard_normal`"},
  });
}

TEST(PartsErrors, ConcatenateAndStack) {
  expectMistakesInBijections({
      {"concatenate([])", 13, "`bijections` of `concatenate` needs at least one bijection"},
      {"concatenate([tanh()])", 13,
       "`concatenate` joins along an axis, and the bijection `tanh` has shape []: use `stack` for scalars"},
      {"concatenate([tanh([2]), tanh([2, 2])])", 13,
       "the bijections of `concatenate` must have equal shapes except along axis 0: number 0, the bijection `tanh`, "
       "has "
       "shape [2], number 1, the bijection `tanh`, has shape [2, 2]"},
      {"concatenate([tanh([2, 3]), tanh([3, 3])], axis = 1)", 13,
       "the bijections of `concatenate` must have equal shapes except along axis 1"},
      {"concatenate([tanh([2, 3]), tanh([3, 3])], axis = 2)", 50,
       "`axis` of `concatenate` must be from -2 to 1 for bijections of shape [2, 3], found 2"},
      {"stack([tanh([2]), tanh([3])])", 7,
       "the bijections of `stack` must have equal shapes: number 0, the bijection `tanh`, has shape [2], number 1, the "
       "bijection `tanh`, has shape [3]"},
      {"stack([tanh([2])], axis = 2)", 27,
       "`axis` of `stack` must be from -2 to 1 for bijections of shape [2], found 2"},
      {"stack([tanh([2])], axis = -3)", 27, "`axis` of `stack` must be from -2 to 1"},
      {"stack([masked_autoregressive(affine(), dim = 1, cond_dim = 2, nn_width = 2, nn_depth = 0), "
       "masked_autoregressive(affine(), dim = 1, cond_dim = 3, nn_width = 2, nn_depth = 0)])",
       1,
       "the parts of `stack` must take conditions of one shape: the bijection `masked_autoregressive` takes [2], the "
       "bijection `masked_autoregressive` takes [3]"},
  });
}

TEST(PartsErrors, Indexed) {
  expectMistakesInBijections({
      {"indexed(tanh([2]), [0, 5], [5])", 20,
       "`idxs` of `indexed` must be whole numbers from -5 to 4 for an event with 5 rows, found 5"},
      {"indexed(tanh([2]), [0.5, 1], [5])", 20, "`idxs` of `indexed` must be whole numbers from -5 to 4"},
      {"indexed(tanh([2]), [1, -4], [5])", 20, "`idxs` of `indexed` names index 1 twice"},
      {"indexed(tanh([2]), 0, [5])", 9, "the bijection `tanh` has shape [2], but `idxs` selects a part of shape []"},
      {"indexed(tanh([2]), [0, 1], [5, 2])", 9,
       "the bijection `tanh` has shape [2], but `idxs` selects a part of shape [2, 2]"},
      {"indexed(tanh([2]), slice(3, 3), [5])", 20, "`idxs` of `indexed` selects nothing"},
      {"indexed(tanh([2]), [false, false], [2])", 20, "`idxs` of `indexed` selects nothing"},
      {"indexed(tanh([2]), [true, true], [3])", 20,
       "the mask `idxs` of `indexed` has shape [2], which does not fit to an event of shape [3]"},
      {"indexed(tanh(), 0, [])", 20, "`indexed` selects along the first axis, and `shape` is []"},
      {"indexed(tanh([2]), none, [3])", 20,
       "`idxs` of `indexed` must be a whole number, an array of them, an array of `true` and `false`, or `slice(start, "
       "stop)`, found `none`"},
      {"indexed(tanh([2]), slice(0, 2, 0), [3])", 32, "`step` of `slice` must not be 0"},
      {"indexed(tanh([2]), slice(2), [3])", 20, "`slice` needs its argument `stop` (its arguments: start, stop, step)"},
      {"loc(slice(0, 2))", 5, "`loc` of `loc` must be a number or an array, found a slice"},
      {"loc([true, false])", 5, "`loc` of `loc` must be a number or an array, found an array of `true` and `false`"},
      {"tanh([true])", 6, "`shape` of `tanh` must be a shape such as [3], found an array of `true` and `false`"},
  });
}

TEST(PartsErrors, TransformersOfOneNumber) {
  expectMistakesInBijections({
      {"coupling(reshape(householder([1]), []), untransformed_dim = 1, dim = 2, nn_width = 2, nn_depth = 0)", 10,
       "`transformer` of `coupling` acts on one number, and holds the bijection `householder`, which is made for "
       "vectors: write `affine` or a spline"},
      {"coupling(vmap(affine(), axis_size = 1), untransformed_dim = 1, dim = 2, nn_width = 2, nn_depth = 0)", 10,
       "`transformer` of `coupling` must be an unconditional bijection of shape [], found the bijection `vmap` of "
       "shape [1]"},
  });
}

TEST(PartsErrors, ReshapeAndSandwich) {
  expectMistakesInBijections({
      {"reshape(tanh([4]), [3])", 20,
       "`reshape` cannot change the number of elements: `shape` is [3], that of the bijection `tanh` is [4]"},
      {"reshape(tanh([4]), cond_shape = [1])", 33,
       "`reshape` cannot give the bijection `tanh` a `cond_shape`: it takes no condition"},
      {"sandwich(tanh([2]), tanh([3]))", 1,
       "`inner` and `outer` of `sandwich` must have equal shapes: the bijection `tanh` has shape [2], the bijection "
       "`tanh` has shape [3]"},
      {"sandwich(tanh())", 1, "`sandwich` needs its argument `outer` (its arguments: inner, outer)"},
  });
}

} // namespace
} // namespace flowc
