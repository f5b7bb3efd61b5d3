//===- Interval.cpp - Sets of real numbers --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Interval.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::intervals {

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

static constexpr double kInfinity = Interval::kInfinity;
static constexpr double kLargest = std::numeric_limits<double>::max();

/// The next number in the direction of `towards` (an infinity).
static double step(double value, double towards) { return std::nextafter(value, towards); }

/// `rounded`, moved in the direction of `towards` if it is on the other side of
/// the exact value `rounded` + `error`.
static double roundTowards(double rounded, double error, double towards) {
  bool isInside = towards < 0 ? error < 0 : error > 0;
  return isInside ? step(rounded, towards) : rounded;
}

static double addTowards(double a, double b, double towards) {
  double sum = a + b;
  if (std::isinf(sum)) // overflow of finite numbers must not become an infinite inner end
    return std::isinf(a) || std::isinf(b) || (sum < 0) == (towards < 0) ? sum : std::copysign(kLargest, sum);
  double bPart = sum - a, error = (a - (sum - bPart)) + (b - bPart);
  return roundTowards(sum, error, towards);
}

/// 0 times infinity is 0: infinite ends are never taken on.
static double multiplyTowards(double a, double b, double towards) {
  if (a == 0 || b == 0)
    return 0;
  double product = a * b;
  if (std::isinf(product))
    return std::isinf(a) || std::isinf(b) || (product < 0) == (towards < 0) ? product
                                                                            : std::copysign(kLargest, product);
  // Where the remainder is not exact, a step outwards is safe, but not across 0.
  constexpr double kSmall = 1e-280;
  if (std::abs(product) >= kSmall)
    return roundTowards(product, std::fma(a, b, -product), towards);
  bool isPositive = (a < 0) == (b < 0);
  return isPositive == (towards < 0) ? (product == 0 ? 0 : step(product, towards)) : step(product, towards);
}

//===----------------------------------------------------------------------===//
// Sets
//===----------------------------------------------------------------------===//

bool Interval::isInside(const Interval &other) const {
  bool below = low > other.low || (low == other.low && (lowOpen || !other.lowOpen));
  bool above = high < other.high || (high == other.high && (highOpen || !other.highOpen));
  return below && above;
}

Interval Interval::clippedTo(const Interval &other) const {
  Interval result = *this;
  if (other.low > low || (other.low == low && other.lowOpen))
    result.low = other.low, result.lowOpen = other.lowOpen;
  if (other.high < high || (other.high == high && other.highOpen))
    result.high = other.high, result.highOpen = other.highOpen;
  bool isEmpty = result.low > result.high || (result.low == result.high && (result.lowOpen || result.highOpen));
  return isEmpty ? other : result;
}

