//===- PropertiesTest.cpp - Random compositions against the reference -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel that maps rows is compared with the reference interpreter in
// `long double`. How close it must come depends on how a composition amplifies
// rounding errors, so the yardstick is the same interpreter in the kernel's own
// element type: straightforward code of equal precision.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "RandomFlows.h"
#include "flowc/Reference/Reference.h"

#include <Eigen/LU>

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

/// Rows that go through the kernels: a tile of 64 and a part of one.
constexpr int64_t kRows = 67;
/// Rows that are judged: the reference takes its time.
constexpr int64_t kJudged[] = {0, 1, 2, 31, 63, 64, 66};

/// How much larger the errors of a kernel may be than those of straightforward
/// code: it associates sums differently, and one row's errors may cancel by luck.
constexpr double kSlack = 30;
/// Errors that no code can be blamed for, in units of the element type's epsilon.
constexpr double kFloor = 64;
/// A row on which straightforward code errs by this much says nothing.
constexpr double kHopeless = 1e-2;

/// One result of a kernel beside the reference's in both precisions.
template <typename T>
struct Judgement {
  Column<T> got, naive;
  Column<Exact> exact;

  static double error(Exact value, Exact exact) {
    return static_cast<double>(std::abs(value - exact) / std::max<Exact>(1, std::abs(exact)));
  }
  double naiveError() const {
    double worst = 0;
    for (int64_t i = 0; i < exact.size(); ++i)
      worst = std::max(worst, naive[i] == exact[i] ? 0 : error(naive[i], exact[i]));
    return worst;
  }
  /// Infinite or NaN at the same places.
  static bool agrees(T value, Exact exact) {
    if (std::isnan(exact))
      return std::isnan(value);
    return !std::isinf(exact) ? std::isfinite(value) : value == static_cast<T>(exact);
  }
  bool isDecided() const {
    for (int64_t i = 0; i < exact.size(); ++i)
      if (!agrees(naive[i], exact[i]))
        return false;
    return true;
  }
};

/// Compares rows of results; counts those that could be judged.
template <typename T>
class Judge {
public:
  explicit Judge(std::string what) : what(std::move(what)) {}

  /// Adds the row's result; `row` is for messages.
  void add(int64_t row, Judgement<T> judgement) {
    ++offered;
    double naive = judgement.naiveError();
    if (!judgement.isDecided() || naive > kHopeless)
      return;
    ++judged;
    double allowed = kSlack * naive + kFloor * std::numeric_limits<T>::epsilon();
    for (int64_t i = 0; i < judgement.exact.size(); ++i) {
      T got = judgement.got[i];
      Exact exact = judgement.exact[i];
      EXPECT_TRUE(Judgement<T>::agrees(got, exact)) << what << ", row " << row << ", element " << i << ": got " << got
                                                    << ", expected " << exact;
      if (std::isfinite(exact) && std::isfinite(got))
        EXPECT_LE(Judgement<T>::error(got, exact), allowed)
            << what << ", row " << row << ", element " << i << ": got " << got << ", expected " << exact;
    }
  }

  int64_t offered = 0, judged = 0;

private:
  std::string what;
};

template <typename To, typename From>
Column<To> rowAs(const Rows<From> &rows, int64_t row) {
  return rows.rows() > 0 ? Column<To>(rows.row(row).transpose().template cast<To>()) : Column<To>();
}

/// A value and its log-determinant in one column.
template <typename T>
Column<T> joined(const Column<T> &value, T logDet) {
  Column<T> result(value.size() + 1);
  result << value, logDet;
  return result;
}

/// A random composition with everything that is needed to judge it.
template <typename T>
class Composition {
public:
  Composition(const std::string &text, uint64_t seed)
      : text(text), model(makeModel(text, dtypeOf<T>, seed)), naive(model), exact(model),
        conditions(makeConditions<T>(model.flow(), kRows)), kernels(compileFresh(model)) {}

  void checkTransform() {
    Rows<T> x = Random(7).normals<T>(kRows, model.flow().dim());
    checkMap(Kernel::Transform, x, "transform");
    // The inverse where there is one: at images, rounded to the element type.
    Rows<T> y(kRows, x.cols());
    for (int64_t row = 0; row < kRows; ++row)
      y.row(row) = exact.transform(rowAs<Exact>(x, row), rowAs<Exact>(conditions, row)).value.template cast<T>();
    checkMap(Kernel::Inverse, y, "inverse");
  }

