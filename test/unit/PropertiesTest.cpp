//===- PropertiesTest.cpp - Random compositions against the reference -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel that maps rows is compared with the reference interpreter in
// `long double`; Judge.h says how. The reference itself must be right: its
// log-determinants are those of its Jacobians, its inverses undo its maps. Results of
// rows are compared with those of the same rows in other batches, bit by bit, and
// nothing may be NaN because an input is huge or tiny.
//
// FLOWC_FIRST_SEED=10000 in the environment tests others than those of every day.
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "Judge.h"
#include "RandomFlows.h"
#include "flowc/ExecutionEngine/KernelRunner.h"

#include <Eigen/LU>

using namespace flowc;
using namespace flowc::test;

namespace {

/// Rows that go through the kernels: a tile of 64 and a part of one.
constexpr int64_t kRows = 67;
/// Rows that are judged: the reference takes its time.
constexpr int64_t kJudged[] = {0, 1, 2, 31, 63, 64, 66};

/// A random composition with everything that is needed to judge it.
template <typename T>
class Composition : public JudgedModel<T> {
public:
  Composition(const std::string &text, uint64_t seed) : JudgedModel<T>(text, seed, kRows) {}

  void checkTransform() {
    if (!this->compiles({Kernel::Transform, Kernel::Inverse}))
      return;
    Rows<T> x = Random(7).normals<T>(kRows, model.flow().dim());
    checkMap(Kernel::Transform, x, "transform");
    // The inverse where there is one.
    Rows<T> y = x;
    for (int64_t row : kJudged)
      this->mapRow(y, row);
    checkMap(Kernel::Inverse, y, "inverse");
  }

  void checkLogProb() {
    if (!this->compiles({Kernel::LogProb}))
      return;
    // Half of the rows where the flow has mass, half anywhere.
    Rows<T> x = Random(8).normals<T>(kRows, model.flow().dim());
    for (int64_t row : kJudged)
      if (row % 2 == 0)
        this->mapRow(x, row);
    auto got = take(kernels->template logProb<T>(model, x, conditions), text);
    Judge<T> judge(text + "log_prob");
    auto logProb = [](auto &interpreter, auto &event, auto &condition) {
      return Column<Exact>::Constant(1, interpreter.logProb(event, condition)).eval();
    };
    for (int64_t row : kJudged)
      judge.add(row, judgeRow(x, row, got.segment(row, 1), logProb));
    this->finish(judge);
  }

  /// The reference's log-determinant is that of its Jacobian, its inverse an inverse.
  void checkReference() {
    constexpr Exact step = 1e-6L;
    Column<Exact> x = rowAs<Exact>(Random(20).normals<double>(1, model.flow().dim()), 0);
    Column<Exact> condition = rowAs<Exact>(conditions, 0);
    reference::Mapped<Exact> center = exact.transform(x, condition);
    Eigen::Matrix<Exact, Eigen::Dynamic, Eigen::Dynamic> jacobian(x.size(), x.size());
    for (int64_t i = 0; i < x.size(); ++i) {
      Column<Exact> above = x, below = x;
      above[i] += step;
      below[i] -= step;
      jacobian.col(i) =
          (exact.transform(above, condition).value - exact.transform(below, condition).value) / (2 * step);
    }
    Exact expected = std::log(std::abs(jacobian.determinant()));
    // Differences lose half of the digits; flat places lose more.
    if (std::isfinite(center.logDet) && std::isfinite(expected) && std::abs(expected) < 12) {
      EXPECT_NEAR(static_cast<double>(center.logDet), static_cast<double>(expected), 1e-4) << text;
      Column<Exact> back = exact.inverse(center.value, condition).value;
      EXPECT_LE(static_cast<double>((back - x).cwiseAbs().maxCoeff()), 1e-6) << text << "inverse of the reference";
    }
  }

  /// Huge, tiny and equal inputs: no NaN where straightforward code has none, and
  /// none at all in a log-density.
  void checkExtremes() {
    Rows<T> x = makeExtremes<T>(model.flow().dim());
    int64_t count = x.rows();
    Rows<T> condition = makeConditions<T>(model.flow(), count);
    auto check = [&](const char *what, int64_t row, bool isFine, bool isNaN) {
      EXPECT_FALSE(isFine && isNaN) << text << what << " is NaN at " << x.row(row);
    };
    for (bool inverse : {false, true}) {
      auto got = inverse ? take(kernels->template inverse<T>(model, x, condition), text)
                         : take(kernels->template transform<T>(model, x, condition), text);
      for (int64_t row = 0; row < count; ++row) {
        bool isNaN = got.first.row(row).hasNaN() || std::isnan(got.second[row]);
        check(inverse ? "inverse" : "transform", row, !isNaN || isTame(inverse, x, condition, row), isNaN);
      }
    }
    if (!model.flow().isDistribution())
      return;
    auto logProb = take(kernels->template logProb<T>(model, x, condition), text);
    for (int64_t row = 0; row < count; ++row)
      check("log_prob", row, true, std::isnan(logProb[row]));
  }

private:
  /// Whether straightforward code in T gives numbers, and no rounding of the event
  /// leads out of their range.
  bool isTame(bool inverse, const Rows<T> &rows, const Rows<T> &conditionRows, int64_t row) {
    Column<T> event = rowAs<T>(rows, row), condition = rowAs<T>(conditionRows, row);
    auto isInRange = [](const auto &mapped) {
      constexpr Exact limit = std::numeric_limits<T>::max() / 1000;
      return mapped.value.allFinite() && Exact(mapped.value.cwiseAbs().maxCoeff()) < limit &&
             std::isfinite(mapped.logDet);
    };
    {
      ScopedFloatingPointState state; // kernels take subnormal numbers as zero
      if (!isInRange(inverse ? naive.inverse(event, condition) : naive.transform(event, condition)))
        return false;
    }
    Column<Exact> wide = condition.template cast<Exact>();
    return std::all_of(moved.begin(), moved.end(), [&](const auto &interpreter) {
      Column<Exact> shifted = this->moveEvent(event.template cast<Exact>());
      return isInRange(inverse ? interpreter.inverse(shifted, wide) : interpreter.transform(shifted, wide));
    });
  }

