//===- Densities.cpp - Log-densities given by a formula -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluates the syntax tree as it was written, with the data of its arrays.
//
//===----------------------------------------------------------------------===//

#include "Comparisons.h"
#include "Evaluator.h"

#include "flowc/Frontend/Data.h"
#include "flowc/Frontend/Formula.h"
#include "flowc/Symbolic/Functions.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <numeric>

namespace flowc::reference {

using ast::MathExpr;
using Kind = MathExpr::Kind;
using symbolic::Function;

namespace {

/// A number, a vector, or a matrix of `columns` columns.
template <typename T>
struct Array {
  std::vector<T> values;
  bool isVector = false;
  size_t columns = 0;

  size_t rows() const { return columns ? values.size() / columns : values.size(); }
  T at(size_t i) const { return values[isVector ? i : 0]; }
  T at(size_t row, size_t column) const { return values[row * columns + column]; }
  /// A row of a matrix, or an element of a vector.
  Array row(size_t i) const {
    if (!columns)
      return {{values[i]}};
    return {{values.begin() + i * columns, values.begin() + (i + 1) * columns}, true};
  }
};

template <typename T>
class DensityEvaluator {
public:
  explicit DensityEvaluator(const Node &density) : data(getDataArrays(density)) {}

  void bind(llvm::StringRef name, Array<T> value) { names.push_back({name, std::move(value)}); }
  Array<T> evaluate(const MathExpr &part);

private:
  Array<T> evaluateName(const MathExpr &name);
  Array<T> evaluateCall(const MathExpr &call);
  Array<T> evaluateScan(const MathExpr &scan);
  Array<T> evaluateElements(const MathExpr &part);

