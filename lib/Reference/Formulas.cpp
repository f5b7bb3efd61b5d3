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

#include "Comparisons.h"
#include "Evaluator.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/Symbolic/Functions.h"

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

template <typename T>
bool FormulaEvaluator<T>::holds(const MathExpr &comparison) {
  return compare(comparison.kind, evaluate(comparison.operands[0]).value, evaluate(comparison.operands[1]).value);
}

template <typename T>
Dual<T> FormulaEvaluator<T>::evaluateCall(const MathExpr &call) {
  const symbolic::FunctionRow &row = *symbolic::findFunction(call.text);
  if (row.function == symbolic::Function::Where)
    return evaluate(call.operands[holds(call.operands[0]) ? 1 : 2]);
  auto [u, du] = evaluate(call.operands[0]);
  if (row.function == symbolic::Function::Min || row.function == symbolic::Function::Max) {
    Dual<T> v = evaluate(call.operands[1]);
    return (row.function == symbolic::Function::Min) == (u < v.value) ? Dual<T>{u, du} : v;
  }
  return {row.value(u), row.slope(u) * du};
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
