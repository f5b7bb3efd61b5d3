//===- Number.h - Formulas over tensors -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that add nodes, so that a function reads like its formula.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_ONNX_NUMBER_H
#define FLOWC_LIB_ONNX_NUMBER_H

#include "GraphBuilder.h"

#include <limits>

namespace flowc::onnx {

/// A tensor of truths.
struct Truth {
  GraphBuilder *b;
  Tensor t;

  operator Tensor() const { return t; }
  Truth operator&&(const Truth &o) const { return {b, b->make("And", {t, o.t})}; }
  Truth operator||(const Truth &o) const { return {b, b->make("Or", {t, o.t})}; }
  Truth operator!() const { return {b, b->make("Not", {t})}; }
};

/// A tensor of numbers.
struct Number {
  GraphBuilder *b;
  Tensor t;

  operator Tensor() const { return t; }
  Number constant(double value) const { return {b, b->constant(value, t.type)}; }
  Number infinity() const { return constant(std::numeric_limits<double>::infinity()); }
  Number nan() const { return constant(std::numeric_limits<double>::quiet_NaN()); }

  Number apply(std::string_view op) const { return {b, b->make(op, {t})}; }
  Number apply(std::string_view op, const Number &o) const { return {b, b->make(op, {t, o.t})}; }
  Truth compare(std::string_view op, const Number &o) const { return {b, b->makeAs(ElementType::Bool, op, {t, o.t})}; }

  Number operator+(const Number &o) const { return apply("Add", o); }
  Number operator-(const Number &o) const { return apply("Sub", o); }
  Number operator*(const Number &o) const { return apply("Mul", o); }
  Number operator/(const Number &o) const { return apply("Div", o); }
  Number operator+(double o) const { return *this + constant(o); }
  Number operator-(double o) const { return *this - constant(o); }
  Number operator*(double o) const { return *this * constant(o); }
  Number operator/(double o) const { return *this / constant(o); }
  Number operator-() const { return apply("Neg"); }

  /// False for NaN.
  Truth operator<(const Number &o) const { return compare("Less", o); }
  Truth operator<=(const Number &o) const { return compare("LessOrEqual", o); }
  Truth operator==(const Number &o) const { return compare("Equal", o); }
  Truth operator<(double o) const { return *this < constant(o); }
  Truth operator>(double o) const { return constant(o) < *this; }
  Truth operator==(double o) const { return *this == constant(o); }
  Truth isNaN() const { return {b, b->makeAs(ElementType::Bool, "IsNaN", {t})}; }

  Number abs() const { return apply("Abs"); }
  Number sqrt() const { return apply("Sqrt"); }
  Number exp() const { return apply("Exp"); }
  Number log() const { return apply("Log"); }
  Number tanh() const { return apply("Tanh"); }
  Number cast(ElementType type) const {
    return type == t.type ? *this : Number{b, b->makeAs(type, "Cast", {t}, {{"to", type}})};
  }
};

inline Number operator-(double x, const Number &y) { return y.constant(x) - y; }
inline Number operator/(double x, const Number &y) { return y.constant(x) / y; }

inline Number select(const Truth &condition, const Number &yes, const Number &no) {
  Number result{yes.b, yes.b->make("Where", {condition.t, yes.t, no.t})};
  result.t.type = yes.t.type;
  return result;
}
inline Number select(const Truth &condition, const Number &yes, double no) {
  return select(condition, yes, yes.constant(no));
}
inline Number select(const Truth &condition, double yes, const Number &no) {
  return select(condition, no.constant(yes), no);
}
/// The smaller and the larger; the first one if a number is NaN.
inline Number min(const Number &x, const Number &y) { return select(y < x, y, x); }
inline Number max(const Number &x, const Number &y) { return select(x < y, y, x); }

/// The largest finite number of a type.
inline double getLargest(ElementType type) {
  return type == ElementType::Double ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
}

/// log(1 + e^x), as Functions.cpp computes it.
Number log1pExp(Number x);

} // namespace flowc::onnx

#endif // FLOWC_LIB_ONNX_NUMBER_H
