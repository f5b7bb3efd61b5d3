//===- Arithmetic.cpp - Arithmetic in ONNX --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace flowc::onnx;
using namespace mlir;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static LogicalResult convertConstant(Converter &c, arith::ConstantOp op) {
  llvm::SmallVector<double> numbers;
  auto add = [&](mlir::Attribute element) {
    if (auto number = dyn_cast<FloatAttr>(element))
      numbers.push_back(number.getValueAsDouble());
    else
      numbers.push_back(static_cast<double>(cast<IntegerAttr>(element).getInt()));
  };
  if (auto elements = dyn_cast<DenseElementsAttr>(op.getValue()))
    llvm::for_each(elements.getValues<mlir::Attribute>(), add);
  else
    add(op.getValue());
  Type element = getElementTypeOrSelf(op.getType());
  Tensor constant = c.b.constants(numbers, shapeOf(op), c.b.real);
  if (!isa<FloatType>(element))
    constant = c.b.makeAs(c.convertType(element), "Cast", {constant}, {{"to", c.convertType(element)}});
  c.set(op, constant);
  return success();
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// ONNX's comparisons are false for NaN: what is true for it is the opposite of one.
static Truth compare(arith::CmpFPredicate predicate, const Number &x, const Number &y) {
  using enum arith::CmpFPredicate;
  switch (predicate) {
  case AlwaysFalse:
    return {x.b, x.b->truth(false)};
  case AlwaysTrue:
    return {x.b, x.b->truth(true)};
  case OEQ:
    return x == y;
  case OGT:
    return y < x;
  case OGE:
    return y <= x;
  case OLT:
    return x < y;
  case OLE:
    return x <= y;
  case ONE:
    return x < y || y < x;
  case UNO:
    return x.isNaN() || y.isNaN();
  case ORD:
    return !compare(UNO, x, y);
  case UEQ:
    return !compare(ONE, x, y);
  case UGT:
    return !(x <= y);
  case UGE:
    return !(x < y);
  case ULT:
    return !(y <= x);
  case ULE:
    return !(y < x);
  case UNE:
    return !(x == y);
  }
  llvm_unreachable("no predicate");
}

static LogicalResult convertCompare(Converter &c, arith::CmpFOp op) {
  c.set(op, compare(op.getPredicate(), c.number(op.getLhs()), c.number(op.getRhs())));
  return success();
}

static LogicalResult convertSelect(Converter &c, arith::SelectOp op) {
  Tensor condition = c.get(op.getCondition());
  for (int64_t rank = rankOf(op.getCondition()); rank < rankOf(op); ++rank)
    condition = c.b.addLastAxis(condition);
  c.set(op, select({&c.b, condition}, c.number(op.getTrueValue()), c.number(op.getFalseValue())));
  return success();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// NaN if one of them is.
static Number maximum(Number x, Number y) { return select(x < y || y.isNaN(), y, x); }
static Number minimum(Number x, Number y) { return select(y < x || y.isNaN(), y, x); }

static Number copySign(Number x, Number sign) {
  // -0 is told from 0 by its reciprocal.
  Truth isNegative = sign < 0 || (sign == 0 && 1.0 / sign < 0);
  return select(isNegative, -x.abs(), x.abs());
}

static LogicalResult convertFma(Converter &c, math::FmaOp op) {
  c.set(op, c.number(op.getA()) * c.number(op.getB()) + c.number(op.getC()));
  return success();
}

/// And, or, exclusive or of truths.
template <typename OpTy, const char *node>
static LogicalResult convertLogic(Converter &c, OpTy op) {
  if (c.convertType(op.getType()) != ElementType::Bool)
    return op.emitError("'") << op->getName() << "' of the bits of integers has no form in ONNX";
  c.set(op, c.b.make(node, {c.get(op.getLhs()), c.get(op.getRhs())}));
  return success();
}
static constexpr char kAnd[] = "And", kOr[] = "Or", kXor[] = "Xor";

/// Integers as such, truths modulo 2.
template <typename OpTy, const char *ofTruths, const char *ofIntegers>
static LogicalResult convertInteger(Converter &c, OpTy op) {
  bool isTruth = c.convertType(op.getType()) == ElementType::Bool;
  c.set(op, c.b.make(isTruth ? ofTruths : ofIntegers, {c.get(op.getLhs()), c.get(op.getRhs())}));
  return success();
}
static constexpr char kAdd[] = "Add", kSub[] = "Sub", kMul[] = "Mul";

void flowc::onnx::addArithmetic(Patterns &patterns) {
  patterns.add<arith::ConstantOp>(convertConstant);
  patterns.add<arith::CmpFOp>(convertCompare);
  patterns.add<arith::SelectOp>(convertSelect);
  patterns.addSame<arith::AddFOp>("Add");
  patterns.addSame<arith::SubFOp>("Sub");
  patterns.addSame<arith::MulFOp>("Mul");
  patterns.addSame<arith::DivFOp>("Div");
  patterns.addSame<arith::NegFOp>("Neg");
  patterns.addFormula<arith::MaximumFOp>(maximum);
  patterns.addFormula<arith::MinimumFOp>(minimum);
  patterns.add<arith::AndIOp>(convertLogic<arith::AndIOp, kAnd>);
  patterns.add<arith::OrIOp>(convertLogic<arith::OrIOp, kOr>);
  patterns.add<arith::XOrIOp>(convertLogic<arith::XOrIOp, kXor>);
  patterns.add<arith::AddIOp>(convertInteger<arith::AddIOp, kXor, kAdd>);
  patterns.add<arith::SubIOp>(convertInteger<arith::SubIOp, kXor, kSub>);
  patterns.add<arith::MulIOp>(convertInteger<arith::MulIOp, kAnd, kMul>);
  patterns.addSame<math::AbsFOp>("Abs");
  patterns.addSame<math::CeilOp>("Ceil");
  patterns.addSame<math::FloorOp>("Floor");
  patterns.addSame<math::RoundEvenOp>("Round");
  patterns.addSame<math::SqrtOp>("Sqrt");
  patterns.addFormula<math::CopySignOp>(copySign);
  patterns.add<math::FmaOp>(convertFma);
}
