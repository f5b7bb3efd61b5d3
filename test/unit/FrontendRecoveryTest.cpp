//===- FrontendRecoveryTest.cpp - All mistakes of a text ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/CheckedText.h"
#include "flowc/Frontend/Frontend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

/// LINE:COLUMN and what is underlined, for all mistakes of a text.
Texts mistakesOf(const std::string &text) {
  CheckedText checked = checkText(text, "test.flow");
  Texts places;
  for (const Diagnostic &mistake : checked.mistakes) {
    SourceLocation at = checked.source->locate(mistake.where);
    llvm::SMRange range = findRange(*checked.source, mistake.where);
    places.push_back(std::to_string(at.line) + ":" + std::to_string(at.column) + " " +
                     std::string(range.Start.getPointer(), range.End.getPointer()));
  }
  return places;
}

TEST(Recovery, EveryItemIsJudged) {
  EXPECT_THAT(mistakesOf("flow a = nromal()\nflow b = normal()\nbijection c = tanh([0])\nflow d = normal(1 2)\n"
                         "density e(x[2]) = sum(y)\ndata f = tabel(\"x\")\nflow g = normal(b = 1)"),
              ElementsAre("1:10 nromal", "3:20 [0]", "4:19 2", "5:23 y", "6:10 tabel", "7:17 b"));
}

TEST(Recovery, EveryArgumentIsJudged) {
  EXPECT_THAT(mistakesOf("flow a = transformed(nromal(), permute([0, 0]))"), ElementsAre("1:22 nromal", "1:40 [0, 0]"));
  EXPECT_THAT(mistakesOf("flow a = transfromed(nromal(), chain([tahn(), exp(-1), tanh(foo(2))]))"),
              ElementsAre("1:10 transfromed", "1:22 nromal", "1:39 tahn", "1:51 -1", "1:61 foo"));
  EXPECT_THAT(mistakesOf("flow a = normal(lco = nromal(), scale = sclae(1))"),
              ElementsAre("1:17 lco", "1:23 nromal", "1:41 sclae"));
}

TEST(Recovery, EveryPartOfAFormulaIsJudged) {
  EXPECT_THAT(mistakesOf("density d(x[3]) = x[7] + y + foo(z) + (let w = v in w*u)"),
              ElementsAre("1:21 7", "1:26 y", "1:30 foo", "1:34 z", "1:48 v", "1:55 u"));
  EXPECT_THAT(mistakesOf("density d(x[3]) = sum(x[:2] + x) + dot(x, 2) + (let w = x[0:0] in sum(w) + sum(x[4:]))"),
              ElementsAre("1:29 +", "1:43 2", "1:58 [0:0]", "1:82 4"));
  EXPECT_THAT(mistakesOf("bijection b(x; a = positive(-1), a = interval(2, 1, 0)) = x + y"),
              ElementsAre("1:20 positive", "1:34 a", "1:38 interval", "1:63 y"));
  EXPECT_THAT(mistakesOf("bijection b(x; c = positive(1)) = sum(x) + x/0 + (x > 1)"),
              ElementsAre("1:16 c", "1:35 sum", "1:46 0", "1:51 x"));
  EXPECT_THAT(mistakesOf("objective o(q, x) = mean(log_prob(x, q)) + mean(log_prob(x))"),
              ElementsAre("1:26 log_prob", "1:49 log_prob"));
}

TEST(Recovery, WhatUsesAMistakeIsNotJudged) {
  for (const char *text : {
           "flow a = nromal()\nflow b = transformed(a, tanh([3]))\nbijection c = a\nflow d = vmap_mixture([a, b], 3)",
           "flow a = normal(\nflow b = a",
           "flwo a = normal()\nflow b = transformed(a, a)",
           "bijection a(x) = x - sin(2*x)\nbijection b = chain([a(), a([3])])",
           "data t = tabel(\"x\")\ndensity d(x[2]) = sum(t.a) + sum(t.b - x)",
           "flow a = chain()\nflow b = a([3])",
           "bijection affine = tanh()\nbijection b = chain([affine, affine()])",
           "flow a = scan(affine)",
       })
    EXPECT_EQ(mistakesOf(text).size(), 1u) << text << ": " << testing::PrintToString(mistakesOf(text));
  // A second definition leaves the first one as it is.
  EXPECT_THAT(
      mistakesOf("flow a = normal()\nbijection a = tanh([0])\nflow b = transformed(a, tanh())\nbijection c = a"),
      ElementsAre("2:11 a", "2:20 [0]", "4:15 a"));
}

TEST(Recovery, SyntaxGoesOnWithTheNextItem) {
  EXPECT_THAT(mistakesOf("flow a = normal(1,\nflow b = nromal()"), ElementsAre("2:6 b", "2:10 nromal"));
  EXPECT_THAT(mistakesOf("flow a = chain([exp(\n\nbijection b(x) = y"), ElementsAre("3:11 b", "3:18 y"));
  EXPECT_THAT(mistakesOf("flow = normal(x)\nflow = normal()\nflow c = d"), ElementsAre("1:6 =", "2:6 =", "3:10 d"));
  EXPECT_THAT(mistakesOf("flow a = affine{}\nflow b = \"c\nflow c = 1e999 flow d = 3x\n# ok\nflow e = nromal()"),
              ElementsAre("1:16 {", "2:10 \"", "3:10 1", "3:26 x", "5:10 nromal"));
  // An argument's name is no item.
  EXPECT_THAT(mistakesOf("flow a = normal()\nflow b = unconstrained(flow = a +)"), ElementsAre("2:33 +"));
  EXPECT_THAT(mistakesOf("density d(x[1]) = t.data y + x\ndensity e(x[1]) = z"), ElementsAre("1:26 y", "2:19 z"));
  EXPECT_THAT(mistakesOf(")\nflow a = b"), ElementsAre("1:1 )", "2:10 b"));
  EXPECT_THAT(mistakesOf("flow a = \xFF b\nflow a = c"), ElementsAre("1:10 \xFF"));
  EXPECT_THAT(mistakesOf("flow a = normal()"), IsEmpty());
}

TEST(Recovery, OneMessageShowsTheFirst) {
  std::string text, one = "flow f = nromal()\n";
  EXPECT_EQ(checkText(one, "t.flow").error.message,
            "t.flow:1:10: error: unknown constructor `nromal`; did you mean `normal`?\nflow f = nromal()\n"
            "         ^");
  auto messageOf = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += "flow f" + std::to_string(i) + " = nromal()\n";
    Expected<ParsedItem> item = parseFlow(text, "t.flow");
    return item ? "" : item.error().message;
  };
  EXPECT_EQ(messageOf(20).find("more"), std::string::npos);
  EXPECT_THAT(messageOf(20), testing::HasSubstr("t.flow:20:12: error: unknown"));
  EXPECT_THAT(messageOf(21), testing::EndsWith("\n… and 1 more error"));
  EXPECT_THAT(messageOf(50), testing::EndsWith("\n… and 30 more errors"));
  EXPECT_THAT(messageOf(50), testing::Not(testing::HasSubstr("t.flow:21:")));
  EXPECT_THAT(messageOf(5000), testing::EndsWith("\n… and at least 180 more errors"));
}

TEST(Recovery, TheItemThatWasAskedForComesLast) {
  Expected<ParsedItem> item = parseFlow("flow a = nromal()", "t.flow", "b");
  ASSERT_FALSE(item);
  EXPECT_THAT(item.error().message, testing::HasSubstr("unknown constructor"));
}

} // namespace
} // namespace flowc
