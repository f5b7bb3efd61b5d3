//===- FrontendDensityTest.cpp - Formulas of densities --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/Frontend.h"
#include "flowc/Frontend/Warnings.h"

#include <gtest/gtest.h>

namespace flowc {
namespace {

/// The message for `density d(x[3]) = TEXT`, columns counted from the start of TEXT.
std::string messageFor(const std::string &text) {
  std::string head = "density d(x[3]) = ";
  Expected<ParsedItem> item = parseDensity(head + text, "t");
  if (item)
    return "no error";
  std::string message = item.error().message;
  message = message.substr(0, message.find('\n'));
  if (message.rfind("t:1:", 0) != 0)
    return message;
  size_t end = message.find(':', 4);
  return std::to_string(std::stoul(message.substr(4)) - head.size()) + message.substr(end);
}

TEST(Density, ShapesThatFit) {
  for (const char *text : {"sum(x)", "x[0]", "x[-1]", "dot(x, [1, 2, 3])", "sum(x[0:2] * x[1:3])", "sum(2*x + 1)", "pi",
                           "sum([x[0], 1])", "max(x) - min(x)", "sum(max(x, 0))", "where(x[0] > 0, 1, x[1])",
                           "sum(where(x > 0, x, 0))", "let y = x^2 in sum(y)", "sum(x[1:])", "sum(x[:-1])", "x[1 + 1]",
                           "let c = x > 1 in where(c[0], 1, 2)", "logsumexp(x)", "let x = 2 in x"})
    EXPECT_EQ(messageFor(text), "no error") << text;
}

TEST(Density, ShapesThatDoNotFit) {
  EXPECT_EQ(messageFor("x"),
            "1: error: a log-density is a number, but the formula of `d` is a vector of 3 numbers; add "
            "its elements up with `sum(...)`");
  EXPECT_EQ(messageFor("x[0] > 1"), "6: error: a log-density is a number, but the formula of `d` is a condition");
  EXPECT_EQ(messageFor("sum(x + x[0:2])"), "7: error: `+` needs vectors of one length, found 3 and 2 elements");
  EXPECT_EQ(messageFor("sum(x[0])"), "1: error: `sum` needs a vector, found a number");
  EXPECT_EQ(messageFor("dot(x, 2)"), "8: error: `dot` needs vectors, found a number");
  EXPECT_EQ(messageFor("dot(x, [1, 2])"), "1: error: `dot` needs vectors of one length, found 3 and 2 elements");
  EXPECT_EQ(messageFor("1 + (x[0] > 1)"),
            "11: error: `+` needs numbers, found a condition; write `where(CONDITION, 1, 0)` to count it");
  EXPECT_EQ(messageFor("where(x[0], 1, 2)"),
            "8: error: `where` needs a comparison first, as in `where(x[0] > 0, a, b)`, found a number");
  EXPECT_EQ(messageFor("sum(where(x > 0, x[0:2], 1))"),
            "5: error: `where` needs vectors of one length, found 3 and 2 elements");
  EXPECT_EQ(messageFor("sum([x, 1])"), "6: error: an array in a formula holds numbers, found a vector of 3 numbers");
  EXPECT_EQ(messageFor("x[0][0]"), "5: error: only vectors have elements, found a number");
  EXPECT_EQ(messageFor("x[x[0]]"), "4: error: an index is a whole number in the text, as in `x[2]`");
  EXPECT_EQ(messageFor("x[0.5]"), "3: error: `x` has the elements 0 to 2, found the index 0.5");
  EXPECT_EQ(messageFor("x[-4]"), "3: error: a vector of 3 elements has the positions -3 to 2 (negative ones count from "
                                 "the end), found -4");
  EXPECT_EQ(messageFor("sum(x[2:2])"), "6: error: the slice from 2 to 2 is empty");
  EXPECT_EQ(messageFor("sum(x[0:4])"),
            "9: error: a vector of 3 elements has the positions -3 to 3 (negative ones count "
            "from the end), found 4");
}

TEST(Density, IsChosenFromItems) {
  const char *text = "density a(x[2]) = sum(x)\nflow f = standard_normal([2])\ndensity b(x[3]) = sum(x)\n";
  Expected<ParsedItem> flow = parseFlow(text);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->name, "f");
  Expected<ParsedItem> last = parseDensity(text);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->name, "b");
  EXPECT_EQ(last->category, Node::Category::Density);
  EXPECT_EQ(last->root->shape, Shape{3});
  Expected<ParsedItem> named = parseFlow(text, "t", "a");
  ASSERT_TRUE(named);
  // Its formula outlives the parser.
  EXPECT_EQ(named->root->formula->item.variable, "x");
  EXPECT_EQ(named->root->formula->source->locate(named->root->formula->item.formula.loc).column, 19u);
  Expected<ParsedItem> wrong = parseDensity(text, "t", "f");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "t: error: expected a `density`, but `f` is a flow");
  Expected<ParsedItem> none = parseDensity("flow f = standard_normal([2])", "t");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("expected a `density`"), std::string::npos);
}

