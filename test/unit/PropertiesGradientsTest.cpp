//===- PropertiesGradientsTest.cpp - Gradients of random compositions -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gradients of every random composition, in inputs and in parameters, along some
// directions: against differences of the reference in `long double`, with the
// yardstick of Judge.h. Those of a flow are of its log-density, those of a bijection
// of <cotangent, y> + cotangent * log_det. Some flows have the gradients of the ELBO,
// too. No score may be NaN because an input is huge or tiny.
//
// FLOWC_FIRST_SEED=10000 in the environment tests others than those of every day.
//
//===----------------------------------------------------------------------===//

#include "Judge.h"
#include "RandomFlows.h"

using namespace flowc;
using namespace flowc::test;

namespace {

/// Rows that may be judged, and how many are at most.
constexpr int64_t kCandidates = 8, kRows = 3;
/// Trainable leaves that get a direction of their own.
constexpr int kLeaves = 3;
/// The wider step of differences: their error is of the order of its fourth power, and
/// of epsilon over the step.
constexpr Exact kStep = 3e-5L;
/// Results of straightforward code that are less precise say nothing about slopes.
constexpr double kNoisy = 1e-2;
/// Epsilons that a derivative is off although the value happens to be exact: slopes at
/// every step inside have errors of their own, as 1 - y^2 has for y = tanh(x) near 1.
constexpr double kSlopeNoise = 32;

using Interpreter = reference::Interpreter<Exact>;
using Direction = std::vector<double>;

/// A derivative by central differences: `best` from two steps, without the term in
/// step^2, and `rough` from the narrower one.
struct Derivative {
  Exact best, rough;
};

template <typename Function>
Derivative derive(Function f) {
  auto difference = [&](Exact step) { return (f(step) - f(-step)) / (2 * step); };
  Exact narrow = difference(kStep / 2), wide = difference(kStep);
  return {(4 * narrow - wide) / 3, narrow};
}

/// Judges gradients. What they are gradients of is given as `value(interpreter, row,
/// event)`, which depends on parameters.
template <typename T>
class GradientsOf : public JudgedModel<T> {
public:
  GradientsOf(const std::string &text, uint64_t seed)
      : JudgedModel<T>(text, seed, kCandidates), hasDensity(model.flow().isDistribution()), dim(model.flow().dim()) {}

  void check() {
    Kernel ofInputs = hasDensity ? Kernel::Score : Kernel::VjpInputs;
    Kernel ofParameters = hasDensity ? Kernel::NllGradient : Kernel::VjpParams;
    if (!this->compiles({ofInputs, ofParameters}))
      return;
    auto value = [&](const auto &interpreter, int64_t row, const auto &event) {
      using Scalar = typename std::decay_t<decltype(event)>::Scalar;
      if (hasDensity)
        return Exact(interpreter.logProb(event, rowAs<Scalar>(conditions, row)));
      auto [image, logDet] = interpreter.transform(event, rowAs<Scalar>(conditions, row));
      return rowAs<Exact>(cotangents, row).dot(image.template cast<Exact>()) +
             Exact(logDetCotangents[row]) * Exact(logDet);
    };
    choosePoints(/*areImages=*/hasDensity, value);
    if (rows() > 0) {
      checkInputs(ofInputs, value);
      checkParameters({.kernel = ofParameters, .inputs = inputs(!hasDensity)}, hasDensity ? -1 : 1, value);
    } else {
      ++this->offered;
    }
    if (hasDensity)
      checkExtremes();
  }

  /// Gradients of the negative ELBO against a simple density, and of its form that
  /// sticks the landing: there parameters in log q are constant.
  void checkElbo() {
    std::string size = std::to_string(dim);
    Flow target = take(Flow::parseDensity("density t(x[" + size + "]) = -sum(log1p((x - 0.3)^2))"), text);
    kernels =
        take(compile(model.flow(), {.dtype = dtypeOf<T>, .threads = 1, .useCache = false, .target = target}), text);
    const Interpreter constant = exact;
    for (Kernel kernel : {Kernel::ElboGradient, Kernel::StlGradient}) {
      auto value = [&](const auto &interpreter, int64_t row, const auto &event) {
        using Scalar = typename std::decay_t<decltype(event)>::Scalar;
        Column<Scalar> condition = rowAs<Scalar>(conditions, row);
        Column<Scalar> y = interpreter.transform(event, condition).value;
        Exact logTarget = -((y.template cast<Exact>().array() - 0.3L).square().log1p()).sum();
        bool isConstant = kernel == Kernel::StlGradient && std::is_same_v<Scalar, Exact>;
        Exact logDensity = isConstant ? constant.logProb(y.template cast<Exact>(), rowAs<Exact>(conditions, row))
                                      : Exact(interpreter.logProb(y, condition));
        return logDensity - logTarget;
      };
      choosePoints(/*areImages=*/false, value);
      if (rows() > 0 && this->compiles({kernel}))
        checkParameters({.kernel = kernel, .inputs = inputs(/*withCotangents=*/false)}, 1, value);
    }
  }

private:
  int64_t rows() const { return x.rows(); }