  /// Evaluates a row by all interpreters: `evaluate(interpreter, event,
  /// condition)` gives what is compared.
  template <typename Evaluate>
  Judgement<T> judgeRow(const Rows<T> &in, int64_t row, const Column<T> &got, Evaluate evaluate) {
    Column<T> event = rowAs<T>(in, row), condition = rowAs<T>(conditions, row);
    Column<Exact> wideEvent = event.template cast<Exact>(), wideCondition = condition.template cast<Exact>();
    Judgement<T> judgement{got, evaluate(exact, wideEvent, wideCondition), {evaluate(naive, event, condition)}};
    for (auto &interpreter : moved) {
      Column<Exact> movedEvent = this->moveEvent(wideEvent);
      judgement.trials.push_back(evaluate(interpreter, movedEvent, wideCondition));
    }
    return judgement;
  }

  void checkMap(Kernel kernel, const Rows<T> &in, const char *name) {
    bool inverse = kernel == Kernel::Inverse;
    auto got = inverse ? take(kernels->template inverse<T>(model, in, conditions), text)
                       : take(kernels->template transform<T>(model, in, conditions), text);
    int64_t dim = in.cols();
    auto map = [&](auto &interpreter, auto &event, auto &condition) {
      auto mapped = inverse ? interpreter.inverse(event, condition) : interpreter.transform(event, condition);
      Column<Exact> joined(dim + 1);
      joined << mapped.value.template cast<Exact>(), Exact(mapped.logDet);
      return joined;
    };
    for (auto [first, count] : {std::pair(13, 7), std::pair(66, 1), std::pair(1, 64)}) {
      Rows<T> part = in.middleRows(first, count), condition = sliceRows<T>(conditions, first, count);
      auto again = inverse ? take(kernels->template inverse<T>(model, part, condition), text)
                           : take(kernels->template transform<T>(model, part, condition), text);
      EXPECT_TRUE(isSameBits(again.first, got.first.middleRows(first, count))) << text << name;
      EXPECT_TRUE(isSameBits(again.second, got.second.segment(first, count))) << text << name << " log_det";
    }
    Judge<T> values(text + name), logDets(text + name + " log_det");
    for (int64_t row : kJudged) {
      Column<T> joined(dim + 1);
      joined << got.first.row(row).transpose(), got.second[row];
      Judgement<T> judgement = judgeRow(in, row, joined, map);
      values.add(row, judgement.part(0, dim));
      logDets.add(row, judgement.part(dim, 1));
    }
    this->finish(values);
    this->finish(logDets);
  }

  using JudgedModel<T>::text;
  using JudgedModel<T>::model;
  using JudgedModel<T>::naive;
  using JudgedModel<T>::exact;
  using JudgedModel<T>::moved;
  using JudgedModel<T>::conditions;
  using JudgedModel<T>::kernels;
};

class RandomCompositions : public testing::TestWithParam<int> {};

template <typename T>
void checkPortion(int portion) {
  judgePortion<Composition<T>>(portion, [](Composition<T> &composition, uint64_t seed) {
    composition.checkTransform();
    if (isFlow(seed))
      composition.checkLogProb();
    composition.checkExtremes();
    if constexpr (sizeof(T) == 8)
      composition.checkReference();
  });
}

} // namespace

TEST_P(RandomCompositions, MatchTheReferenceInFloat32) { checkPortion<float>(GetParam()); }
TEST_P(RandomCompositions, MatchTheReferenceInFloat64) { checkPortion<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Portions, RandomCompositions, testing::Range(0, int(kPortions)));

/// What is not generated is not tested: every constructor of the language, and some
/// forms of them.
TEST(RandomCompositions, HaveEveryConstructor) {
  std::string all;
  for (int portion = 0; portion < int(kPortions); ++portion)
    for (uint64_t seed : seedsOf(portion))
      all += programOf(seed);
  std::vector<std::string> wanted;
  for (llvm::StringRef name : constructorNames())
    wanted.push_back(name.str() + "(");
  for (const char *form : {"negative_slope", "in_axes", "in_axes_condition", "scan([", "vmap([", "x^3", "sin(x)",
                           "asinh(", "cond_dim", "raw_cond_shape", "lower = false", "invert = false"})
    wanted.push_back(form);
  for (const std::string &name : wanted) {
    int64_t count = 0;
    for (size_t at = 0; (at = all.find(name, at)) != std::string::npos; ++at)
      count += at == 0 || !(std::isalnum(all[at - 1]) || all[at - 1] == '_');
    if (name.ends_with('('))
      RecordProperty(name.substr(0, name.size() - 1), count); // for --gtest_output=xml
    EXPECT_GE(count, 5) << name;
  }
}