  void checkLogProb() {
    // Half of the rows where the flow has mass, half anywhere.
    Rows<T> x = Random(8).normals<T>(kRows, model.flow().dim());
    for (int64_t row = 0; row < kRows; row += 2)
      x.row(row) = exact.transform(rowAs<Exact>(x, row), rowAs<Exact>(conditions, row)).value.template cast<T>();
    auto got = take(kernels->logProb<T>(model, x, conditions), text);
    Judge<T> judge(text + "log_prob");
    for (int64_t row : kJudged)
      judge.add(row, {got.segment(row, 1), single(naive.logProb(rowAs<T>(x, row), rowAs<T>(conditions, row))),
                      single(exact.logProb(rowAs<Exact>(x, row), rowAs<Exact>(conditions, row)))});
    finish(judge);
  }

  /// The log-determinant against that of differences of `transform`.
  void checkJacobian() {
    int64_t dim = model.flow().dim();
    constexpr double step = 1e-5;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      Rows<double> x = Random(seed + 20).normals<double>(1, dim), moved = x.replicate(2 * dim, 1);
      Rows<double> condition = sliceRows<double>(conditions.template cast<double>(), 0, 1);
      for (int64_t i = 0; i < dim; ++i) {
        moved(2 * i, i) += step;
        moved(2 * i + 1, i) -= step;
      }
      auto center = take(kernels->transform<double>(model, x, condition), text);
      auto around = take(kernels->transform<double>(model, moved, condition), text);
      Eigen::MatrixXd jacobian(dim, dim);
      for (int64_t i = 0; i < dim; ++i)
        jacobian.col(i) = (around.first.row(2 * i) - around.first.row(2 * i + 1)).transpose() / (2 * step);
      double expected = std::log(std::abs(jacobian.determinant()));
      // Differences lose half of the digits; flat places lose more.
      if (std::isfinite(center.second[0]) && std::isfinite(expected) && std::abs(expected) < 12)
        EXPECT_NEAR(center.second[0], expected, 2e-4) << text << "seed " << seed;
    }
  }

  int64_t offered = 0, judged = 0;

private:
  template <typename U>
  static Column<U> single(U value) {
    return Column<U>::Constant(1, value);
  }

  void checkMap(Kernel kernel, const Rows<T> &in, const char *name) {
    bool inverse = kernel == Kernel::Inverse;
    auto got = inverse ? take(kernels->inverse<T>(model, in, conditions), text)
                       : take(kernels->transform<T>(model, in, conditions), text);
    Judge<T> values(text + name), logDets(text + name + " log_det");
    for (int64_t row : kJudged) {
      Column<T> event = rowAs<T>(in, row), condition = rowAs<T>(conditions, row);
      auto wideEvent = event.template cast<Exact>(), wideCondition = condition.template cast<Exact>();
      auto rough = inverse ? naive.inverse(event, condition) : naive.transform(event, condition);
      auto fine = inverse ? exact.inverse(wideEvent, wideCondition) : exact.transform(wideEvent, wideCondition);
      values.add(row, {got.first.row(row).transpose(), rough.value, fine.value});
      logDets.add(row, {got.second.segment(row, 1), single(rough.logDet), single(fine.logDet)});
    }
    finish(values);
    finish(logDets);
  }

  void finish(const Judge<T> &judge) {
    offered += judge.offered;
    judged += judge.judged;
  }

  std::string text;
  Model model;
  reference::Interpreter<T> naive;
  reference::Interpreter<Exact> exact;
  Rows<T> conditions;
  std::shared_ptr<Kernels> kernels;
};

/// Compositions are tested in portions, so that tests can run beside each other.
constexpr uint64_t kPerPortion = 14;

class RandomCompositions : public testing::TestWithParam<int> {};

template <typename T>
void checkPortion(int portion) {
  int64_t offered = 0, judged = 0;
  for (uint64_t i = 0; i < kPerPortion; ++i) {
    uint64_t seed = portion * kPerPortion + i;
    bool isFlow = seed % 2;
    std::string text = isFlow ? RandomFlow(seed).distribution() : RandomFlow(seed).bijection();
    Composition<T> composition(text, seed);
    composition.checkTransform();
    if (isFlow)
      composition.checkLogProb();
    if constexpr (sizeof(T) == 8)
      if (seed % 4 == 0)
        composition.checkJacobian();
    offered += composition.offered;
    judged += composition.judged;
    if (testing::Test::HasFailure())
      return; // one broken composition is enough to read
  }
  // Most rows must count, or the test would pass by skipping.
  EXPECT_GE(judged, offered * 8 / 10);
}

} // namespace

TEST_P(RandomCompositions, MatchTheReferenceInFloat32) { checkPortion<float>(GetParam()); }
TEST_P(RandomCompositions, MatchTheReferenceInFloat64) { checkPortion<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Portions, RandomCompositions, testing::Range(0, 16));
