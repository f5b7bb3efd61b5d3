//===- FrontendParserTest.cpp - What the parser reads and survives --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"
#include "flowc/Frontend/Parser.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

#include <random>

namespace flowc {
namespace {

using namespace test;

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// A formula with all its brackets, operators in front.
std::string write(const ast::MathExpr &formula) {
  using Kind = ast::MathExpr::Kind;
  switch (formula.kind) {
  case Kind::Absent:
    return "_";
  case Kind::Number:
    return formatNumber(formula.number);
  case Kind::Name:
    return formula.text.str();
  default:
    break;
  }
  static constexpr llvm::StringRef heads[] = {"",  "",   "",  "array", "neg", "+",  "-",    "*",     "/",     "^",
                                              "<", "<=", ">", ">=",    "==",  "!=", "call", "index", "slice", "let"};
  std::string result = "(" + heads[static_cast<size_t>(formula.kind)].str();
  if (formula.kind == Kind::Call || formula.kind == Kind::Let)
    result += " " + formula.text.str();
  for (const ast::MathExpr &operand : formula.operands)
    result += " " + write(operand);
  return result + ")";
}

std::string parseFormula(const std::string &formula) {
  SourceText source("density d(x[9]) = let a = 1 in let b = 2 in " + formula, "test.flow");
  Expected<ast::File> file = parseSource(source);
  return file ? write(file->items[0].formula.operands[1].operands[1]) : file.error().message;
}

TEST(Formulas, Precedence) {
  EXPECT_EQ(parseFormula("a + b*a - b"), "(- (+ a (* b a)) b)");
  EXPECT_EQ(parseFormula("a/b/a*b"), "(* (/ (/ a b) a) b)");
  EXPECT_EQ(parseFormula("-a^2"), "(neg (^ a 2))");
  EXPECT_EQ(parseFormula("2^-a^b"), "(^ 2 (neg (^ a b)))");
  EXPECT_EQ(parseFormula("a^b^2"), "(^ a (^ b 2))");
  EXPECT_EQ(parseFormula("(a + b)*a"), "(* (+ a b) a)");
  EXPECT_EQ(parseFormula("a*-b"), "(* a (neg b))");
  EXPECT_EQ(parseFormula("+a - -b"), "(- a (neg b))");
  EXPECT_EQ(parseFormula("where(a + 1 <= b, a, b)"), "(call where (<= (+ a 1) b) a b)");
  EXPECT_EQ(parseFormula("-x[1]^2"), "(neg (^ (index x 1) 2))");
}

TEST(Formulas, CallsArraysAndAccess) {
  EXPECT_EQ(parseFormula("where(a < b, x[0], sum(x[1:3]))"),
            "(call where (< a b) (index x 0) (call sum (slice x 1 3)))");
  EXPECT_EQ(parseFormula("sum(x[:2]) + sum(x[2:]) + sum(x[:])"),
            "(+ (+ (call sum (slice x _ 2)) (call sum (slice x 2 _))) (call sum (slice x _ _)))");
  EXPECT_EQ(parseFormula("dot([1, 2, a], x[0:3])"), "(call dot (array 1 2 a) (slice x 0 3))");
  EXPECT_EQ(parseFormula("let c = pi in c*c"), "(let c pi (* c c))");
  EXPECT_EQ(parseFormula("exp(let c = a in c)"), "(call exp (let c a c))");
}

TEST(Formulas, ItemsOfTheDesign) {
  SourceText source(
      "bijection cubic(x; a = positive(0.1), b = interval(0, 2, 1), c = -0.5) = a*x^3 + b*x + c # scalar\n"
      "density banana(x[2]) =\n"
      "    let r = x[1] - 0.5*x[0]^2 in -0.5*(x[0]^2/4 + r^2)\n"
      "flow f = standard_normal([2])\n",
      "test.flow");
  Expected<ast::File> file = parseSource(source);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->items.size(), 3u);
  const ast::Item &cubic = file->items[0];
  ASSERT_EQ(cubic.parameters.size(), 3u);
  EXPECT_EQ(cubic.parameters[0].domain, ast::FormulaParameter::Domain::Positive);
  EXPECT_EQ(cubic.parameters[0].start, 0.1);
  EXPECT_EQ(cubic.parameters[1].domain, ast::FormulaParameter::Domain::Interval);
  EXPECT_EQ(cubic.parameters[1].high, 2);
  EXPECT_EQ(cubic.parameters[2].start, -0.5);
  EXPECT_EQ(write(cubic.formula), "(+ (+ (* a (^ x 3)) (* b x)) c)");
  EXPECT_EQ(file->items[1].dim, 2);
  EXPECT_EQ(write(file->items[1].formula), "(let r (- (index x 1) (* 0.5 (^ (index x 0) 2))) "
                                           "(* (neg 0.5) (+ (/ (^ (index x 0) 2) 4) (^ r 2))))");
}

//===----------------------------------------------------------------------===//
// Texts that are made to break a parser
//===----------------------------------------------------------------------===//

std::string repeat(const std::string &part, int count) {
  std::string result;
  for (int i = 0; i < count; ++i)
    result += part;
  return result;
}

void expectMessage(const std::string &text, const std::string &part) {
  std::string message = messageFor(text);
  EXPECT_NE(message.find(part), std::string::npos) << message.substr(0, 1000);
  EXPECT_LT(message.size(), 1000u);
}

TEST(Robustness, DeepNesting) {
  const int deep = 200000;
  expectMessage("bijection b = " + repeat("invert(", deep), "nested more than 256 levels deep");
  expectMessage("bijection b = affine(" + repeat("[", deep), "nested more than 256 levels deep");
  expectMessage("density d(x[1]) = " + repeat("(", deep), "nested more than 256 levels deep");
  expectMessage("density d(x[1]) = " + repeat("-", deep) + "1", "nested more than 256 levels deep");
  expectMessage("density d(x[1]) = 1" + repeat("^1", deep), "nested more than 256 levels deep");
  expectMessage("density d(x[1]) = " + repeat("let a = 1 in ", deep), "nested more than 256 levels deep");
  expectMessage("density d(x[1]) = 1" + repeat(" + 1", deep), "operators in a row");
  expectMessage("density d(x[1]) = x" + repeat("[0]", deep), "operators in a row");
  EXPECT_EQ(messageFor("bijection b = " + repeat("invert(", 200) + "tanh()" + repeat(")", 200)), "no error");
  EXPECT_EQ(messageFor("flow f = normal() density d(x[1]) = 1" + repeat(" + x[0]", 1000)), "no error");
}

TEST(Robustness, DeepObjectsThroughNames) {
  std::string text = "bijection b0 = tanh()\n";
  for (int i = 1; i < 2000; ++i)
    text += "bijection b" + std::to_string(i) + " = invert(b" + std::to_string(i - 1) + ")\n";
  expectMessage(text, "nested more than 300 levels deep");
}

TEST(Robustness, ExponentialObjectsThroughNames) {
  std::string text = "bijection b0 = affine()\n";
  for (int i = 1; i < 64; ++i) {
    std::string last = "b" + std::to_string(i - 1);
    text += "bijection b" + std::to_string(i) + " = chain([" + last + ", " + last + "])\n";
  }
  expectMessage(text, "has more than 200000 parts");
  expectMessage("bijection a = scan(affine(zeros(1000)), layers = 1000000)", "parameters; at most");
}

TEST(Robustness, LargeNumbersAndArrays) {
  expectMessage("bijection b = affine(zeros(99999999999999999999))", "has more than 16777216 elements");
  expectMessage("bijection b = affine(zeros([4097, 4097]))", "has more than 16777216 elements");
  expectMessage("bijection b = affine(eye(100000))", "must be at most 4096");
  expectMessage("bijection b = affine(arange(-3))", "must be at least 1");
  expectMessage("bijection b = tanh([" + repeat("1, ", 100) + "])", "a shape has at most 32 sizes");
  expectMessage("bijection b = affine([" + repeat("1,", 1100000) + "])", "a list has more than 1048576 elements");
  expectMessage("bijection b = affine(" + repeat("[", 40) + "1" + repeat("]", 40) + ")", "at most 32 axes");
  expectMessage("flow f = coupling_flow(standard_normal([2]), nn_width = 16000000)", "weights; at most");
  expectMessage("flow f = masked_autoregressive_flow(standard_normal([2000]), nn_width = 100000)", "weights; at most");
  expectMessage("flow f = coupling_flow(standard_normal([16000000]))", "weights; at most");
  expectMessage("flow f = coupling_flow(standard_normal([2]), flow_layers = 1e300)", "must be at most");
  expectMessage("bijection b = permute(arange(1e8))", "must be at most");
  expectMessage(std::string((16 << 20) + 1, ' '), "larger than 16 MiB");
  EXPECT_EQ(messageFor("bijection b = affine([" + repeat("1,", 1000000) + "])"), "no error");
}

//===----------------------------------------------------------------------===//
// Random changes to texts that are right
//===----------------------------------------------------------------------===//

std::vector<std::string> seedTexts() {
  std::vector<std::string> texts = {
      "bijection c(x; a = positive(0.1), b = interval(0, 2, 1)) = a*x^3 + where(x < 1, b*x, -x)\n",
      "density d(x[2]) = let r = x[1] - 0.5*x[0]^2 in -0.5*(sum(x[0:1]) + dot([1, 2], x))\nflow f = normal()\n",
      "bijection l = chain([affine(zeros(3), [1, 2.5, 1e-3]), permute(shuffled(3)), flip([3])])\n"
      "flow f = transformed(normal(zeros(3), 2), invert(scan([l, l], layers = 2))) # stacked\n",
      "flow f = embed_condition(masked_autoregressive_flow(standard_normal([3]), cond_dim = 2, nn_activation = gelu), "
      "mlp(2, 2, width_size = 4, depth = 1), raw_cond_shape = [2])\n",
  };
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(FLOWC_GOLDEN_DIR, error), end; it != end && !error; it.increment(error))
    if (auto buffer = llvm::MemoryBuffer::getFile(it->path() + "/model.flow"))
      texts.push_back((*buffer)->getBuffer().str());
  return texts;
}

