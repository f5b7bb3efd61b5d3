//===- Distributions.cpp - Densities --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <algorithm>
#include <limits>
#include <numbers>

namespace flowc::reference {

//===----------------------------------------------------------------------===//
// One coordinate
//===----------------------------------------------------------------------===//

namespace {
/// The log-density of one coordinate, given its parameters.
template <typename T>
using Density = T (*)(T x, const T *parameters);

/// A distribution of independent coordinates and the paths of its parameters.
template <typename T>
struct Independent {
  Density<T> density;
  std::vector<std::string> paths = {};
};

template <typename T>
constexpr T infinity = std::numeric_limits<T>::infinity();

/// a log(x), with 0 log(0) = 0.
template <typename T>
T xlogy(T a, T x) {
  return a == 0 && !std::isnan(x) ? T(0) : a * std::log(x);
}

template <typename T>
T normal(T x, const T *) {
  return -(std::log(2 * std::numbers::pi_v<T>) + x * x) / 2;
}

// Some roundings beyond the ends count as the ends.
template <typename T>
T uniform(T x, const T *) {
  T margin = 4 * std::numeric_limits<T>::epsilon();
  if (std::isnan(x))
    return x;
  return x < -margin || x > 1 + margin ? -infinity<T> : T(0);
}

template <typename T>
T gumbel(T x, const T *) {
  return -x - std::exp(-x);
}

template <typename T>
T cauchy(T x, const T *) {
  return -std::log(std::numbers::pi_v<T>) - 2 * std::log(std::hypot(T(1), x));
}

template <typename T>
T laplace(T x, const T *) {
  return -std::abs(x) - std::numbers::ln2_v<T>;
}

template <typename T>
T exponential(T x, const T *) {
  return x < 0 ? -infinity<T> : -x;
}

template <typename T>
T logistic(T x, const T *) {
  return -std::abs(x) - 2 * std::log1p(std::exp(-std::abs(x)));
}

template <typename T>
T studentT(T x, const T *parameters) {
  T df = parameters[0];
  T norm = std::lgamma((df + 1) / 2) - std::lgamma(df / 2) - std::log(df * std::numbers::pi_v<T>) / 2;
  return norm - (df + 1) * std::log(std::hypot(T(1), x / std::sqrt(df)));
}

template <typename T>
T gamma(T x, const T *parameters) {
  T a = parameters[0];
  return x < 0 ? -infinity<T> : xlogy(a - 1, x) - x - std::lgamma(a);
}

template <typename T>
T beta(T x, const T *parameters) {
  T a = parameters[0], b = parameters[1];
  if (x < 0 || x > 1)
    return -infinity<T>;
  T logBeta = std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
  T second = b == 1 && !std::isnan(x) ? T(0) : (b - 1) * std::log1p(-x);
  return xlogy(a - 1, x) + second - logBeta;
}
} // namespace

template <typename T>
static const std::map<std::string, Independent<T>> &independents() {
  static const std::map<std::string, Independent<T>> table = {
      {"standard_normal", {normal<T>}},
      {"standard_uniform", {uniform<T>}},
      {"standard_gumbel", {gumbel<T>}},
      {"standard_cauchy", {cauchy<T>}},
      {"standard_laplace", {laplace<T>}},
      {"standard_exponential", {exponential<T>}},
      {"standard_logistic", {logistic<T>}},
      {"standard_student_t", {studentT<T>, {"df.args[0]"}}},
      {"standard_gamma", {gamma<T>, {"concentration.args[0]"}}},
      {"beta", {beta<T>, {"alpha.args[0]", "beta.args[0]"}}},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

bool hasBase(const Node &distribution) {
  for (const auto &field : distribution.fields)
    if (const Child *child = std::get_if<Child>(&field); child && child->path == "base_dist")
      return true;
  return false;
}

template <typename T>
bool Evaluator<T>::knowsDistribution(const Node &node) {
  auto isPart = [](const auto &field) {
    const Child *child = std::get_if<Child>(&field);
    return child && child->path == "dist";
  };
  return independents<T>().contains(node.kind) || hasBase(node) || std::ranges::any_of(node.fields, isPart);
}

template <typename T>
T Evaluator<T>::mixture(const Place &place, const Column<T> &event, const Column<T> &condition) const {
  Column<T> logWeights = leaf(place, "log_normalized_weights.args[0]");
  int64_t components = logWeights.size();
  auto logSumExp = [](const Column<T> &values) {
    T largest = values.maxCoeff();
    return std::isfinite(largest) ? largest + std::log((values.array() - largest).exp().sum()) : largest;
  };
  Column<T> densities(components);
  for (int64_t k = 0; k < components; ++k) {
    Place component = place.child("dist");
    component.indices.push_back(k);
    component.extents.push_back(components);
    densities[k] = logDensity(component, event, condition) + logWeights[k];
  }
  return logSumExp(densities) - logSumExp(logWeights);
}

template <typename T>
T Evaluator<T>::density(const Place &place, const Column<T> &event, const Column<T> &condition) const {
  T result = 0;
  auto independent = independents<T>().find(place.node.kind);
  if (independent != independents<T>().end()) {
    std::vector<Column<T>> parameters;
    for (const std::string &path : independent->second.paths)
      parameters.push_back(positiveLeaf(place, path, /*minimum=*/0));
    for (int64_t i = 0; i < event.size(); ++i) {
      std::vector<T> own;
      for (const Column<T> &parameter : parameters)
        own.push_back(parameter[i]);
      result += independent->second.density(event[i], own.data());
    }
  } else if (hasBase(place.node)) {
    Mapped<T> base = apply(place.child("bijection"), /*inverse=*/true, event, condition);
    result = logDensity(place.child("base_dist"), base.value, condition) + base.logDet;
  } else {
    result = mixture(place, event, condition);
  }
  return std::isnan(result) ? -infinity<T> : result;
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