TEST(Density, NestedCallsAreCheckedOnce) {
  // Checking operands twice would take 2^100 steps here.
  std::string text = "x[0]";
  for (int i = 0; i < 100; ++i)
    text = "dot(x, x*" + text + ")";
  EXPECT_EQ(messageFor(text), "no error");
}

/// The places and the messages of warnings.
std::vector<std::string> warningsFor(const std::string &text) {
  Expected<ParsedItem> item = parseFlow(text);
  EXPECT_TRUE(item) << text;
  std::vector<std::string> result;
  for (const Warning &warning : findWarnings(*item->root))
    result.push_back(std::to_string(warning.location.line) + ":" + std::to_string(warning.location.column) + " " +
                     warning.message.substr(0, 40));
  return result;
}

TEST(Warnings, NameThePlaceOnce) {
  // One layer is used three times, in lines of its own.
  std::vector<std::string> found =
      warningsFor("bijection b = masked_autoregressive(affine(), dim = 1, nn_width = 2, nn_depth = 1)\n"
                  "flow f = transformed(standard_normal([1]), chain([b, b, b]))");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], "1:15 a masked layer of dimension 1 without a ");
}

TEST(Warnings, RedundantParametersBehindMoves) {
  EXPECT_EQ(
      warningsFor("flow f = transformed(normal(zeros(3), ones(3)), chain([flip([3]), affine(zeros(3), ones(3))]))"),
      std::vector<std::string>{"1:67 the base distribution already has a loca"});
  // The other end of the chain meets the data.
  EXPECT_TRUE(
      warningsFor("flow f = transformed(normal(zeros(3), ones(3)), chain([tanh([3]), affine(zeros(3), ones(3))]))")
          .empty());
  EXPECT_TRUE(warningsFor("flow f = transformed(standard_normal([3]), affine(zeros(3), ones(3)))").empty());
  EXPECT_EQ(warningsFor("flow f = transformed(normal(zeros(3), ones(3)), invert(chain([tanh([3]), affine(zeros(3), "
                        "ones(3))])))")
                .size(),
            2u); // and the inverse of tanh does not take all numbers
}

TEST(Warnings, CaretsStandBelowCharacters) {
  Warning warning{{2, 6}, "message"};
  EXPECT_EQ(formatWarning(warning, "# x\n\té é = 1\r\nz", "f"), "f:2:6: warning: message\n\té é = 1\n\t    ^");
}

TEST(ExposedSplines, StopAtWhatKnowsTheRange) {
  auto count = [](const std::string &bijection) {
    Expected<ParsedItem> item = parseFlow("flow f = transformed(standard_normal([2]), " + bijection + ")");
    EXPECT_TRUE(item) << bijection;
    return findExposedSplines(*item->root).size();
  };
  std::string layer = "coupling(rational_quadratic_spline(knots = 4, interval = 3), untransformed_dim = 1, dim = 2, "
                      "nn_width = 4, nn_depth = 1)";
  EXPECT_EQ(count(layer), 1u);
  EXPECT_EQ(count("invert(" + layer + ")"), 1u);
  // Data meets the last bijection first.
  EXPECT_EQ(count("chain([" + layer + ", affine(zeros(2), ones(2))])"), 0u);
  EXPECT_EQ(count("chain([affine(zeros(2), ones(2)), " + layer + "])"), 1u);
  EXPECT_EQ(count("invert(chain([tanh([2]), " + layer + "]))"), 0u);
}

} // namespace
} // namespace flowc
