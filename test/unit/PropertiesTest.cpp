//===- PropertiesTest.cpp - Random compositions against the reference -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel that maps rows is compared with the reference interpreter in
// `long double`. How close it must come depends on how a composition amplifies
// rounding errors. The yardstick is what the reference itself does in the
// kernel's element type, and when input and parameters move by one rounding.
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

/// How much larger the errors of a kernel may be than the yardstick: it rounds
/// hundreds of times, and the few trials of the yardstick may be lucky.
constexpr double kSlack = 20;
/// Errors that no code can be blamed for, in units of the element type's epsilon.
constexpr double kFloor = 64;
/// A row on which the yardstick is longer says nothing.
constexpr double kHopeless = 1e-2;
/// Trials with moved input and parameters.
constexpr size_t kTrials = 4;

/// One result of a kernel beside the reference's.
template <typename T>
struct Judgement {
  Column<T> got;
  Column<Exact> exact;
  /// By straightforward code in T, and with moved arguments.
  std::vector<Column<Exact>> trials;

  static double error(Exact value, Exact exact) {
    return static_cast<double>(std::abs(value - exact) / std::max<Exact>(1, std::abs(exact)));
  }
  double yardstick() const {
    double worst = 0;
    for (const Column<Exact> &trial : trials)
      for (int64_t i = 0; i < exact.size(); ++i)
        worst = std::max(worst, trial[i] == exact[i] ? 0 : error(trial[i], exact[i]));
    return worst;
  }
  /// Infinite or NaN at the same places.
  static bool agrees(Exact value, Exact exact) {
    if (std::isnan(exact))
      return std::isnan(value);
    return !std::isinf(exact) ? std::isfinite(value) : value == exact;
  }
  bool isDecided() const {
    for (const Column<Exact> &trial : trials)
      for (int64_t i = 0; i < exact.size(); ++i)
        if (!agrees(trial[i], exact[i]))
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
    double yardstick = judgement.yardstick();
    if (!judgement.isDecided() || yardstick > kHopeless)
      return;
    ++judged;
    double allowed = kSlack * yardstick + kFloor * std::numeric_limits<T>::epsilon();
    for (int64_t i = 0; i < judgement.exact.size() && !failed; ++i) {
      T got = judgement.got[i];
      Exact exact = judgement.exact[i];
      bool isClose = got == exact || !std::isfinite(exact) || Judgement<T>::error(got, exact) <= allowed;
      failed = !Judgement<T>::agrees(got, exact) || !isClose;
      EXPECT_FALSE(failed) << what << ", row " << row << ", element " << i << ": got " << got << ", expected " << exact
                           << " within " << allowed;
    }
  }

  int64_t offered = 0, judged = 0;

private:
  std::string what;
  bool failed = false; // the first difference is enough to read
};

template <typename To, typename From>
Column<To> rowAs(const Rows<From> &rows, int64_t row) {
  return rows.rows() > 0 ? Column<To>(rows.row(row).transpose().template cast<To>()) : Column<To>();
}

/// A random composition with everything that is needed to judge it.
template <typename T>
class Composition {
public:
  Composition(const std::string &text, uint64_t seed)
      : text(text), model(makeModel(text, dtypeOf<T>, seed)), naive(model), exact(model), moved(kTrials, exact),
        conditions(makeConditions<T>(model.flow(), kRows)), kernels(compileFresh(model)) {
    for (auto &interpreter : moved) {
      std::vector<Exact> values = interpreter.trainable();
      for (Exact &value : values)
        value += roundingOf(value);
      interpreter.setTrainable(values);
    }
  }

  /// Whether these can be compiled; a failed test if not.
  bool compiles(std::initializer_list<Kernel> needed) {
    for (Kernel kernel : needed)
      if (auto seconds = kernels->prepare(kernel); !seconds) {
        ADD_FAILURE() << text << seconds.error().message;
        return false;
      }
    return true;
  }

