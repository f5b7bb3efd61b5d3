//===- Checks.cpp - What all checks share ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"

#include "flowc/Evaluation.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::verification;

double verification::distance(double a, double b) {
  double result = a == b ? 0 : std::abs(a - b);
  return std::isnan(result) ? std::numeric_limits<double>::infinity() : result;
}

double verification::movement(double a, double b) { return std::isnan(a) && std::isnan(b) ? 0 : distance(a, b); }

double verification::medianOr(std::vector<double> values, double fallback) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty())
    return fallback;
  auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle == 0 ? fallback : *middle;
}

std::vector<double> verification::typicalSizes(const Rows<double> &rows) {
  std::vector<double> sizes;
  for (int64_t column = 0; column < rows.cols(); ++column) {
    Column<double> values = rows.col(column).cwiseAbs();
    sizes.push_back(medianOr({values.begin(), values.end()}, 1));
  }
  return sizes;
}

Rows<double> verification::pickRows(const Rows<double> &from, const std::vector<int64_t> &rows) {
  if (from.size() == 0)
    return from;
  return from(rows, Eigen::all);
}

//===----------------------------------------------------------------------===//
// Context
//===----------------------------------------------------------------------===//

Rows<double> Context::conditionsFor(int64_t rows) const {
  const Rows<double> &given = options.condition;
  if (!facts().isConditional)
    return {};
  Rows<double> result(rows, given.cols());
  for (int64_t row = 0; row < rows; ++row)
    result.row(row) = given.row(row % given.rows());
  return result;
}

uint64_t Context::firstDraw(int stretch) {
  constexpr uint64_t length = uint64_t(1) << 32;
  return kFirstEvaluationDraw + static_cast<uint64_t>(stretch) * length;
}

std::string Context::describeRow(int64_t number, const Rows<double> &row) const {
  constexpr int64_t most = 6;
  std::string text = points.noun + print(" %lld (", static_cast<long long>(number));
  for (int64_t i = 0; i < std::min(most, row.cols()); ++i)
    text += (i ? ", " : "") + print("%.6g", row(0, i));
  return text + (row.cols() > most ? ", ...)" : ")");
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// How much larger errors may be than the few trials that rounding is measured by, which
/// may be lucky, while the code rounds hundreds of times.
static constexpr double kSlack = 40;

double RowErrors::allowed(int64_t row) const { return kSlack * rounding[row] + floor[row]; }

bool RowErrors::isJudged(int64_t row) const { return rounding[row] <= kHopeless; }

VerificationCheck verification::notApplicable(std::string name, std::string claim, std::string why) {
  return {
      .name = std::move(name), .claim = std::move(claim), .verdict = Verdict::NotApplicable, .words = std::move(why)};
}

/// Which rows are judged, and what stands out among them.
namespace {
struct Judged {
  std::vector<double> errors;
  int64_t bad = 0, worst = -1;
};
} // namespace

/// The worst row is the one furthest beyond its limit, or, if none is, that of the largest
/// error.
static Judged judge(const RowErrors &errors) {
  Judged judged;
  double most = -1;
  for (int64_t row = 0; row < errors.error.size(); ++row) {
    if (!errors.isJudged(row))
      continue;
    double error = errors.error[row], ratio = error / errors.allowed(row);
    bool isBad = !(ratio <= 1);
    if (isBad && judged.bad++ == 0)
      most = -1;
    double measure = !isBad ? error : std::isfinite(ratio) ? ratio : std::numeric_limits<double>::infinity();
    if ((isBad || judged.bad == 0) && measure > most) {
      most = measure;
      judged.worst = row;
    }
    judged.errors.push_back(error);
  }
  return judged;
}

VerificationCheck verification::judgeRows(const Context &context, std::string name, std::string claim,
                                          const RowErrors &errors, const Rows<double> &rows, const std::string &unit) {
  Judged judged = judge(errors);
  VerificationCheck check{.name = std::move(name), .claim = std::move(claim)};
  auto all = static_cast<long long>(errors.error.size()), count = static_cast<long long>(judged.errors.size());
  if (count == 0) {
    check.verdict = Verdict::Undecided;
    check.words = all == 0 ? "no row is in the domain"
                           : print("at each of %lld rows, rounding alone moves the result by more than 1 %%", all);
    return check;
  }
  check.found = errors.error[judged.worst];
  check.allowed = errors.allowed(judged.worst);
  check.row = context.points.numbers[static_cast<size_t>(judged.worst)];
  check.verdict = judged.bad ? Verdict::Fail : Verdict::Pass;
  if (judged.bad)
    check.words = print("wrong at %lld of %lld rows, most at ", static_cast<long long>(judged.bad), count) +
                  context.describeRow(check.row, rows.row(judged.worst)) +
                  print(": off by %.3g%s, limit %.1e", check.found, unit.c_str(), check.allowed);
  else
    check.words = print("off by at most %.1e%s, typically %.1e; limit %.1e", check.found, unit.c_str(),
                        medianOr(judged.errors, 0), check.allowed);
  if (count < all)
    check.words +=
        print("; %lld of %lld rows not judged: rounding alone moves the result by more than 1 %%", all - count, all);
  return check;
}
