//===- LargeTextsTest.cpp - Every text is answered ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts of up to a megabyte, class by class, each read and summarised in a process of
// its own: whatever it says, by a flow or by a message, it says within seconds of work
// and a gigabyte of memory.
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"
#include "flowc/Explain/Summary.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace flowc;

namespace {

struct Text {
  const char *name;
  std::string text;
};

void PrintTo(const Text &text, std::ostream *os) { *os << text.name; }

class LargeTexts : public testing::TestWithParam<Text> {};

enum Answer { kFlow = 0, kMessage = 1, kNoAnswer = 2 };

} // namespace

/// `make(i)` for i < count, with `separator` between them.
template <typename Make>
static std::string join(int count, const std::string &separator, Make make) {
  std::string result;
  for (int i = 0; i < count; ++i)
    result += (i == 0 ? "" : separator) + make(std::to_string(i));
  return result;
}

static std::string repeat(int count, const std::string &part) {
  return join(count, "", [&](const std::string &) { return part; });
}

static Answer answer(const std::string &text) {
  Expected<Flow> flow = Flow::parse(text);
  if (!flow)
    return flow.error().message.empty() ? kNoAnswer : kMessage;
  if (flow->isDensity())
    return kFlow;
  Expected<FlowSummary> summary = summarize(*flow);
  return summary ? kFlow : summary.error().message.empty() ? kNoAnswer : kMessage;
}

TEST_P(LargeTexts, AreAnswered) {
  const std::string &text = GetParam().text;
  ASSERT_LE(text.size(), size_t(1) << 20);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Far more than is allowed, so that a test that fails ends.
    const rlimit limit{30, 30};
    setrlimit(RLIMIT_CPU, &limit);
    _exit(answer(text));
  }
  int status = 0;
  rusage used{};
  ASSERT_EQ(wait4(child, &status, 0, &used), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_NE(WEXITSTATUS(status), kNoAnswer);
  double seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  constexpr double kMaxSeconds = 5;
  constexpr long kMaxKilobytes = 1 << 20;
  EXPECT_LE(seconds, kMaxSeconds);
  EXPECT_LE(used.ru_maxrss, kMaxKilobytes);
}

static std::vector<Text> makeTexts() {
  using S = const std::string &;
  auto tanhs = [](S i) { return "tanh(" + i + "*x)"; };
  auto grow = [](int n) {
    return join(n, "", [](S i) {
      return "let v" + i + " = " + (i == "0" ? "x" : "u") + " + exp(x) in let u = v" + i + " + exp(v" + i + ") in ";
    });
  };
  const std::string formula = "bijection f(x) = ", bijection = "bijection f = ";
  return {
      // Formulas.
      {"MinimumInPower", formula + "x - (x - min(3, x))*x^1.5"},
      {"ShortLets", formula + grow(4) + "u"},
      {"LongLets", formula + grow(100) + "u"},
      {"SumOf160", formula + "x + " + join(160, " + ", tanhs)},
      {"SumOf1000", formula + "x + " + join(1000, " + ", tanhs)},
      {"SumOfSigmoids", formula + "x + " + join(300, " + ", [](S i) { return "sigmoid(" + i + "*x)"; })},
      {"SumOf50000", "density d(x[2]) = " + join(50000, " + ", [](S i) { return "sin(" + i + "*x[0])"; })},
      {"Quadratics", formula + join(150, "*", [](S i) { return "(x^2 + " + i + "*x + " + i + "*" + i + " + 1)"; })},
      {"Kinks", formula + "1000*x + " + join(200, " + ", [](S i) { return "abs(x - " + i + ")"; })},
      {"Wheres", formula + join(160, " + ", [](S i) { return "where(x > " + i + ", x, " + i + ")"; })},
      {"Mixture", "bijection f(x; " + join(20, ", ", [](S i) { return "m" + i + " = " + i; }) + ") = let p = " +
                      join(20, " + ", [](S i) { return "sigmoid(x - m" + i + ")/20"; }) + " in log(p) - log(1 - p)"},
      {"Series", "bijection f(x; " + join(20, ", ", [](S i) { return "t" + i + " = interval(-1, 1, 0.5)"; }) +
                     ") = x + " + join(20, " + ", [](S i) { return "t" + i + "*sin(" + i + "*x)/10"; })},
      {"ManyFormulas",
       join(12000, "", [](S i) { return "bijection b" + i + "(x; a = positive(1)) = x + a*tanh(" + i + "*x)\n"; })},
      {"ManyParameters",
       "bijection f(x; " + join(20000, ", ", [](S i) { return "a" + i + " = positive(1)"; }) + ") = x"},
      {"ShortParameters", "bijection f(x; " + join(110000, ",", [](S i) { return "a" + i + "=1"; }) + ") = x"},
      // Nesting.
      {"Brackets", formula + repeat(400000, "(") + "x"},
      {"Minuses", formula + repeat(900000, "-") + "x"},
      {"Powers", formula + repeat(400000, "x^") + "2"},
      {"Lists", bijection + repeat(900000, "[")},
      {"Inverts", bijection + repeat(100000, "invert(") + "exp()"},
      {"InvertsByName", "bijection b = exp()\n" + join(1, "", [](S) { return std::string(); }) +
                            join(20000, "",
                                 [](S i) {
                                   return "bijection c" + i + " = invert(" +
                                          (i == "0" ? "b" : "c" + std::to_string(std::stoi(i) - 1)) + ")\n";
                                 })},
      // Objects.
      {"Items", join(29000, "", [](S i) { return "bijection b" + i + " = affine(" + i + ", 2)\n"; })},
      {"UnknownName", join(40000, "", [](S i) { return "bijection b" + i + " = exp()\n"; }) + "flow f = bb"},
      {"Mixtures", "flow f = vmap_mixture([" + join(40000, ", ", [](S) { return "standard_normal()"; }) +
                       "], weights = ones(40000))"},
      {"Numbers", bijection + "affine([" + join(150000, ",", [](S i) { return i; }) + "], 1)"},
      {"ArraysOfItems",
       join(64, "\n", [](S i) { return "bijection f" + i + " = affine(zeros([16777216]), ones([16777216]))"; })},
      {"ArraysOfChain",
       bijection + "chain([" + join(64, ", ", [](S) { return "affine(zeros([16777216]), 1)"; }) + "])"},
      {"ArraysOfList", bijection + "affine([" + join(64, ", ", [](S) { return "zeros([16777216])"; }) + "], 1)"},
      {"LongWord", bijection + "affine(" + repeat(900000, "a") + " = 2)"},
      {"LongNumber", bijection + "affine(" + repeat(900000, "9") + ")"},
      {"NoText", repeat(900000, "$")},
      {"Chain", bijection + "chain([" + join(10000, ", ", [](S i) { return "affine(" + i + ", 2)"; }) + "])"},
      {"LongChain", bijection + "chain([" + join(90000, ", ", [](S) { return "exp()"; }) + "])"},
      {"Knots", bijection + "rational_quadratic_spline(knots = 1000, interval = 4)"},
      {"Splines", bijection + "stack([" +
                      join(64, ", ",
                           [](S i) {
                             return "rational_quadratic_spline(knots = " + std::to_string(std::stoi(i) + 2) +
                                    ", interval = 4)";
                           }) +
                      "])"},
  };
}

INSTANTIATE_TEST_SUITE_P(Classes, LargeTexts, testing::ValuesIn(makeTexts()),
                         [](const auto &info) { return std::string(info.param.name); });
