//===- FrontendInversesTest.cpp - Planar bijections and root finders ------===//
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

std::string mistakeOf(const std::string &constructor) { return plainMessageFor("bijection b = " + constructor); }
Texts leavesOf(const std::string &constructor) { return leafPaths(*parseBijection(constructor)); }

TEST(Planar, LeavesAreFlowJaxs) {
  EXPECT_EQ(leavesOf("planar(3)"), (Texts{".shape[0]", ".params"}));
  EXPECT_EQ(leavesOf("planar(3, negative_slope = 0.1)"), (Texts{".shape[0]", ".params", ".negative_slope"}));
  EXPECT_EQ(leavesOf("planar(3, 2, width_size = 4, depth = 1)"),
            (Texts{".shape[0]", ".cond_shape[0]", ".conditioner.layers[0].weight", ".conditioner.layers[0].bias",
                   ".conditioner.layers[1].weight", ".conditioner.layers[1].bias"}));
}

TEST(Planar, WrongUse) {
  EXPECT_EQ(mistakeOf("planar(0)"), "`dim` of `planar` must be at least 1, found the number 0");
  EXPECT_EQ(mistakeOf("planar(3, negative_slope = -0.1)"),
            "`negative_slope` of `planar` must be a positive number, found -0.1");
  EXPECT_EQ(mistakeOf("planar(3, 2, depth = 1)"),
            "`planar` with `cond_dim` needs `width_size` for the network that computes w, u and b from the condition; "
            "write width_size = 50, depth = 1, for example");
  // FlowJAX ignores the network's options without a condition.
  EXPECT_EQ(mistakeOf("planar(3, width_size = 4)"), "no error");
}

TEST(NumericalInverse, LeavesAreFlowJaxs) {
  // The method to find roots is no leaf.
  Texts leaves{".bijection.shape[0]", ".bijection.params", ".shape[0]"};
  EXPECT_EQ(leavesOf("numerical_inverse(planar(3))"), leaves);
  EXPECT_EQ(leavesOf("numerical_inverse(planar(3), newton(1e-6), use_implicit_differentation = false)"), leaves);
  EXPECT_EQ(leavesOf("numerical_inverse(planar(3), bisection(-1, 1, tolerance = 1e-6))"), leaves);
  for (const char *finder : {"bisect_check_expand_search(zeros(3), width = 5, max_width = 50)",
                             "bisection_search(-1, 1, atol = 1e-3, max_steps = 10, throw = false)",
                             "elementwise_autoregressive_bisection([-1, -2, -3], 1)"})
    EXPECT_EQ(leavesOf(std::string("numerical_inverse(planar(3), root_finder_to_inverter(") + finder + "))"), leaves);
}

TEST(NumericalInverse, WrongUse) {
  auto with = [](const std::string &inverter) { return mistakeOf("numerical_inverse(affine(), " + inverter + ")"); };
  EXPECT_EQ(with("tanh()"), "`inverter` of `numerical_inverse` must be a method to find roots, such as newton(), found "
                            "the bijection `tanh`");
  EXPECT_EQ(with("newton(0)"), "`tolerance` of `newton` must be a positive number, found 0");
  EXPECT_EQ(with("bisection(1, 1)"),
            "`upper` of `bisection` must be greater than `lower`, found 1 for the lower end 1");
  EXPECT_EQ(with("bisection_search([0, 3], [1, 2])"),
            "`upper` of `bisection_search` must be greater than `lower`, found 2 for the lower end 3");
  EXPECT_EQ(with("bisection_search(0, 1, atol = -1)"),
            "`atol` of `bisection_search` must be a positive number, found -1");
  EXPECT_EQ(with("bisection_search(0, 1, max_steps = 0)"),
            "`max_steps` of `bisection_search` must be at least 1, found the number 0");
  EXPECT_EQ(with("bisect_check_expand_search(0, width = 0)"),
            "`width` of `bisect_check_expand_search` must be positive, found 0");
  EXPECT_EQ(
      with("root_finder_to_inverter(none)"),
      "`root_finder` of `root_finder_to_inverter` must be a method to find roots, such as newton(), found `none`");
  EXPECT_EQ(with("bisection([0, 1], [1, 2, 3])"),
            "`upper` of `bisection` has shape [3], which does not fit to the other arguments, of shape [2]");
  EXPECT_EQ(with("bisection(random_normal([]), 1)"),
            "`lower` of `bisection` must be given numbers, not a random array");
  EXPECT_EQ(with("bisection([0, 1], 2)"),
            "the inverter `bisection` seeks roots of shape [2], but the bijection `affine` has shape []");
  EXPECT_EQ(mistakeOf("newton()"), "`bijection b` must be a bijection, found the inverter `newton`");
}

/// What `flowc check` says of arguments without an effect.
TEST(NumericalInverse, VainArgumentsAreNoted) {
  auto note = [](const std::string &text) {
    Expected<ParsedItem> item =
        parseFlow("bijection cubic(x; a = positive(1)) = x^3 + a*x\nbijection b = " + text, "test.flow");
    return item ? item->root->note : item.error().message;
  };
  for (const char *text :
       {"numerical_inverse(planar(2))", "numerical_inverse(planar(2), newton(1e-3))",
        "numerical_inverse(cubic(), newton(1e-3))", "numerical_inverse(invert(scan(planar(2), 3)), newton(1e-3))",
        "numerical_inverse(coupling(cubic(), 1, 2, none, 3, 1), newton(1e-3))", "planar(2)",
        "planar(2, 1, width_size = 3, depth = 1, activation = tanh)"})
    EXPECT_EQ(note(text), "") << text;
  EXPECT_EQ(note("numerical_inverse(planar(2), bisection(-1, 1))"),
            "flowc brackets every root by itself: of `bisection` only `tolerance` has an effect, if it is given");
  EXPECT_EQ(
      note("numerical_inverse(affine(), newton(1e-3), false)"),
      "the tolerance has no effect: the inverse of the bijection `affine` is a formula; "
      "`use_implicit_differentation = false` has no effect: gradients of roots are those of the implicit function");
  EXPECT_EQ(note("numerical_inverse(block_autoregressive_network(2, none, 1, 2), newton(1e-3))"),
            "the tolerance has no effect: the inverse of `block_autoregressive_network` is always found to full "
            "precision");
  EXPECT_EQ(note("planar(2, width_size = 3)"),
            "`width_size`, `depth` and `activation` of `planar` have no effect without `cond_dim`: there is no network "
            "then");
}

} // namespace
} // namespace flowc
