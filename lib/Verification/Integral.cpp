//===- Integral.cpp - The density integrates to one -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BoxIntegral.h"
#include "Checks.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace flowc;
using namespace flowc::verification;

/// The probability that chi-squared of `freedom` degrees is above `value` (E. B. Wilson and
/// M. M. Hilferty, PNAS 17, 1931: the cube root is almost normal).
static double chiSquaredSurvival(double value, double freedom) {
  double variance = 2 / (9 * freedom);
  double z = (std::cbrt(value / freedom) - (1 - variance)) / std::sqrt(variance);
  return 0.5 * std::erfc(z / std::numbers::sqrt2);
}

static VerificationCheck judgeIntegral(const BoxIntegral &integral, int64_t dim, bool isConditional) {
  // In thin horns far out, of which draws are few, something is missed.
  static constexpr double tolerances[] = {0, 1e-6, 1e-3, 3e-3};
  constexpr double hopeless = 0.05;
  VerificationCheck check{.name = "integral", .claim = "the integral of p is 1"};
  BoxIntegral::Value value = integral.total();
  check.found = std::abs(value.integral - 1);
  check.allowed = 3 * value.error + tolerances[dim];
  check.words = print("%.*f, known to %.1e", dim == 1 ? 8 : 5, value.integral, value.error);
  if (isConditional)
    check.words += ", under the first condition";
  if (integral.undefined() > 0) {
    check.words += print("; log_prob is NaN at %lld points", static_cast<long long>(integral.undefined()));
    check.verdict = Verdict::Fail;
  } else if (!(check.found <= check.allowed)) {
    check.verdict = Verdict::Fail;
  } else if (3 * value.error > hopeless) {
    check.verdict = Verdict::Undecided;
    check.words += ": too hard to integrate";
  }
  return check;
}

/// Counts of new draws in cells against the integrals of the density there. Cells are joined
/// until some hundred draws are expected in each.
static VerificationCheck judgeCounts(const BoxIntegral &integral, const Rows<double> &draws) {
  VerificationCheck check{.name = "draws_in_cells", .claim = "draws fall as p says"};
  std::vector<BoxIntegral::Value> cells = integral.cells();
  std::vector<double> counts(cells.size());
  for (int64_t row = 0; row < draws.rows(); ++row)
    ++counts[static_cast<size_t>(integral.locate(draws, row))];
  auto n = static_cast<double>(draws.rows());
  const double least = std::max(1.0 / 200, 50 / n);
  double chiSquared = 0, expected = 0, error = 0, count = 0;
  int64_t groups = 0;
  auto close = [&] {
    double variance = n * expected + n * n * error * error;
    chiSquared += variance > 0 ? (count - n * expected) * (count - n * expected) / variance : 0;
    ++groups;
    expected = error = count = 0;
  };
  double left = 1;
  for (size_t i = 0; i < cells.size(); ++i) {
    expected += cells[i].integral;
    error += cells[i].error;
    count += counts[i];
    // The last group takes what would be too little for one of its own.
    if (expected >= least && left - expected >= least) {
      left -= expected;
      close();
    }
  }
  close();
  auto freedom = static_cast<double>(std::max<int64_t>(1, groups - 1));
  check.found = chiSquaredSurvival(chiSquared, freedom);
  check.allowed = kRarest;
  check.verdict = check.found < check.allowed ? Verdict::Fail : Verdict::Pass;
  check.words =
      print("%lld draws in %lld cells, chi-squared %.4g: p = %.2g, limit %.0e", static_cast<long long>(draws.rows()),
            static_cast<long long>(groups), chiSquared, check.found, check.allowed);
  return check;
}

Expected<Checks> verification::checkIntegral(Context &context) {
  const FlowFacts &facts = context.facts();
  auto neither = [](const std::string &why) {
    return Checks{notApplicable("integral", "the integral of p is 1", why)};
  };
  if (!facts.hasDensity)
    return neither("a bijection has no density");
  if (!facts.hasSampler)
    return neither("a density need not be normalised");
  if (facts.dim > BoxIntegral::mostDimensions)
    return neither(print("%lld coordinates: p is integrated over up to %lld", static_cast<long long>(facts.dim),
                         static_cast<long long>(BoxIntegral::mostDimensions)));
  auto repeat = [&](int64_t rows) {
    return facts.isConditional ? context.options.condition.row(0).replicate(rows, 1).eval() : Rows<double>();
  };
  const int64_t draws = context.options.draws;
  auto first = context.flow.sample(draws, Context::firstDraw(1), repeat(draws), F64);
  if (!first)
    return first.takeError();
  auto logProb = context.flow.logProb(first->event, repeat(draws), {});
  if (!logProb)
    return logProb.takeError();
  auto density = [&](const Rows<double> &x) { return context.flow.logProb(x, repeat(x.rows()), {}); };
  BoxIntegral integral(density, first->event, *logProb);
  static constexpr double tolerances[] = {0, 1e-8, 2e-5, 1e-4};
  static constexpr int64_t points[] = {0, 200000, 800000, 1500000};
  if (auto ok = integral.refine(tolerances[facts.dim], points[facts.dim]); !ok)
    return ok.takeError();
  auto second = context.flow.sample(draws, Context::firstDraw(2), repeat(draws), F64);
  if (!second)
    return second.takeError();
  return Checks{judgeIntegral(integral, facts.dim, facts.isConditional), judgeCounts(integral, second->event)};
}