/// A change that keeps texts mostly right, so that it gets past the lexer.
void mutate(std::string &text, std::mt19937 &random) {
  static const std::vector<std::string> pieces = {
      "(",   ")",    "[",    "]",    ",",  "=",    ";",     ":",        "-",         "1e9",    "0",    "-1",
      "3.5", "\n",   "flow", "^",    "<",  "none", "true",  "affine()", "layers = ", "zeros(", "\xC3", "#",
      "in",  "let ", "x",    "tanh", "[]", "[0]",  "[[1]]", "chain([",  "])",        "scan(",  "\xFF", "1e400"};
  auto below = [&](size_t bound) {
    return bound == 0 ? 0 : std::uniform_int_distribution<size_t>(0, bound - 1)(random);
  };
  size_t place = below(text.size() + 1), length = below(12);
  switch (below(4)) {
  case 0:
    text.erase(place, length);
    break;
  case 1:
    text.insert(place, pieces[below(pieces.size())]);
    break;
  case 2:
    text.insert(below(text.size() + 1), text.substr(place, length));
    break;
  default:
    if (place < text.size())
      text[place] = static_cast<char>(below(256));
    break;
  }
}

TEST(Robustness, RandomChangesGiveAnObjectOrAMessage) {
  std::mt19937 random(20240607);
  const std::vector<std::string> seeds = seedTexts();
  ASSERT_GT(seeds.size(), 20u);
  int parsed = 0, refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = seeds[random() % seeds.size()];
    if (round % 3 == 0)
      text += seeds[random() % seeds.size()];
    for (int changes = 1 + random() % 4; changes > 0; --changes)
      mutate(text, random);
    Expected<ParsedItem> item = parseFlow(text, "fuzz.flow");
    if (item) {
      ++parsed;
      EXPECT_FALSE(flattenLeaves(*item->root, /*withValues=*/false).size() > 200000);
      continue;
    }
    ++refused;
    const std::string &message = item.error().message;
    EXPECT_EQ(message.rfind("fuzz.flow:", 0), 0u) << text;
    EXPECT_NE(message.find("error: "), std::string::npos) << text;
    EXPECT_LT(message.size(), 2000u) << text;
  }
  // Both must happen often, or the changes test nothing.
  EXPECT_GT(parsed, 500);
  EXPECT_GT(refused, 5000);
}

} // namespace
} // namespace flowc