  void checkTransform() {
    if (!compiles({Kernel::Transform, Kernel::Inverse}))
      return;
    Rows<T> x = Random(7).normals<T>(kRows, model.flow().dim());
    checkMap(Kernel::Transform, x, "transform");
    // The inverse where there is one: at images, rounded to the element type.
    Rows<T> y(kRows, x.cols());
    for (int64_t row = 0; row < kRows; ++row)
      y.row(row) = exact.transform(rowAs<Exact>(x, row), rowAs<Exact>(conditions, row)).value.template cast<T>();
    checkMap(Kernel::Inverse, y, "inverse");
  }

  void checkLogProb() {
    if (!compiles({Kernel::LogProb}))
      return;
    // Half of the rows where the flow has mass, half anywhere.
    Rows<T> x = Random(8).normals<T>(kRows, model.flow().dim());
    for (int64_t row = 0; row < kRows; row += 2)
      x.row(row) = exact.transform(rowAs<Exact>(x, row), rowAs<Exact>(conditions, row)).value.template cast<T>();
    auto got = take(kernels->logProb<T>(model, x, conditions), text);
    Judge<T> judge(text + "log_prob");
    auto logProb = [](auto &interpreter, auto &event, auto &condition) {
      return Column<Exact>::Constant(1, interpreter.logProb(event, condition)).eval();
    };
    for (int64_t row : kJudged)
      judge.add(row, judgeRow(x, row, got.segment(row, 1), logProb));
    finish(judge);
  }

  /// The log-determinant against that of differences of `transform`.
  void checkJacobian() {
    if (!compiles({Kernel::Transform}))
      return;
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
  /// One rounding of `value`, up or down.
  Exact roundingOf(Exact value) {
    return value * std::numeric_limits<T>::epsilon() * static_cast<Exact>(random.uniform(-1, 1));
  }

  /// Evaluates a row by all interpreters: `evaluate(interpreter, event,
  /// condition)` gives what is compared.
  template <typename Evaluate>
  Judgement<T> judgeRow(const Rows<T> &in, int64_t row, const Column<T> &got, Evaluate evaluate) {
    Column<T> event = rowAs<T>(in, row), condition = rowAs<T>(conditions, row);
    Column<Exact> wideEvent = event.template cast<Exact>(), wideCondition = condition.template cast<Exact>();
    Judgement<T> judgement{got, evaluate(exact, wideEvent, wideCondition), {evaluate(naive, event, condition)}};
    for (auto &interpreter : moved) {
      Column<Exact> movedEvent = wideEvent;
      for (Exact &value : movedEvent)
        value += roundingOf(value);
      judgement.trials.push_back(evaluate(interpreter, movedEvent, wideCondition));
    }
    return judgement;
  }

  void checkMap(Kernel kernel, const Rows<T> &in, const char *name) {
    bool inverse = kernel == Kernel::Inverse;
    auto got = inverse ? take(kernels->inverse<T>(model, in, conditions), text)
                       : take(kernels->transform<T>(model, in, conditions), text);
    auto map = [&](auto &interpreter, auto &event, auto &condition) {
      return inverse ? interpreter.inverse(event, condition) : interpreter.transform(event, condition);
    };
    auto value = [&](auto &interpreter, auto &event, auto &condition) {
      return map(interpreter, event, condition).value.template cast<Exact>().eval();
    };
    auto logDet = [&](auto &interpreter, auto &event, auto &condition) {
      return Column<Exact>::Constant(1, map(interpreter, event, condition).logDet).eval();
    };
    Judge<T> values(text + name), logDets(text + name + " log_det");
    for (int64_t row : kJudged) {
      values.add(row, judgeRow(in, row, got.first.row(row).transpose(), value));
      logDets.add(row, judgeRow(in, row, got.second.segment(row, 1), logDet));
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
  std::vector<reference::Interpreter<Exact>> moved;
  Random random{99};
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
  }
  // Most rows must count, or the test would pass by skipping.
  EXPECT_GE(judged, offered * 8 / 10);
}

} // namespace

TEST_P(RandomCompositions, MatchTheReferenceInFloat32) { checkPortion<float>(GetParam()); }
TEST_P(RandomCompositions, MatchTheReferenceInFloat64) { checkPortion<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Portions, RandomCompositions, testing::Range(0, 16));