  /// Takes rows at which the value is a number, also for straightforward code.
  template <typename Value>
  void choosePoints(bool areImages, const Value &value) {
    Rows<T> events = Random(21).normals<T>(kCandidates, dim);
    cotangents = Random(22).normals<T>(kCandidates, dim);
    logDetCotangents = Random(23).normals<T>(kCandidates, 1);
    conditions = makeConditions<T>(model.flow(), kCandidates);
    noises.clear();
    std::vector<int64_t> chosen;
    for (int64_t row = 0; row < kCandidates && int64_t(chosen.size()) < kRows; ++row) {
      if (areImages)
        this->mapRow(events, row);
      Exact found = value(naive, row, rowAs<T>(events, row)), expected = value(exact, row, rowAs<Exact>(events, row));
      // That of straightforward code, and that of differences of `long double`.
      // Derivatives lose more digits than values.
      double noise = static_cast<double>(10 * std::abs(found - expected) / std::max<Exact>(1, std::abs(expected)) +
                                         4 * std::numeric_limits<Exact>::epsilon() * (1 + std::abs(expected)) / kStep) +
                     kSlopeNoise * std::numeric_limits<T>::epsilon();
      if (!std::isfinite(found) || !(noise < kNoisy))
        continue;
      chosen.push_back(row);
      noises.push_back(noise);
    }
    auto choose = [&](const Rows<T> &all) { return all.rows() ? Rows<T>(all(chosen, Eigen::all)) : all; };
    x = choose(events);
    conditions = choose(conditions);
    cotangents = choose(cotangents);
    logDetCotangents = Column<T>(logDetCotangents(chosen));
  }

  std::vector<const void *> inputs(bool withCotangents) const {
    std::vector<const void *> result{x.data()};
    if (conditions.rows() > 0)
      result.push_back(conditions.data());
    if (withCotangents)
      result.insert(result.end(), {cotangents.data(), logDetCotangents.data()});
    return result;
  }

  void run(Kernels::Call call) {
    call.rows = rows();
    if (auto ok = kernels->run(model, call); !ok)
      ADD_FAILURE() << text << ok.error().message;
  }

  /// Judges the derivative along `direction` that follows from a gradient. `derivative`
  /// gives it for an interpreter and events; `noise` is that of the values.
  template <typename Gradient, typename Function>
  void judge(Judge<T> &into, int64_t row, const Gradient &gradient, const Direction &direction, double noise,
             const Function &derivative) {
    Exact sum = 0, size = 0;
    for (size_t i = 0; i < direction.size(); ++i) {
      sum += Exact(gradient(i)) * Exact(direction[i]);
      size += std::abs(Exact(gradient(i)) * Exact(direction[i]));
    }
    auto one = [](Exact number) { return Column<Exact>::Constant(1, number).eval(); };
    std::vector<Column<Exact>> events;
    for (int64_t at = 0; at < rows(); ++at)
      events.push_back(rowAs<Exact>(x, at));
    Derivative expected = derivative(exact, events);
    if (!std::isfinite(expected.best)) {
      ++this->offered; // a step that leaves the support
      return;
    }
    Judgement<T> judgement{
        Column<T>::Constant(1, T(sum)), one(expected.best), {one(expected.rough)}, std::max<Exact>(size, 1), noise};
    for (Interpreter &interpreter : moved) {
      std::vector<Column<Exact>> shifted;
      for (const Column<Exact> &event : events)
        shifted.push_back(this->moveEvent(event));
      judgement.trials.push_back(one(derivative(interpreter, shifted).best));
    }
    into.add(row, judgement);
  }

