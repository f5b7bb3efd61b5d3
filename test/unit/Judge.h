//===- Judge.h - Results of kernels beside the reference's ------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How close a kernel must come to the reference in `long double` depends on how a
// composition amplifies rounding errors. The yardstick is what trials give that
// have a right to differ: the reference in the kernel's element type, and the
// reference when input and parameters move by one rounding.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_JUDGE_H
#define FLOWC_TEST_UNIT_JUDGE_H

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

namespace flowc::test {

using Exact = long double;

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
  /// Errors are relative to what is larger, this or the exact number.
  Exact scale = 1;
  /// A lower bound of the yardstick.
  double noise = 0;

  double error(Exact value, Exact exact) const {
    return static_cast<double>(std::abs(value - exact) / std::max(scale, std::abs(exact)));
  }
  double yardstick() const {
    double worst = noise;
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
  /// Elements `first` ... of the same results.
  Judgement part(int64_t first, int64_t count) const {
    Judgement result{got.segment(first, count), exact.segment(first, count), {}, scale, noise};
    for (const Column<Exact> &trial : trials)
      result.trials.push_back(trial.segment(first, count));
    return result;
  }
};

/// Compares rows of results; counts those that could be judged.
template <typename T>
class Judge {
public:
  explicit Judge(std::string what) : what(std::move(what)) {}

  /// Adds the row's result; `row` is for messages.
  void add(int64_t row, const Judgement<T> &judgement) {
    ++offered;
    double yardstick = judgement.yardstick();
    if (!judgement.isDecided() || yardstick > kHopeless)
      return;
    ++judged;
    double allowed = kSlack * yardstick + kFloor * std::numeric_limits<T>::epsilon();
    for (int64_t i = 0; i < judgement.exact.size() && !failed; ++i) {
      T got = judgement.got[i];
      Exact exact = judgement.exact[i];
      bool isClose = got == exact || !std::isfinite(exact) || judgement.error(got, exact) <= allowed;
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

/// A model with interpreters that judge its kernels.
template <typename T>
class JudgedModel {
public:
  JudgedModel(const std::string &text, uint64_t seed, int64_t rows)
      : text(text), model(makeModel(text, dtypeOf<T>, seed)), naive(model), exact(model), moved(kTrials, exact),
        conditions(makeConditions<T>(model.flow(), rows)), kernels(compileFresh(model)) {
    for (auto &interpreter : moved) {
      std::vector<Exact> values = interpreter.trainable();
      for (Exact &value : values)
        value += roundingOf(value);
      interpreter.setTrainable(values);
    }
  }

  /// What was compared, and how much of it could be judged.
  int64_t offered = 0, judged = 0;

protected:
  /// Whether these can be compiled; a failed test if not.
  bool compiles(std::initializer_list<Kernel> needed) {
    for (Kernel kernel : needed)
      if (auto seconds = kernels->prepare(kernel); !seconds) {
        ADD_FAILURE() << text << seconds.error().message;
        return false;
      }
    return true;
  }

  /// One rounding of `value`, up or down.
  Exact roundingOf(Exact value) {
    return value * std::numeric_limits<T>::epsilon() * static_cast<Exact>(random.uniform(-1, 1));
  }

  Column<Exact> moveEvent(Column<Exact> event) {
    for (Exact &value : event)
      value += roundingOf(value);
    return event;
  }

  /// Replaces a row by its image, rounded to the element type, if that is finite.
  void mapRow(Rows<T> &rows, int64_t row) const {
    Column<T> image = exact.transform(rowAs<Exact>(rows, row), rowAs<Exact>(conditions, row)).value.template cast<T>();
    if (image.allFinite())
      rows.row(row) = image;
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

/// Rows of all ones, of all minus ones, and of normal numbers, times 0 ... 1e30.
template <typename T>
Rows<T> makeExtremes(int64_t dim) {
  constexpr double magnitudes[] = {0, 1e-30, 1e-10, 1e-3, 1, 30, 1e3, 1e6, 1e10, 1e20, 1e30};
  int64_t count = 3 * int64_t(std::size(magnitudes));
  Rows<T> x = Random(24).normals<T>(count, dim);
  for (int64_t row = 0; row < count; ++row) {
    if (row % 3 == 0)
      x.row(row).setOnes();
    if (row % 3 == 1)
      x.row(row).setConstant(-1);
    x.row(row) *= T(magnitudes[row / 3]);
  }
  return x;
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_JUDGE_H
