//===- FlowTesting.h - What tests of whole flows share ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_FLOWTESTING_H
#define FLOWC_TEST_UNIT_FLOWTESTING_H

#include "flowc/Frontend/Node.h"
#include "flowc/flowc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

namespace flowc::test {

/// Random numbers that are the same with every C++ library.
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  /// One of 0 ... count-1.
  int64_t below(int64_t count) { return static_cast<int64_t>(engine() % static_cast<uint64_t>(count)); }
  /// Uniform on [lo, hi).
  double uniform(double lo, double hi) { return lo + (hi - lo) * static_cast<double>(engine() >> 11) * 0x1p-53; }
  bool chance(double probability) { return uniform(0, 1) < probability; }
  double normal() { return std::sqrt(-2 * std::log(1 - uniform(0, 1))) * std::cos(2 * M_PI * uniform(0, 1)); }
  template <typename T>
  Rows<T> normals(int64_t rows, int64_t columns) {
    Rows<T> result(rows, columns);
    for (int64_t i = 0; i < result.size(); ++i)
      result.data()[i] = static_cast<T>(normal());
    return result;
  }

private:
  std::mt19937_64 engine;
};

template <typename T>
constexpr DType dtypeOf = sizeof(T) == 4 ? F32 : F64;

/// The value. Without one nothing that follows makes sense: the process ends.
template <typename T>
T take(Expected<T> expected, const std::string &what = {}) {
  if (expected)
    return std::move(*expected);
  ADD_FAILURE() << what << ": " << expected.error().message;
  std::abort();
}

/// The flow in `text`.
inline Flow parse(const std::string &text) { return take(Flow::parse(text), text); }

/// Its initial parameters.
inline Model initialise(const std::string &text, const InitOptions &options = {}) {
  return take(Model::initialise(parse(text), options), text);
}

/// Initial parameters, moved by noise, so that nothing is the identity or zero by
/// accident.
inline Model makeModel(const std::string &text, DType dtype, uint64_t seed = 1, double noise = 0.2) {
  Model model = initialise(text, {.seed = seed, .dtype = dtype});
  std::vector<double> values = model.trainable();
  Random random(seed + 1000);
  for (double &value : values)
    value += random.uniform(-noise, noise);
  if (auto ok = model.setTrainable(values); !ok)
    ADD_FAILURE() << ok.error().message;
  return model;
}

/// Kernels that are compiled here and now, whatever caches hold.
inline std::shared_ptr<Kernels> compileFresh(const Model &model, int threads = 1) {
  return take(compile(model.flow(), {.dtype = model.dtype(), .threads = threads, .cpu = {}, .useCache = false}),
              model.flow().text());
}

/// A condition for each of `rows` rows, or nothing for an unconditional flow.
template <typename T>
Rows<T> makeConditions(const Flow &flow, int64_t rows, uint64_t seed = 5) {
  return flow.condShape() ? Random(seed).normals<T>(rows, flow.condDim()) : Rows<T>();
}

/// Rows `first` ... of conditions, if there are any.
template <typename T>
Rows<T> sliceRows(const Rows<T> &all, int64_t first, int64_t count) {
  return all.rows() > 0 ? Rows<T>(all.middleRows(first, count)) : all;
}

/// (f(x + step) - f(x - step)) / (2 step) for every entry of `x`, which is changed
/// and put back; `stepAt` gives the step at the value of an entry.
template <typename Vector, typename Function, typename StepFunction>
std::vector<double> differences(Vector &x, Function f, StepFunction stepAt) {
  std::vector<double> result;
  for (auto &entry : x) {
    long double middle = entry, step = stepAt(middle);
    entry = middle + step;
    long double above = f();
    entry = middle - step;
    long double below = f();
    entry = middle;
    result.push_back(static_cast<double>((above - below) / (2 * step)));
  }
  return result;
}

/// Every bit is the same (so -0 differs from 0, and NaN is equal to itself).
template <typename A, typename B>
testing::AssertionResult isSameBits(const A &a, const B &b) {
  static_assert(sizeof(typename A::Scalar) == sizeof(typename B::Scalar));
  if (a.rows() != b.rows() || a.cols() != b.cols())
    return testing::AssertionFailure() << "shapes " << a.rows() << " x " << a.cols() << " and " << b.rows() << " x "
                                       << b.cols();
  for (int64_t row = 0; row < a.rows(); ++row)
    for (int64_t column = 0; column < a.cols(); ++column) {
      auto left = a(row, column), right = b(row, column);
      if (std::memcmp(&left, &right, sizeof(left)) != 0)
        return testing::AssertionFailure()
               << "row " << row << ", column " << column << ": " << left << " and " << right;
    }
  return testing::AssertionSuccess();
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_FLOWTESTING_H
