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
// The reference itself must be right: its log-determinants are those of its
// Jacobians, its inverses undo its maps. Gradients are compared with differences of
// it, results of rows with those of the same rows in other batches, bit by bit, and
// nothing may be NaN because an input is huge or tiny.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "RandomFlows.h"
#include "flowc/ExecutionEngine/KernelRunner.h"
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
constexpr double kSlack = 40;
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
    Rows<T> y = x;
    for (int64_t row = 0; row < kRows; ++row)
      if (Column<T> image =
              exact.transform(rowAs<Exact>(x, row), rowAs<Exact>(conditions, row)).value.template cast<T>();
          image.allFinite())
        y.row(row) = image;
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

  /// Gradients along a random direction, of <cotangent, transform> or of the
  /// log-density, against differences.
  void checkGradients() {
    bool isFlow = model.flow().isDistribution();
    Kernel ofParameters = isFlow ? Kernel::NllGradient : Kernel::VjpParams;
    Kernel ofInputs = isFlow ? Kernel::Score : Kernel::VjpInputs;
    if (!compiles({ofParameters, ofInputs}))
      return;
    constexpr int64_t rows = 3;
    constexpr Exact step = 1e-7L;
    int64_t dim = model.flow().dim();
    Rows<T> x = Random(21).normals<T>(rows, dim), condition = sliceRows<T>(conditions, 0, rows);
    if (isFlow)
      for (int64_t row = 0; row < rows; ++row)
        x.row(row) = exact.transform(rowAs<Exact>(x, row), rowAs<Exact>(condition, row)).value.template cast<T>();
    Rows<T> cotangents = Random(22).normals<T>(rows, dim);
    Column<T> logDetCotangents = Random(23).normals<T>(rows, 1);
    auto value = [&](int64_t row, const Column<Exact> &event) -> Exact {
      if (isFlow)
        return exact.logProb(event, rowAs<Exact>(condition, row));
      auto [image, logDet] = exact.transform(event, rowAs<Exact>(condition, row));
      return rowAs<Exact>(cotangents, row).dot(image) + Exact(logDetCotangents[row]) * logDet;
    };
    std::vector<const void *> inputs{x.data()};
    if (condition.rows() > 0)
      inputs.push_back(condition.data());
    if (!isFlow)
      inputs.insert(inputs.end(), {cotangents.data(), logDetCotangents.data()});

    // The derivative along `direction`, and the size of the terms that it is the sum of.
    auto compare = [&](const char *what, auto got, const std::vector<double> &direction, Exact above, Exact below) {
      auto expected = static_cast<double>((above - below) / (2 * step));
      double sum = 0, size = 0;
      for (size_t i = 0; i < direction.size(); ++i) {
        sum += double(got(i)) * direction[i];
        size += std::abs(double(got(i)) * direction[i]);
      }
      if (std::isfinite(expected) && std::abs(expected) < 1e6)
        EXPECT_LE(std::abs(sum - expected), 1e-5 * (1 + std::max(size, std::abs(expected))))
            << text << what << ": got " << sum << ", expected " << expected;
    };
    Rows<T> ofRows(rows, dim);
    if (auto ok = kernels->run(model, {.kernel = ofInputs, .inputs = inputs, .outputs = {ofRows.data()}, .rows = rows});
        !ok)
      ADD_FAILURE() << text << ok.error().message;
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<double> direction(dim);
      Column<Exact> event = rowAs<Exact>(x, row), change(dim);
      for (int64_t i = 0; i < dim; ++i)
        change[i] = direction[i] = random.uniform(-1, 1);
      compare(
          "gradient of inputs", [&](size_t i) { return ofRows(row, i); }, direction, value(row, event + step * change),
          value(row, event - step * change));
    }
    std::vector<double> gradient(model.numTrainable()), direction(gradient.size());
    if (gradient.empty())
      return;
    double loss = 0;
    if (auto ok = kernels->run(model, {.kernel = ofParameters,
                                       .inputs = inputs,
                                       .rows = rows,
                                       .mean = false,
                                       .loss = isFlow ? &loss : nullptr,
                                       .gradient = gradient.data()});
        !ok)
      ADD_FAILURE() << text << ok.error().message;
    std::vector<Exact> parameters = exact.trainable();
    for (double &entry : direction)
      entry = random.uniform(-1, 1);
    auto sumAt = [&](Exact distance) {
      std::vector<Exact> moved = parameters;
      for (size_t i = 0; i < moved.size(); ++i)
        moved[i] += distance * Exact(direction[i]);
      exact.setTrainable(moved);
      Exact sum = 0;
      for (int64_t row = 0; row < rows; ++row)
        sum += (isFlow ? -1 : 1) * value(row, rowAs<Exact>(x, row));
      exact.setTrainable(parameters);
      return sum;
    };
    Exact above = sumAt(step), below = sumAt(-step);
    compare("gradient of parameters", [&](size_t i) { return gradient[i]; }, direction, above, below);
  }

  /// Huge, tiny and equal inputs: no NaN where straightforward code has none, and
  /// none at all in a log-density.
  void checkExtremes() {
    constexpr double magnitudes[] = {0, 1e-30, 1e-10, 1e-3, 1, 30, 1e3, 1e6, 1e10, 1e20, 1e30};
    // A formula of a user may square its argument.
    bool hasFormula = text.find("(x; ") != std::string::npos;
    int64_t dim = model.flow().dim(), count = 3 * int64_t(std::size(magnitudes) - (hasFormula ? 2 : 0));
    Rows<T> x = Random(24).normals<T>(count, dim), condition = makeConditions<T>(model.flow(), count);
    for (int64_t row = 0; row < count; ++row) {
      if (row % 3 == 0)
        x.row(row).setOnes();
      if (row % 3 == 1)
        x.row(row).setConstant(-1);
      x.row(row) *= T(magnitudes[row / 3]);
    }
    auto check = [&](const char *what, int64_t row, bool isFine, bool isNaN) {
      EXPECT_FALSE(isFine && isNaN) << text << what << " is NaN at " << x.row(row);
    };
    for (bool inverse : {false, true}) {
      auto got = inverse ? take(kernels->inverse<T>(model, x, condition), text)
                         : take(kernels->transform<T>(model, x, condition), text);
      for (int64_t row = 0; row < count; ++row) {
        bool isNaN = got.first.row(row).hasNaN() || std::isnan(got.second[row]);
        check(inverse ? "inverse" : "transform", row, !isNaN || isTame(inverse, x, condition, row), isNaN);
      }
    }
    if (!model.flow().isDistribution())
      return;
    auto logProb = take(kernels->logProb<T>(model, x, condition), text);
    for (int64_t row = 0; row < count; ++row)
      check("log_prob", row, true, std::isnan(logProb[row]));
  }

  int64_t offered = 0, judged = 0;

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
      Column<Exact> shifted = event.template cast<Exact>();
      for (Exact &value : shifted)
        value += roundingOf(value);
      return isInRange(inverse ? interpreter.inverse(shifted, wide) : interpreter.transform(shifted, wide));
    });
  }

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
    for (auto [first, count] : {std::pair(13, 7), std::pair(66, 1), std::pair(1, 64)}) {
      Rows<T> part = in.middleRows(first, count), condition = sliceRows<T>(conditions, first, count);
      auto again = inverse ? take(kernels->inverse<T>(model, part, condition), text)
                           : take(kernels->transform<T>(model, part, condition), text);
      EXPECT_TRUE(isSameBits(again.first, got.first.middleRows(first, count))) << text << name;
      EXPECT_TRUE(isSameBits(again.second, got.second.segment(first, count))) << text << name << " log_det";
    }
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
constexpr uint64_t kPerPortion = 14, kPortions = 37;