  std::vector<const DataArray *> data;
  std::vector<std::pair<llvm::StringRef, Array<T>>> names;
};

} // namespace

template <typename T>
static T applyOperator(Kind kind, T a, T b) {
  switch (kind) {
  case Kind::Add:
    return a + b;
  case Kind::Subtract:
    return a - b;
  case Kind::Multiply:
    return a * b;
  case Kind::Divide:
    return a / b;
  case Kind::Power:
    return std::pow(a, b);
  default:
    return compare(kind, a, b);
  }
}

template <typename T>
static T applyFunction(const symbolic::FunctionRow &row, const std::vector<T> &u) {
  switch (row.function) {
  case Function::Where:
    return u[0] != 0 ? u[1] : u[2];
  case Function::Min:
    return std::min(u[0], u[1]);
  case Function::Max:
    return std::max(u[0], u[1]);
  default:
    break;
  }
  if (!row.isLogDensity())
    return row.value(u[0]);
  std::vector<T> all(u);
  for (const symbolic::FunctionArgument &argument : row.arguments.subspan(u.size()))
    all.push_back(static_cast<T>(*argument.otherwise));
  return row.density(all);
}

/// A product of vectors, of a matrix and a vector, or of a vector and a matrix.
template <typename T>
static Array<T> dot(const Array<T> &a, const Array<T> &b) {
  if (!a.columns && !b.columns)
    return {{std::inner_product(a.values.begin(), a.values.end(), b.values.begin(), T(0))}};
  const Array<T> &matrix = a.columns ? a : b;
  Array<T> result{{}, true};
  result.values.resize(a.columns ? matrix.rows() : matrix.columns);
  for (size_t row = 0; row < matrix.rows(); ++row)
    for (size_t column = 0; column < matrix.columns; ++column)
      result.values[a.columns ? row : column] += matrix.at(row, column) * (a.columns ? b.at(column) : a.at(row));
  return result;
}

/// A function of whole vectors.
template <typename T>
static Array<T> reduce(Function function, const Array<T> &v) {
  T most = *std::max_element(v.values.begin(), v.values.end());
  Array<T> result{{}, true};
  switch (function) {
  case Function::Max:
    return {{most}};
  case Function::Min:
    return {{*std::min_element(v.values.begin(), v.values.end())}};
  case Function::Cumsum:
    std::partial_sum(v.values.begin(), v.values.end(), std::back_inserter(result.values));
    return result;
  case Function::Detach:
    return v;
  case Function::Mean:
    return {{std::accumulate(v.values.begin(), v.values.end(), T(0)) / T(v.values.size())}};
  case Function::LogSumExp: {
    T shift = std::isfinite(most) ? most : 0, sum = 0;
    for (T value : v.values)
      sum += std::exp(value - shift);
    return {{shift + std::log(sum)}};
  }
  default:
    return {{std::accumulate(v.values.begin(), v.values.end(), T(0))}};
  }
}

template <typename T>
Array<T> DensityEvaluator<T>::evaluateName(const MathExpr &name) {
  if (name.data >= 0) {
    const DataArray &array = *data[name.data];
    return {{array.values.begin(), array.values.end()},
            !array.shape.empty(),
            array.shape.size() == 2 ? size_t(array.shape[1]) : 0};
  }
  for (size_t i = names.size(); i-- > 0;)
    if (names[i].first == name.text)
      return names[i].second;
  return {{std::numbers::pi_v<T>}};
}

template <typename T>
Array<T> DensityEvaluator<T>::evaluateCall(const MathExpr &call) {
  const symbolic::FunctionRow &row = *symbolic::findFunction(call.text);
  if (!row.isOfVectors(call.operands.size()))
    return evaluateElements(call);
  Array<T> v = evaluate(call.operands[0]);
  return row.function == Function::Dot ? dot(v, evaluate(call.operands[1])) : reduce(row.function, v);
}

template <typename T>
Array<T> DensityEvaluator<T>::evaluateScan(const MathExpr &scan) {
  Array<T> state = evaluate(scan.operands.front()), result{{}, true};
  std::vector<Array<T>> over;
  for (size_t k = 1; k + 1 < scan.operands.size(); ++k)
    over.push_back(evaluate(scan.operands[k].operands[0]));
  size_t numNames = names.size();
  for (size_t i = 0; i < over.front().rows(); ++i) {
    bind(scan.text, state);
    for (size_t k = 0; k < over.size(); ++k)
      bind(scan.operands[k + 1].text, over[k].row(i));
    state = evaluate(scan.operands.back());
    result.values.push_back(state.values[0]);
    names.resize(numNames);
  }
  return result;
}

/// Operators and functions that act on every element.
template <typename T>
Array<T> DensityEvaluator<T>::evaluateElements(const MathExpr &part) {
  std::vector<Array<T>> operands;
  Array<T> result;
  size_t count = 1;
  for (const MathExpr &operand : part.operands) {
    operands.push_back(evaluate(operand));
    result.isVector |= operands.back().isVector;
    count = std::max(count, operands.back().values.size());
  }
  for (size_t i = 0; i < count; ++i) {
    std::vector<T> elements;
    for (const Array<T> &operand : operands)
      elements.push_back(operand.at(i));
    if (part.kind == Kind::Call)
      result.values.push_back(applyFunction(*symbolic::findFunction(part.text), elements));
    else
      result.values.push_back(part.kind == Kind::Negate ? -elements[0]
                                                        : applyOperator(part.kind, elements[0], elements[1]));
  }
  return result;
}

template <typename T>
Array<T> DensityEvaluator<T>::evaluate(const MathExpr &part) {
  switch (part.kind) {
  case Kind::Number:
    return {{static_cast<T>(part.number)}};
  case Kind::Name:
  case Kind::Column:
    return evaluateName(part);
  case Kind::Call:
    return evaluateCall(part);
  case Kind::Scan:
    return evaluateScan(part);
  case Kind::Let: {
    bind(part.text, evaluate(part.operands[0]));
    Array<T> result = evaluate(part.operands[1]);
    names.pop_back();
    return result;
  }
  case Kind::Array: {
    Array<T> result{{}, true};
    for (const MathExpr &element : part.operands)
      result.values.push_back(evaluate(element).values[0]);
    return result;
  }
  case Kind::Index:
    return {{evaluate(part.operands[0]).at(size_t(part.operands[1].number))}};
  case Kind::Slice: {
    auto begin = evaluate(part.operands[0]).values;
    return {{begin.begin() + int64_t(part.operands[1].number), begin.begin() + int64_t(part.operands[2].number)}, true};
  }
  case Kind::Gather: {
    Array<T> vector = evaluate(part.operands[0]), result{{}, true};
    for (double position : data[part.data]->values)
      result.values.push_back(vector.at(size_t(position)));
    return result;
  }
  default:
    return evaluateElements(part);
  }
}

template <typename T>
T evaluateDensity(const Node &density, const Column<T> &x) {
  DensityEvaluator<T> evaluator(density);
  const ast::Item &item = density.formula->item;
  evaluator.bind(item.variable, {{x.begin(), x.end()}, true});
  T result = evaluator.evaluate(item.formula).values[0];
  return std::isnan(result) ? -std::numeric_limits<T>::infinity() : result;
}

template float evaluateDensity(const Node &, const Column<float> &);
template double evaluateDensity(const Node &, const Column<double> &);
template long double evaluateDensity(const Node &, const Column<long double> &);

} // namespace flowc::reference
