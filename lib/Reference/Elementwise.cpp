//===- Elementwise.cpp - Bijections of one element ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <limits>
#include <map>
#include <numbers>

namespace flowc::reference {

namespace {

/// An element and log|slope| of the forward direction at its preimage.
template <typename T>
struct Mapped1 {
  T value, logSlope;
};

template <typename T>
T number(const Node &node, const char *name) {
  return T(node.attribute<double>(name));
}

template <typename T>
T logSlopeOfTanh(T x) {
  return -2 * (x + softplus(-2 * x) - std::numbers::ln2_v<T>);
}

template <typename T>
Mapped1<T> exponential(const Node &, bool inverse, T v) {
  T x = inverse ? std::log(v) : v;
  return {inverse ? x : std::exp(x), x};
}

template <typename T>
Mapped1<T> sigmoid(const Node &, bool inverse, T v) {
  T x = inverse ? std::log(v) - std::log1p(-v) : v;
  T y = x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
  return {inverse ? x : y, -softplus(x) - softplus(-x)};
}

template <typename T>
Mapped1<T> leakyTanh(const Node &node, bool inverse, T v) {
  T max = number<T>(node, "max_val"), edge = std::tanh(max), logSlope = logSlopeOfTanh(max);
  T slope = std::exp(logSlope), sign = v < 0 ? -1 : 1;
  if (inverse) {
    if (std::abs(v) >= edge)
      return {sign * max + (v - sign * edge) / slope, logSlope};
    T x = std::atanh(v);
    return {x, logSlopeOfTanh(x)};
  }
  if (std::abs(v) >= max)
    return {slope * v + sign * (edge - slope * max), logSlope};
  return {std::tanh(v), logSlopeOfTanh(v)};
}

template <typename T>
Mapped1<T> power(const Node &node, bool inverse, T v) {
  T exponent = number<T>(node, "exponent");
  if (v < 0)
    return {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::quiet_NaN()};
  T x = inverse ? std::pow(v, 1 / exponent) : v;
  T logX = inverse ? std::log(v) / exponent : std::log(v);
  T logSlope = std::log(std::abs(exponent)) + (exponent == 1 ? 0 : (exponent - 1) * logX);
  return {inverse ? x : std::pow(v, exponent), logSlope};
}

template <typename T>
using Rule1 = Mapped1<T> (*)(const Node &, bool, T);

template <typename T>
const std::map<std::string, Rule1<T>> &elementRules() {
  static const std::map<std::string, Rule1<T>> rules = {
      {"exp", exponential<T>}, {"sigmoid", sigmoid<T>}, {"leaky_tanh", leakyTanh<T>}, {"power", power<T>}};
  return rules;
}

} // namespace

template <typename T>
bool Evaluator<T>::knowsElement(const std::string &kind) {
  return elementRules<T>().contains(kind);
}

template <typename T>
Mapped<T> Evaluator<T>::elementwise(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  Rule1<T> rule = elementRules<T>().at(place.node.kind);
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i) {
    Mapped1<T> element = rule(place.node, inverse, event[i]);
    result.value[i] = element.value;
    result.logDet += inverse ? -element.logSlope : element.logSlope;
  }
  return result;
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
