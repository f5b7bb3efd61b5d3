//===- Formulas.cpp - Bijections given by a formula -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluates the syntax tree as it was written, with its derivative beside each
// value; the inverse is found by bisection. Nothing is simplified.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "flowc/Frontend/Formula.h"

#include <functional>
#include <limits>
#include <numbers>

namespace flowc::reference {

using ast::FormulaParameter;
using ast::MathExpr;
using Kind = MathExpr::Kind;

namespace {

/// A number and its derivative with respect to the variable.
template <typename T>
struct Dual {
  T value = 0, slope = 0;
};

template <typename T>
class FormulaEvaluator {
public:
  explicit FormulaEvaluator(const ast::Item &item) : item(item) {}

  void bind(llvm::StringRef name, Dual<T> value) { names.push_back({name, value}); }
  Dual<T> evaluate(const MathExpr &part);

private:
  Dual<T> evaluateCall(const MathExpr &call);
  bool holds(const MathExpr &comparison);

  const ast::Item &item;
  std::vector<std::pair<llvm::StringRef, Dual<T>>> names;
};

/// The derivative of log Gamma.
template <typename T>
T digamma(T u) {
  T shift = 0;
  for (; u < 30; ++u)
    shift -= 1 / u;
  T r = 1 / (u * u);
  return shift + std::log(u) - 1 / (2 * u) -
         r * (T(1) / 12 - r * (T(1) / 120 - r * (T(1) / 252 - r * (T(1) / 240 - r * (T(5) / 660)))));
}

template <typename T>
bool FormulaEvaluator<T>::holds(const MathExpr &comparison) {
  T a = evaluate(comparison.operands[0]).value, b = evaluate(comparison.operands[1]).value;
  switch (comparison.kind) {
  case Kind::Less:
    return a < b;
  case Kind::LessEqual:
    return a <= b;
  case Kind::Greater:
    return a > b;
  case Kind::GreaterEqual:
    return a >= b;
  case Kind::Equal:
    return a == b;
  default:
    return a != b;
  }
}

template <typename T>
Dual<T> FormulaEvaluator<T>::evaluateCall(const MathExpr &call) {
  llvm::StringRef name = call.text;
  if (name == "where")
    return evaluate(call.operands[holds(call.operands[0]) ? 1 : 2]);
  auto [u, du] = evaluate(call.operands[0]);
  if (name == "min" || name == "max") {
    Dual<T> v = evaluate(call.operands[1]);
    return (name == "min") == (u < v.value) ? Dual<T>{u, du} : v;
  }
  // The value and the derivative of each function.
  static const std::map<std::string, std::function<Dual<T>(T)>> functions = {
      {"abs", [](T x) { return Dual<T>{std::abs(x), T(x > 0) - T(x < 0)}; }},
      {"asinh", [](T x) { return Dual<T>{std::asinh(x), 1 / std::hypot(T(1), x)}; }},
      {"atan", [](T x) { return Dual<T>{std::atan(x), 1 / (1 + x * x)}; }},
      {"atanh", [](T x) { return Dual<T>{std::atanh(x), 1 / ((1 - x) * (1 + x))}; }},
      {"cos", [](T x) { return Dual<T>{std::cos(x), -std::sin(x)}; }},
      {"cosh", [](T x) { return Dual<T>{std::cosh(x), std::sinh(x)}; }},
      {"erf", [](T x) { return Dual<T>{std::erf(x), 2 * std::numbers::inv_sqrtpi_v<T> * std::exp(-x * x)}; }},
      {"exp", [](T x) { return Dual<T>{std::exp(x), std::exp(x)}; }},
      {"expm1", [](T x) { return Dual<T>{std::expm1(x), std::exp(x)}; }},
      {"lgamma", [](T x) { return Dual<T>{std::lgamma(x), digamma(x)}; }},
      {"log", [](T x) { return Dual<T>{std::log(x), 1 / x}; }},
      {"log1p", [](T x) { return Dual<T>{std::log1p(x), 1 / (1 + x)}; }},
      {"sigmoid", [](T x) { return Dual<T>{1 / (1 + std::exp(-x)), 1 / (2 + std::exp(x) + std::exp(-x))}; }},
      {"sin", [](T x) { return Dual<T>{std::sin(x), std::cos(x)}; }},
      {"sinh", [](T x) { return Dual<T>{std::sinh(x), std::cosh(x)}; }},
      {"softplus", [](T x) { return Dual<T>{reference::softplus(x), 1 / (1 + std::exp(-x))}; }},
      {"sqrt", [](T x) { return Dual<T>{std::sqrt(x), 1 / (2 * std::sqrt(x))}; }},
      {"tanh", [](T x) { return Dual<T>{std::tanh(x), 1 / (std::cosh(x) * std::cosh(x))}; }},
  };
  Dual<T> outer = functions.at(name.str())(u);
  return {outer.value, outer.slope * du};
}

template <typename T>
Dual<T> FormulaEvaluator<T>::evaluate(const MathExpr &part) {
  switch (part.kind) {
  case Kind::Number:
    return {static_cast<T>(part.number), 0};
  case Kind::Name:
    for (size_t i = names.size(); i-- > 0;)
      if (names[i].first == part.text)
        return names[i].second;
    return {std::numbers::pi_v<T>, 0};
  case Kind::Call:
    return evaluateCall(part);
  case Kind::Let: {
    names.push_back({part.text, evaluate(part.operands[0])});
    Dual<T> result = evaluate(part.operands[1]);
    names.pop_back();
    return result;
  }
  case Kind::Negate: {
    Dual<T> u = evaluate(part.operands[0]);
    return {-u.value, -u.slope};
  }
  default:
    break;
  }
  auto [u, du] = evaluate(part.operands[0]);
  auto [v, dv] = evaluate(part.operands[1]);
  switch (part.kind) {
  case Kind::Add:
    return {u + v, du + dv};
  case Kind::Subtract:
    return {u - v, du - dv};
  case Kind::Multiply:
    return {u * v, du * v + u * dv};
  case Kind::Divide:
    return {u / v, du / v - u / v * dv / v};
  default:
    return {std::pow(u, v),
            (du == 0 ? 0 : du * v * std::pow(u, v - 1)) + (dv == 0 ? 0 : dv * std::pow(u, v) * std::log(u))};
  }
}

} // namespace

/// The root of `residual`, which has one between the ends and is NaN or has one
/// sign on either side of it.
template <typename T, typename Residual>
static T bisect(Residual residual) {
  // A grid that is fine near 0 and reaches far out, then halving.
  std::vector<T> grid{0};
  for (T size = T(1e-25); size < T(1e35); size *= 2) {
    grid.push_back(size);
    grid.insert(grid.begin(), -size);
  }
  std::optional<T> low, high;
  bool isRising = true;
  for (size_t i = 0; i + 1 < grid.size() && !low; ++i) {
    T left = grid[i], right = grid[i + 1];
    if (std::isnan(residual(left)) != std::isnan(residual(right))) {
      // The domain ends in between: the part that is in it.
      T inside = left, outside = right;
      if (std::isnan(residual(left)))
        std::swap(inside, outside);
      for (int step = 0; step < 200; ++step) {
        T middle = (inside + outside) / 2;
        (std::isnan(residual(middle)) ? outside : inside) = middle;
      }
      (std::isnan(residual(left)) ? left : right) = inside;
    }
    T a = residual(left), b = residual(right);
    if (!std::isnan(a) && !std::isnan(b) && (a < 0) != (b < 0)) {
      low = left, high = right;
      isRising = a < 0;
    }
  }
  if (!low)
    return std::numeric_limits<T>::quiet_NaN();
  for (int i = 0; i < 200; ++i) {
    T middle = (*low + *high) / 2;
    ((residual(middle) < 0) == isRising ? low : high) = middle;
  }
  return (*low + *high) / 2;
}

template <typename T>
Mapped<T> Evaluator<T>::formula(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const {
  const ast::Item &item = place.node.formula->item;
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i) {
    std::vector<std::pair<llvm::StringRef, T>> values;
    for (const FormulaParameter &parameter : item.parameters) {
      T value = leaf(place, parameter.name.str())[i];
      if (parameter.domain == FormulaParameter::Domain::Positive)
        value = reference::softplus(value);
      else if (parameter.domain == FormulaParameter::Domain::Interval)
        value = T(parameter.low) + (T(parameter.high) - T(parameter.low)) / (1 + std::exp(-value));
      values.push_back({parameter.name, value});
    }
    auto apply = [&](T x) {
      FormulaEvaluator<T> evaluator(item);
      evaluator.bind(item.variable, {x, 1});
      for (auto &[name, value] : values)
        evaluator.bind(name, {value, 0});
      return evaluator.evaluate(item.formula);
    };
    T x = inverse ? bisect<T>([&](T at) { return apply(at).value - event[i]; }) : event[i];
    Dual<T> y = apply(x);
    T logDet = std::log(std::abs(y.slope));
    result.value[i] = inverse ? x : y.value;
    result.logDet += inverse ? -logDet : logDet;
  }
  return result;
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
