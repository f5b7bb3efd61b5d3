//===- Interval.h - Sets of real numbers ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_INTERVAL_H
#define FLOWC_SUPPORT_INTERVAL_H

#include <limits>

namespace flowc::intervals {

/// An interval with open or closed ends. Arithmetic rounds outwards, and not at
/// all where the result is exact, so that an end at 0 stays one: what is proven
/// with intervals holds for real numbers.
struct Interval {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  double low = -kInfinity, high = kInfinity;
  bool lowOpen = true, highOpen = true;

  static constexpr Interval all() { return {}; }
  static constexpr Interval point(double value) { return {value, value, false, false}; }
  static constexpr Interval open(double low, double high) { return {low, high, true, true}; }
  static constexpr Interval closed(double low, double high) { return {low, high, false, false}; }
  static constexpr Interval positive() { return open(0, kInfinity); }

  bool isPositive() const { return low > 0 || (low == 0 && lowOpen); }
  bool isNegative() const { return high < 0 || (high == 0 && highOpen); }
  bool isNonNegative() const { return low >= 0; }
  bool isNonPositive() const { return high <= 0; }
  bool containsZero() const { return !isPositive() && !isNegative(); }
  bool isPoint() const { return low == high; }
  bool isAll() const { return low == -kInfinity && high == kInfinity; }
  bool contains(double value) const {
    return (low < value || (low == value && !lowOpen)) && (value < high || (value == high && !highOpen));
  }
  bool isBounded() const { return low > -kInfinity && high < kInfinity; }
  /// Whether every number of this interval is one of `other`.
  bool isInside(const Interval &other) const;
  /// The part in `other`; `other` itself if there is none.
  Interval clippedTo(const Interval &other) const;
};

Interval operator+(const Interval &a, const Interval &b);
Interval operator-(const Interval &a);
Interval operator*(const Interval &a, const Interval &b);

/// The smallest interval that holds both.
Interval hull(const Interval &a, const Interval &b);

/// The smaller and the larger of a number of `a` and one of `b`.
Interval min(const Interval &a, const Interval &b);
Interval max(const Interval &a, const Interval &b);

/// |x|.
Interval abs(const Interval &x);

/// sin(x): of its ends, and the extrema inside.
Interval sin(const Interval &x);

/// base^exponent of what `base` holds of the power's domain.
Interval power(const Interval &base, double exponent);

/// The image under an increasing function with values in `image`. `evaluate` may
/// be off by a few units in the last place, but not at infinity, nor at 0 if it
/// gives a multiple of 1/4 there, nor at 1 if it gives 0 (as logarithms do).
Interval applyIncreasing(const Interval &x, double (*evaluate)(double), const Interval &image);

} // namespace flowc::intervals

#endif // FLOWC_SUPPORT_INTERVAL_H
