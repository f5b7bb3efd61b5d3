//===- ExpandMathValue.h - Formulas over SSA values -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that build arith and math ops, so that an expansion reads like its
// formula. Nothing is folded and nothing is contracted: what is written is what
// is computed. Which side of `f(x) + g(x)` comes first is the C++ compiler's choice,
// on which no result depends (docs/Rationale.md, "Why are intermediate values named?").
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CONVERSION_EXPANDMATHVALUE_H
#define FLOWC_LIB_CONVERSION_EXPANDMATHVALUE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include <limits>

namespace flowc {

/// `type` with its element type, or itself if a scalar, replaced by `element`.
inline mlir::Type withElementType(mlir::Type type, mlir::Type element) {
  if (auto shaped = llvm::dyn_cast<mlir::ShapedType>(type))
    return shaped.clone(element);
  return element;
}

/// A scalar constant, or a splat of it.
inline mlir::Value buildConstant(mlir::ImplicitLocOpBuilder &b, mlir::Type type, mlir::TypedAttr element) {
  if (auto shaped = llvm::dyn_cast<mlir::ShapedType>(type))
    return mlir::arith::ConstantOp::create(b, mlir::DenseElementsAttr::get(shaped, mlir::Attribute(element)));
  return mlir::arith::ConstantOp::create(b, element);
}

/// An integer, or a vector of integers: the bits of a floating-point value.
struct MathBits {
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value v;

  operator mlir::Value() const { return v; }
  MathBits constant(uint64_t value) const {
    mlir::Type element = mlir::getElementTypeOrSelf(v.getType());
    llvm::APInt bits(64, value);
    return {b, buildConstant(*b, v.getType(), b->getIntegerAttr(element, bits.trunc(element.getIntOrFloatBitWidth())))};
  }
  template <typename OpTy>
  MathBits apply(MathBits o) const {
    return {b, OpTy::create(*b, v, o.v)};
  }
  MathBits operator+(MathBits o) const { return apply<mlir::arith::AddIOp>(o); }
  MathBits operator-(MathBits o) const { return apply<mlir::arith::SubIOp>(o); }
  MathBits operator*(MathBits o) const { return apply<mlir::arith::MulIOp>(o); }
  MathBits operator&(MathBits o) const { return apply<mlir::arith::AndIOp>(o); }
  MathBits operator|(MathBits o) const { return apply<mlir::arith::OrIOp>(o); }
  MathBits operator^(MathBits o) const { return apply<mlir::arith::XOrIOp>(o); }
  MathBits operator+(uint64_t o) const { return *this + constant(o); }
  MathBits operator-(uint64_t o) const { return *this - constant(o); }
  MathBits operator*(uint64_t o) const { return *this * constant(o); }
  MathBits operator&(uint64_t o) const { return *this & constant(o); }
  MathBits operator|(uint64_t o) const { return *this | constant(o); }
  MathBits operator^(uint64_t o) const { return *this ^ constant(o); }
  MathBits operator<<(uint64_t o) const { return apply<mlir::arith::ShLIOp>(constant(o)); }
  /// The logical shift.
  MathBits operator>>(uint64_t o) const { return apply<mlir::arith::ShRUIOp>(constant(o)); }
  /// Whether the bits of `mask` are not all zero.
  mlir::Value any(uint64_t mask) const {
    return mlir::arith::CmpIOp::create(*b, mlir::arith::CmpIPredicate::ne, (*this & mask).v, constant(0).v);
  }
};

/// A floating-point value, or a vector of them.
struct MathValue {
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value v;

  operator mlir::Value() const { return v; }
  mlir::Type type() const { return v.getType(); }
  bool isF64() const { return mlir::getElementTypeOrSelf(v.getType()).isF64(); }
  /// The one of two constants (or tables) that belongs to the element type.
  template <typename T>
  T pick(T f32, T f64) const {
    return isF64() ? f64 : f32;
  }

  MathValue constant(double value) const {
    llvm::APFloat number = isF64() ? llvm::APFloat(value) : llvm::APFloat(static_cast<float>(value));
    return {b, buildConstant(*b, type(), b->getFloatAttr(mlir::getElementTypeOrSelf(type()), number))};
  }
  MathValue infinity() const { return constant(std::numeric_limits<double>::infinity()); }
  MathValue nan() const { return constant(std::numeric_limits<double>::quiet_NaN()); }

  template <typename OpTy>
  MathValue apply(MathValue o) const {
    return {b, OpTy::create(*b, v, o.v)};
  }
  MathValue operator+(MathValue o) const { return apply<mlir::arith::AddFOp>(o); }
  MathValue operator-(MathValue o) const { return apply<mlir::arith::SubFOp>(o); }
  MathValue operator*(MathValue o) const { return apply<mlir::arith::MulFOp>(o); }
  MathValue operator/(MathValue o) const { return apply<mlir::arith::DivFOp>(o); }
  MathValue operator+(double o) const { return *this + constant(o); }
  MathValue operator-(double o) const { return *this - constant(o); }
  MathValue operator*(double o) const { return *this * constant(o); }
  MathValue operator/(double o) const { return *this / constant(o); }
  MathValue operator-() const { return {b, mlir::arith::NegFOp::create(*b, v)}; }

  /// Ordered comparisons, false for NaN, unless named otherwise.
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, MathValue o) const {
    return mlir::arith::CmpFOp::create(*b, predicate, v, o.v);
  }
  mlir::Value operator<(double o) const { return compare(mlir::arith::CmpFPredicate::OLT, constant(o)); }
  mlir::Value operator>(double o) const { return compare(mlir::arith::CmpFPredicate::OGT, constant(o)); }
  mlir::Value operator<=(double o) const { return compare(mlir::arith::CmpFPredicate::OLE, constant(o)); }
  mlir::Value operator>=(double o) const { return compare(mlir::arith::CmpFPredicate::OGE, constant(o)); }
  mlir::Value operator==(double o) const { return compare(mlir::arith::CmpFPredicate::OEQ, constant(o)); }
  mlir::Value greaterOrNaN(double o) const { return compare(mlir::arith::CmpFPredicate::UGT, constant(o)); }