  /// Along one random direction, and along one axis.
  template <typename Value>
  void checkInputs(Kernel kernel, const Value &value) {
    Rows<T> got(rows(), dim);
    run({.kernel = kernel, .inputs = inputs(!hasDensity), .outputs = {got.data()}});
    Judge<T> judged(text + "gradient in inputs");
    for (int64_t row = 0; row < rows(); ++row)
      for (bool isAxis : {false, true}) {
        Direction direction(dim);
        int64_t axis = random.below(dim);
        // Short where numbers are small: densities may be steep there.
        for (int64_t i = 0; i < dim; ++i)
          if (!isAxis || i == axis)
            direction[i] = random.uniform(-1, 1) * std::clamp(std::abs(double(x(row, i))), 1e-3, 1.0);
        judge(
            judged, row, [&](size_t i) { return got(row, i); }, direction, noises[row],
            [&](const Interpreter &interpreter, const std::vector<Column<Exact>> &events) {
              return derive([&](Exact step) {
                Column<Exact> event = events[row];
                for (int64_t i = 0; i < dim; ++i)
                  event[i] += step * Exact(direction[i]);
                return value(interpreter, row, event);
              });
            });
      }
    this->finish(judged);
  }

  /// Along one random direction of all parameters, and along those of some leaves.
  template <typename Value>
  void checkParameters(Kernels::Call call, int sign, const Value &value) {
    std::vector<double> gradient(model.numTrainable());
    if (gradient.empty())
      return;
    double loss = 0;
    call.mean = false;
    call.loss = call.kernel == Kernel::VjpParams ? nullptr : &loss;
    call.gradient = gradient.data();
    run(call);
    std::vector<std::pair<size_t, size_t>> leaves; // begin and size
    for (size_t begin = 0; const ParameterInfo &info : model.parameters())
      if (info.trainable) {
        leaves.emplace_back(begin, numElements(info.shape));
        begin += leaves.back().second;
      }
    Judge<T> judged(text + "gradient in parameters of kernel " + std::to_string(int(call.kernel)));
    double noise = *std::max_element(noises.begin(), noises.end());
    for (int i = 0; i < 1 + std::min<int>(kLeaves, leaves.size() - 1); ++i) {
      auto [begin, size] = i == 0 ? std::pair(size_t(0), gradient.size()) : leaves[random.below(leaves.size())];
      Direction direction(gradient.size());
      for (size_t entry = begin; entry < begin + size; ++entry)
        direction[entry] = random.uniform(-1, 1);
      judge(
          judged, i, [&](size_t entry) { return gradient[entry]; }, direction, noise,
          [&](Interpreter &interpreter, const std::vector<Column<Exact>> &events) {
            const std::vector<Exact> parameters = interpreter.trainable();
            Derivative result = derive([&](Exact step) {
              std::vector<Exact> there = parameters;
              for (size_t entry = begin; entry < begin + size; ++entry)
                there[entry] += step * Exact(direction[entry]);
              interpreter.setTrainable(there);
              Exact sum = 0;
              for (int64_t row = 0; row < rows(); ++row)
                sum += sign * value(interpreter, row, events[row]);
              return sum;
            });
            interpreter.setTrainable(parameters);
            return result;
          });
    }
    this->finish(judged);
  }

  void checkExtremes() {
    Rows<T> extremes = makeExtremes<T>(dim), condition = makeConditions<T>(model.flow(), extremes.rows());
    Rows<T> score = take(kernels->template score<T>(model, extremes, condition), text);
    for (int64_t row = 0; row < extremes.rows(); ++row)
      EXPECT_FALSE(score.row(row).hasNaN()) << text << "score at " << extremes.row(row) << ": " << score.row(row);
  }

  bool hasDensity;
  int64_t dim;
  Rows<T> x, cotangents;
  Column<T> logDetCotangents;
  /// How far straightforward code is from the exact value, row by row.
  std::vector<double> noises;
  using JudgedModel<T>::text;
  using JudgedModel<T>::model;
  using JudgedModel<T>::naive;
  using JudgedModel<T>::exact;
  using JudgedModel<T>::moved;
  using JudgedModel<T>::random;
  using JudgedModel<T>::conditions;
  using JudgedModel<T>::kernels;
};

class RandomGradients : public testing::TestWithParam<int> {};

template <typename T>
void checkPortion(int portion) {
  judgePortion<GradientsOf<T>>(portion, [](GradientsOf<T> &gradients, uint64_t seed) {
    gradients.check();
    if (seed % 20 == 1)
      gradients.checkElbo();
  });
}

} // namespace

TEST_P(RandomGradients, AreThoseOfTheReferenceInFloat32) { checkPortion<float>(GetParam()); }
TEST_P(RandomGradients, AreThoseOfTheReferenceInFloat64) { checkPortion<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Portions, RandomGradients, testing::Range(0, int(kPortions)));