Interval hull(const Interval &a, const Interval &b) {
  Interval result = a;
  if (b.low < a.low || (b.low == a.low && !b.lowOpen))
    result.low = b.low, result.lowOpen = b.lowOpen;
  if (b.high > a.high || (b.high == a.high && !b.highOpen))
    result.high = b.high, result.highOpen = b.highOpen;
  return result;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Interval operator+(const Interval &a, const Interval &b) {
  return {addTowards(a.low, b.low, -kInfinity), addTowards(a.high, b.high, kInfinity), a.lowOpen || b.lowOpen,
          a.highOpen || b.highOpen};
}

Interval operator-(const Interval &a) { return {-a.high, -a.low, a.highOpen, a.lowOpen}; }

Interval operator*(const Interval &a, const Interval &b) {
  struct End {
    double value;
    bool open;
  };
  const End ends[2][2] = {{{a.low, a.lowOpen}, {a.high, a.highOpen}}, {{b.low, b.lowOpen}, {b.high, b.highOpen}}};
  Interval result{kInfinity, -kInfinity, true, true};
  for (const End &first : ends[0])
    for (const End &second : ends[1]) {
      double low = multiplyTowards(first.value, second.value, -kInfinity);
      double high = multiplyTowards(first.value, second.value, kInfinity);
      bool open = first.open || second.open;
      if (first.value == 0 || second.value == 0) // 0 is taken on if one factor can be 0
        open = (first.value != 0 || first.open) && (second.value != 0 || second.open);
      if (low < result.low || (low == result.low && !open))
        result.low = low, result.lowOpen = open;
      if (high > result.high || (high == result.high && !open))
        result.high = high, result.highOpen = open;
    }
  // A product is 0 exactly if a factor is.
  if (!a.containsZero() && !b.containsZero()) {
    result.lowOpen |= result.low == 0;
    result.highOpen |= result.high == 0;
  }
  return result;
}

Interval applyIncreasing(const Interval &x, double (*evaluate)(double), const Interval &image) {
  auto end = [&](double value, double towards) {
    double result = evaluate(value);
    bool isExact = std::isinf(value) || (value == 0 && 4 * result == std::floor(4 * result)) ||
                   (value == 1 && result == 0);
    if (isExact || std::isinf(result))
      return std::isinf(result) && std::isfinite(value) && (result < 0) != (towards < 0)
                 ? std::copysign(kLargest, result)
                 : result;
    constexpr int kUlps = 4;
    for (int i = 0; i < kUlps; ++i)
      result = step(result, towards);
    return result;
  };
  Interval result{end(x.low, -kInfinity), end(x.high, kInfinity), x.lowOpen, x.highOpen};
  // Ends that rounding has moved beyond the image are not taken on if those of the image are not.
  if (result.low <= image.low)
    result.lowOpen = image.lowOpen || (x.lowOpen && result.low == image.low), result.low = image.low;
  if (result.high >= image.high)
    result.highOpen = image.highOpen || (x.highOpen && result.high == image.high), result.high = image.high;
  result.high = std::max(result.high, result.low);
  return result;
}

/// 1 / x of an interval without 0 inside.
static Interval reciprocal(const Interval &x) {
  auto divide = [](double value, double zero, double towards) {
    if (value == 0)
      return zero;
    double quotient = 1 / value;
    return std::isinf(value) ? 0.0
                             : roundTowards(quotient, -std::fma(quotient, value, -1.0) * (value < 0 ? -1 : 1), towards);
  };
  return {divide(x.high, -kInfinity, -kInfinity), divide(x.low, kInfinity, kInfinity),
          x.highOpen || x.high == 0 || std::isinf(x.high), x.lowOpen || x.low == 0 || std::isinf(x.low)};
}

/// x^n for n >= 1 and x >= 0.
static Interval nonNegativePower(const Interval &x, double exponent) {
  auto end = [&](double value, double towards) {
    if (value == 0 || value == 1 || std::isinf(value) || exponent == 1)
      return value;
    if (exponent == 2)
      return multiplyTowards(value, value, towards);
    double result = std::pow(value, exponent);
    if (std::isinf(result))
      return towards < 0 ? kLargest : result;
    for (int i = 0; i < 2; ++i)
      result = step(result, towards);
    return std::max(result, 0.0);
  };
  return {end(x.low, -kInfinity), end(x.high, kInfinity), x.lowOpen, x.highOpen};
}

Interval power(const Interval &base, double exponent) {
  if (exponent == 1)
    return base;
  bool isInteger = exponent == std::floor(exponent), isOdd = isInteger && std::fmod(exponent, 2) != 0;
  if (exponent < 0) {
    Interval positive = power(base, -exponent);
    bool hasZeroInside = positive.low < 0 && positive.high > 0;
    if (hasZeroInside || (positive.low == 0 && positive.high == 0))
      return Interval::all();
    return reciprocal(positive);
  }
  if (base.isNonNegative())
    return nonNegativePower(base, exponent);
  if (!isInteger) {
    Interval domain{0, kInfinity, false, true};
    return nonNegativePower(base.clippedTo(domain), exponent);
  }
  if (base.isNonPositive()) {
    Interval mirrored = nonNegativePower(-base, exponent);
    return isOdd ? -mirrored : mirrored;
  }
  Interval negative = power({base.low, 0, base.lowOpen, false}, exponent);
  Interval positive = power({0, base.high, false, base.highOpen}, exponent);
  return hull(negative, positive);
}

//===----------------------------------------------------------------------===//
// Other functions
//===----------------------------------------------------------------------===//

/// The ends that `better` prefers; a shared end belongs to the extremum as far as both
/// bounds do.
static Interval extremum(const Interval &a, const Interval &b, bool isMin) {
  auto better = [&](double u, double v) { return isMin ? u < v : u > v; };
  bool takesLow = better(a.low, b.low) || (a.low == b.low && a.lowOpen != isMin);
  bool takesHigh = better(a.high, b.high) || (a.high == b.high && a.highOpen == isMin);
  const Interval &low = takesLow ? a : b, &high = takesHigh ? a : b;
  return {low.low, high.high, low.lowOpen, high.highOpen};
}

Interval min(const Interval &a, const Interval &b) { return extremum(a, b, /*isMin=*/true); }
Interval max(const Interval &a, const Interval &b) { return extremum(a, b, /*isMin=*/false); }

Interval abs(const Interval &x) {
  if (x.isNonNegative())
    return x;
  if (x.isNonPositive())
    return -x;
  Interval negative = -Interval{x.low, 0, x.lowOpen, false}, positive{0, x.high, false, x.highOpen};
  return hull(negative, positive);
}

Interval sin(const Interval &x) {
  constexpr double pi = std::numbers::pi;
  if (!(x.high - x.low < 2 * pi) || std::abs(x.low) > 1e6)
    return Interval::closed(-1, 1);
  double slack = 1e-12;
  auto end = [&](double value) {
    double y = std::sin(value);
    return value == 0 ? Interval::point(0) : Interval::closed(std::max(-1.0, y - slack), std::min(1.0, y + slack));
  };
  Interval result = hull(end(x.low), end(x.high));
  auto holdsExtremum = [&](double at) {
    return std::floor((x.high + slack - at) / (2 * pi)) >= std::ceil((x.low - slack - at) / (2 * pi));
  };
  if (holdsExtremum(pi / 2))
    result = hull(result, Interval::point(1));
  if (holdsExtremum(-pi / 2))
    result = hull(result, Interval::point(-1));
  return result;
}

} // namespace flowc::intervals