  MathBits bits() const {
    mlir::Type integer = b->getIntegerType(isF64() ? 64 : 32);
    return {b, mlir::arith::BitcastOp::create(*b, withElementType(type(), integer), v)};
  }
  /// The value with the given bits.
  MathValue fromBits(MathBits bits) const { return {b, mlir::arith::BitcastOp::create(*b, type(), bits.v)}; }
  uint64_t signBit() const { return isF64() ? 1ull << 63 : 1ull << 31; }
  unsigned mantissaBits() const { return isF64() ? 52 : 23; }
  unsigned bias() const { return isF64() ? 1023 : 127; }

  MathValue abs() const { return {b, mlir::math::AbsFOp::create(*b, v)}; }
  MathValue negativeAbs() const { return fromBits(bits() | signBit()); }
  MathValue sqrt() const { return {b, mlir::math::SqrtOp::create(*b, v)}; }
  MathValue copySign(MathValue sign) const { return {b, mlir::math::CopySignOp::create(*b, v, sign.v)}; }

  /// The smaller, or the larger, of this and a constant; NaN stays NaN. The
  /// order of the operands is what makes each a single x86 instruction.
  MathValue min(double limit) const {
    MathValue l = constant(limit);
    return select(l.compare(mlir::arith::CmpFPredicate::OLT, *this), l, *this);
  }
  MathValue max(double limit) const {
    MathValue l = constant(limit);
    return select(l.compare(mlir::arith::CmpFPredicate::OGT, *this), l, *this);
  }

  static MathValue select(mlir::Value condition, MathValue yes, MathValue no) {
    return {yes.b, mlir::arith::SelectOp::create(*yes.b, condition, yes.v, no.v)};
  }
};

inline MathValue select(mlir::Value condition, MathValue yes, MathValue no) {
  return MathValue::select(condition, yes, no);
}
inline MathValue select(mlir::Value condition, double yes, MathValue no) {
  return MathValue::select(condition, no.constant(yes), no);
}
inline MathValue select(mlir::Value condition, MathValue yes, double no) {
  return MathValue::select(condition, yes, yes.constant(no));
}

/// x * y + z, rounded once.
inline MathValue fma(MathValue x, MathValue y, MathValue z) {
  return {x.b, mlir::math::FmaOp::create(*x.b, x.v, y.v, z.v)};
}
inline MathValue fma(MathValue x, double y, MathValue z) { return fma(x, x.constant(y), z); }
inline MathValue fma(MathValue x, MathValue y, double z) { return fma(x, y, x.constant(z)); }
inline MathValue fma(MathValue x, double y, double z) { return fma(x, x.constant(y), z); }

/// An f32 function computed in f64; `build` gets f64 values, and returns one.
/// For rarely used functions: half the speed, no coefficients of their own, and
/// hardly more than half an ULP.
inline mlir::Value inF64(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange operands,
                         llvm::function_ref<MathValue(llvm::ArrayRef<MathValue>)> build) {
  mlir::Type type = operands.front().getType(), wide = withElementType(type, b.getF64Type());
  llvm::SmallVector<MathValue> values;
  for (mlir::Value operand : operands)
    values.push_back({&b, type == wide ? operand : mlir::arith::ExtFOp::create(b, wide, operand).getResult()});
  MathValue result = build(values);
  return type == wide ? result.v : mlir::arith::TruncFOp::create(b, type, result).getResult();
}

/// A polynomial with the constant term first, by Estrin's scheme: as many
/// fused multiply-adds as Horner's, plus a few squarings, in a dependency chain
/// of logarithmic length. Three terms end as Horner would, which is as fast and
/// rounds the leading term once less.
inline MathValue polynomial(MathValue x, llvm::ArrayRef<double> coefficients) {
  llvm::SmallVector<MathValue> terms;
  size_t n = coefficients.size();
  for (size_t i = 0; i < n; i += 2)
    terms.push_back(i + 1 < n ? fma(x, coefficients[i + 1], coefficients[i]) : x.constant(coefficients[i]));
  MathValue power = x;
  while (terms.size() > 1) {
    power = power * power;
    if (terms.size() == 3)
      return fma(fma(terms[2], power, terms[1]), power, terms[0]);
    llvm::SmallVector<MathValue> next;
    for (size_t i = 0; i < terms.size(); i += 2)
      next.push_back(i + 1 < terms.size() ? fma(terms[i + 1], power, terms[i]) : terms[i]);
    terms = std::move(next);
  }
  return terms.front();
}

/// e^x for x between the logarithms of the smallest normal and of half the
/// largest finite number.
MathValue expInRange(MathValue x);

/// R of log(1 + f) = 2s + s R(s^2) with s = f / (2 + f), for f64 and 1 + f between
/// sqrt(1/2) and sqrt(2).
MathValue logSeries(MathValue z);

/// log(1 + u) for u in [0, 1].
MathValue log1pUnit(MathValue u);

/// An unevaluated sum, the second term being at most half an ULP of the first.
struct MathPair {
  MathValue high, low;
};

/// log(x) for positive, normal, finite f64, to about 2^-66.
MathPair logPair(MathValue x);

/// e^(x + low) of f64 with a `low` below an ULP of x; overflows like `buildExp`.
MathValue expOfPair(MathPair x);

} // namespace flowc

#endif // FLOWC_LIB_CONVERSION_EXPANDMATHVALUE_H
