//===- Bijections.cpp - Bijections without parts --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <algorithm>
#include <numbers>

namespace flowc::reference {

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// a * x + b for each element.
template <typename T>
static Mapped<T> scaleAndShift(bool inverse, const Column<T> &event, const Column<T> &a, const Column<T> &b) {
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i) {
    result.value[i] = inverse ? (event[i] - b[i]) / a[i] : a[i] * event[i] + b[i];
    result.logDet += (inverse ? -1 : 1) * std::log(std::abs(a[i]));
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::affine(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  Column<T> a = positiveLeaf(place, "scale.args[0]", place.node.attribute<double>("min_scale"));
  return scaleAndShift<T>(inverse, event, a, leaf(place, "loc"));
}

template <typename T>
Mapped<T> Evaluator<T>::boundedAffine(const Place &place, bool inverse, const Column<T> &event,
                                      const Column<T> &) const {
  T bound = T(place.node.attribute<double>("bound"));
  Column<T> a = leaf(place, "log_scale");
  for (T &scale : a)
    scale = std::exp(bound * std::tanh(scale / bound));
  return scaleAndShift<T>(inverse, event, a, leaf(place, "loc"));
}

template <typename T>
Mapped<T> Evaluator<T>::loc(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  return scaleAndShift<T>(inverse, event, Column<T>::Ones(event.size()), leaf(place, "loc"));
}

template <typename T>
Mapped<T> Evaluator<T>::scale(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  return scaleAndShift<T>(inverse, event, positiveLeaf(place, "scale.args[0]", 0), Column<T>::Zero(event.size()));
}

template <typename T>
Mapped<T> Evaluator<T>::tanh(const Place &, bool inverse, const Column<T> &event, const Column<T> &) const {
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i) {
    T x = inverse ? std::atanh(event[i]) : event[i];
    T logSlope = -2 * (x + reference::softplus(-2 * x) - std::numbers::ln2_v<T>);
    result.value[i] = inverse ? x : std::tanh(x);
    result.logDet += inverse ? -logSlope : logSlope;
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::softplus(const Place &, bool inverse, const Column<T> &event, const Column<T> &) const {
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i) {
    T x = inverse ? inverseSoftplus(event[i]) : event[i];
    T logSlope = -reference::softplus(-x);
    result.value[i] = inverse ? x : reference::softplus(x);
    result.logDet += inverse ? -logSlope : logSlope;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Permutations
//===----------------------------------------------------------------------===//

template <typename T>
Mapped<T> Evaluator<T>::identity(const Place &, bool, const Column<T> &event, const Column<T> &) const {
  return {event};
}

template <typename T>
Mapped<T> Evaluator<T>::flip(const Place &, bool, const Column<T> &event, const Column<T> &) const {
  return {event.reverse()};
}

template <typename T>
Mapped<T> Evaluator<T>::permute(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  Column<T> source = Column<T>::Zero(event.size());
  for (size_t axis = 0; axis < place.node.shape.size(); ++axis)
    source = source * T(place.node.shape[axis]) + leaf(place, "permutation[" + std::to_string(axis) + "]");
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i) {
    auto from = static_cast<int64_t>(source[i]);
    if (inverse)
      result.value[from] = event[i];
    else
      result.value[i] = event[from];
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Ordered
//===----------------------------------------------------------------------===//

template <typename T>
Mapped<T> Evaluator<T>::ordered(const Place &, bool inverse, const Column<T> &event, const Column<T> &) const {
  Mapped<T> result{event};
  for (int64_t i = 1; i < event.size(); ++i) {
    T log = inverse ? std::log(event[i] - event[i - 1]) : event[i];
    result.value[i] = inverse ? log : result.value[i - 1] + std::exp(log);
    result.logDet += inverse ? -log : log;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// RationalQuadraticSpline
//===----------------------------------------------------------------------===//

/// x / (1 + |x| / bound); x, if the bound is 0.
template <typename T>
static Column<T> clipped(Column<T> x, T bound) {
  for (T &entry : x)
    entry = bound == 0 ? entry : entry / (1 + std::abs(entry) / bound);
  return x;
}

/// The slopes at all knots; those of a clipped spline are exp of its numbers, and 1 at both ends.
template <typename T>
Column<T> Evaluator<T>::knotSlopes(const Place &place) const {
  T clip = T(place.node.attribute<double>("clip"));
  if (clip == 0)
    return positiveLeaf(place, "derivatives.args[0]", place.node.attribute<double>("min_derivative"));
  Column<T> inner = clipped<T>(leaf(place, "derivatives.args[0]"), clip);
  Column<T> all = Column<T>::Ones(inner.size() + 2);
  for (int64_t i = 0; i < inner.size(); ++i)
    all[i + 1] = std::exp(inner[i]);
  return all;
}

template <typename T>
Column<T> Evaluator<T>::knots(const Place &place, const std::string &path) const {
  const auto &interval = place.node.attribute<std::vector<double>>("interval");
  T lo = T(interval[0]), hi = T(interval[1]), minWidth = T(place.node.attribute<double>("min_width"));
  Column<T> raw = clipped<T>(leaf(place, path), T(place.node.attribute<double>("clip")) / 2), weights = raw;
  for (T &weight : weights)
    weight = std::exp(weight - raw.maxCoeff());
  weights /= weights.sum();
  int64_t bins = raw.size();
  Column<T> positions(bins + 1);
  positions[0] = lo;
  for (int64_t bin = 0; bin < bins; ++bin)
    positions[bin + 1] = positions[bin] + minWidth + (hi - lo - T(bins) * minWidth) * weights[bin];
  positions[bins] = hi;
  return positions;
}

template <typename T>
Mapped<T> Evaluator<T>::spline(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  Column<T> xs = knots(place, "x_pos.arr"), ys = knots(place, "y_pos.arr");
  Column<T> slopes = knotSlopes(place);
  const Column<T> &positions = inverse ? ys : xs;
  T v = event[0], lo = positions[0], hi = positions[positions.size() - 1];
  if (!(v >= lo && v <= hi))
    return {event};
  // The bin whose right end is the first knot that is not below v.
  int64_t below = std::count_if(positions.begin(), positions.end(), [&](T position) { return position < v; });
  int64_t k = std::clamp<int64_t>(below - 1, 0, positions.size() - 2);
  T width = xs[k + 1] - xs[k], height = ys[k + 1] - ys[k], s = height / width;
  T left = slopes[k], right = slopes[k + 1], bend = right + left - 2 * s;
  T xi = (v - xs[k]) / width;
  if (inverse) {
    T t = (v - ys[k]) * bend;
    T a = height * (s - left) + t, b = height * left - t, c = -s * (v - ys[k]);
    xi = 2 * c / (-b - std::sqrt(b * b - 4 * a * c));
  }
  T mixed = xi * (1 - xi), denominator = s + bend * mixed;
  T y = ys[k] + height * (s * xi * xi + left * mixed) / denominator;
  T slope = s * s * (right * xi * xi + 2 * s * mixed + left * (1 - xi) * (1 - xi)) / (denominator * denominator);
  T value = inverse ? xs[k] + xi * width : y;
  return {Column<T>::Constant(1, std::clamp(value, lo, hi)), inverse ? -std::log(slope) : std::log(slope)};
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