std::string textOf(uint64_t seed) { return seed % 2 ? RandomFlow(seed).distribution() : RandomFlow(seed).bijection(); }

class RandomCompositions : public testing::TestWithParam<int> {};

template <typename T>
void checkPortion(int portion) {
  int64_t offered = 0, judged = 0;
  for (uint64_t seed = portion * kPerPortion; seed < (portion + 1) * kPerPortion; ++seed) {
    Composition<T> composition(textOf(seed), seed);
    composition.checkTransform();
    if (seed % 2)
      composition.checkLogProb();
    composition.checkExtremes();
    if constexpr (sizeof(T) == 8) {
      composition.checkReference();
      // Kernels of gradients take the longest to compile.
      if (seed % 10 < 2)
        composition.checkGradients();
    }
    offered += composition.offered;
    judged += composition.judged;
  }
  // Most rows must count, or the test would pass by skipping.
  EXPECT_GE(judged, offered * 8 / 10);
}

} // namespace

TEST_P(RandomCompositions, MatchTheReferenceInFloat32) { checkPortion<float>(GetParam()); }
TEST_P(RandomCompositions, MatchTheReferenceInFloat64) { checkPortion<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Portions, RandomCompositions, testing::Range(0, int(kPortions)));

/// What is not generated is not tested.
TEST(RandomCompositions, HaveEveryConstructor) {
  std::string all;
  for (uint64_t seed = 0; seed < kPerPortion * kPortions; ++seed)
    all += textOf(seed);
  for (const char *name : {"affine(",
                           "loc(",
                           "scale(",
                           "triangular_affine(",
                           "additive_condition(",
                           "exp(",
                           "sigmoid(",
                           "softplus(",
                           "tanh(",
                           "leaky_tanh(",
                           "power(",
                           "identity(",
                           "flip(",
                           "permute(",
                           "householder(",
                           "discrete_cosine(",
                           "rational_quadratic_spline(",
                           "planar(",
                           "negative_slope",
                           "coupling(",
                           "masked_autoregressive(",
                           "block_autoregressive_network(",
                           "chain(",
                           "scan(",
                           "vmap(",
                           "in_axes",
                           "invert(",
                           "concatenate(",
                           "stack(",
                           "indexed(",
                           "reshape(",
                           "embed_condition(",
                           "sandwich(",
                           "numerical_inverse(",
                           "weight_normalized(",
                           "standard_normal(",
                           "normal(",
                           "log_normal(",
                           "multivariate_normal(",
                           "uniform(",
                           "gumbel(",
                           "cauchy(",
                           "student_t(",
                           "laplace(",
                           "exponential(",
                           "logistic(",
                           "gamma(",
                           "beta(",
                           "vmap_mixture(",
                           "transformed(",
                           "coupling_flow(",
                           "masked_autoregressive_flow(",
                           "block_neural_autoregressive_flow(",
                           "planar_flow(",
                           "triangular_spline_flow(",
                           "x^3",
                           "sin(x)",
                           "asinh(",
                           "linear(",
                           "mlp("}) {
    size_t count = 0;
    for (size_t at = 0; (at = all.find(name, at)) != std::string::npos; ++at)
      ++count;
    EXPECT_GE(count, 5u) << name;
  }
}
