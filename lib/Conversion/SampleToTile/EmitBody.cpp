//===- EmitBody.cpp - Bodies of maps in the tile program ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A float becomes a vector with one lane per sample, a small tensor becomes one
// such vector per element, held in registers.
//
//===----------------------------------------------------------------------===//

#include "Body.h"
#include "flowc/Conversion/ExpandMath.h"
#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Tile/IR/TileDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

Type BodyEmitter::convert(Type element) const {
  if (auto tensor = dyn_cast<RankedTensorType>(element))
    element = tensor.getElementType();
  return lanes ? Type(VectorType::get({lanes}, element)) : element;
}

/// A constant of every lane.
static Value buildLaneConstant(ImplicitLocOpBuilder &b, Type type, Attribute value) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, value));
  return arith::ConstantOp::create(b, cast<TypedAttr>(value));
}

Value BodyEmitter::indexConstant(int64_t value) {
  return buildLaneConstant(b, convert(b.getI32Type()), b.getI32IntegerAttr(value));
}

LogicalResult BodyEmitter::emit(Block &block, BodyMap &values) {
  for (Operation &op : block.without_terminator())
    if (failed(emitOp(&op, values)))
      return failure();
  return success();
}

SmallVector<BodyValue> BodyEmitter::getYielded(Block &block, BodyMap &values) {
  SmallVector<BodyValue> yielded;
  for (Value operand : block.getTerminator()->getOperands())
    yielded.push_back(values.lookup(operand));
  return yielded;
}

/// Ops of one result that act on every element alone: emitted per element.
LogicalResult BodyEmitter::emitElementwise(Operation *op, BodyMap &values) {
  int64_t elements = getNumElements(op->getResult(0).getType());
  BodyValue results;
  for (int64_t i = 0; i < elements; ++i) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      const BodyValue &value = values.find(operand)->second;
      operands.push_back(value.size() == 1 ? value[0] : value[i]);
    }
    Type type = convert(op->getResult(0).getType());
    OperationState state(op->getLoc(), op->getName(), operands, {type}, op->getAttrs());
    results.push_back(b.create(state)->getResult(0));
  }
  values[op->getResult(0)] = std::move(results);
  return success();
}

/// The multiplication that `value` comes from, if nothing else needs its result.
static arith::MulFOp getFusible(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  return product && value.hasOneUse() ? product : arith::MulFOp();
}

/// a * b + c, a * b - c and c - a * b with one rounding. The choice is made here,
/// on the sample program, so that it is the same for every shape of tile.
bool BodyEmitter::emitFused(Operation *op, BodyMap &values) {
  if (!isa<arith::AddFOp, arith::SubFOp>(op))
    return false;
  bool subtract = isa<arith::SubFOp>(op);
  arith::MulFOp left = getFusible(op->getOperand(0)), right = left ? arith::MulFOp() : getFusible(op->getOperand(1));
  arith::MulFOp product = left ? left : right;
  if (!product)
    return false;
  const BodyValue &x = values.find(product.getLhs())->second, &y = values.find(product.getRhs())->second;
  const BodyValue &z = values.find(op->getOperand(left ? 1 : 0))->second;
  auto at = [](const BodyValue &value, int64_t i) { return value.size() == 1 ? value[0] : value[i]; };
  BodyValue results;
  for (int64_t i = 0, n = getNumElements(op->getResult(0).getType()); i < n; ++i) {
    Value factor = at(x, i), summand = at(z, i);
    if (subtract && right)
      factor = arith::NegFOp::create(b, factor);
    if (subtract && left)
      summand = arith::NegFOp::create(b, summand);
    results.push_back(math::FmaOp::create(b, factor, at(y, i), summand));
  }
  values[op->getResult(0)] = std::move(results);
  return true;
}

/// Whether `value` is never negative (or NaN).
static bool isNonNegative(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<Log1pExpOp, InvLogitOp, math::ExpOp, math::AbsFOp>(op))
    return true;
  APFloat number(0.0);
  if (matchPattern(value, m_ConstantFloat(&number)))
    return !number.isNegative();
  return isa<arith::AddFOp, arith::MulFOp>(op) && llvm::all_of(op->getOperands(), isNonNegative);
}

/// Whether `value` is at least 1e-30 (or NaN).
bool flowc::isPositive(Value value) {
  if (auto abs = value.getDefiningOp<math::AbsFOp>())
    return isPositive(abs.getOperand());
  APFloat number(0.0);
  if (matchPattern(value, m_ConstantFloat(&number)))
    return number.isFinite() && number.convertToDouble() >= 1e-30;
  auto sum = value.getDefiningOp<arith::AddFOp>();
  return sum && isNonNegative(sum) && (isPositive(sum.getLhs()) || isPositive(sum.getRhs()));
}

/// The expansion of a function of one argument in the sample dialect; null for others.
static Value (*getExpansion(Operation *op))(ImplicitLocOpBuilder &, Value) {
  static const llvm::StringMap<Value (*)(ImplicitLocOpBuilder &, Value)> expansions = {
      {DigammaOp::getOperationName(), buildDigamma},
      {InvLogitOp::getOperationName(), buildInvLogit},
      {LgammaOp::getOperationName(), buildLgamma},
      {Log1mExpOp::getOperationName(), buildLog1mExp},
      {Log1pExpOp::getOperationName(), buildLog1pExp},
      {NormalHazardOp::getOperationName(), buildNormalHazard},
      {NormalLogCdfOp::getOperationName(), buildNormalLogCdf},
      {StirlingOp::getOperationName(), buildStirling},
      {StirlingSlopeOp::getOperationName(), buildStirlingSlope},
      {TrigammaOp::getOperationName(), buildTrigamma},
  };
  return expansions.lookup(op->getName().getStringRef());
}

LogicalResult BodyEmitter::emitOp(Operation *op, BodyMap &values) {
  auto get = [&](Value v) -> BodyValue { return values.lookup(v); };
  auto set = [&](Value v, BodyValue value) {
    values[v] = std::move(value);
    return success();
  };
  b.setLoc(op->getLoc());
  if (emitFused(op, values))
    return success();
  if (auto build = getExpansion(op)) {
    BodyValue result;
    for (Value x : get(op->getOperand(0)))
      result.push_back(build(b, x));
    return set(op->getResult(0), result);
  }
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](arith::ConstantOp constant) {
        Type type = convert(constant.getType());
        BodyValue result;
        if (auto elements = dyn_cast<DenseElementsAttr>(constant.getValue()))
          for (Attribute value : elements.getValues<Attribute>())
            result.push_back(buildLaneConstant(b, type, value));
        else
          result.push_back(buildLaneConstant(b, type, constant.getValue()));
        return set(constant, result);
      })
      .Case([&](SplitOp split) {
        BodyValue whole = get(split.getX());
        int64_t at = 0;
        for (Value piece : split.getPieces()) {
          int64_t size = getNumElements(piece.getType());
          values[piece] = BodyValue(ArrayRef<Value>(whole).slice(at, size));
          at += size;
        }
        return success();
      })
      .Case([&](ConcatOp concat) {
        BodyValue whole;
        for (Value piece : concat.getPieces())
          llvm::append_range(whole, get(piece));
        return set(concat, whole);
      })
      .Case([&](ReverseOp reverse) {
        BodyValue value = get(reverse.getX());
        std::reverse(value.begin(), value.end());
        return set(reverse, value);
      })
      .Case([&](ReshapeOp reshape) { return set(reshape, get(reshape.getX())); })
      .Case([&](math::AbsFOp abs) {
        if (!isNonNegative(abs.getOperand()))
          return emitElementwise(abs, values);
        return set(abs, get(abs.getOperand()));
      })
      .Case([&](math::LogOp log) {
        // The scale of an affine map has a lower bound: its log needs no selects.
        if (!isPositive(log.getOperand()))
          return emitElementwise(log, values);
        BodyValue result;
        for (Value x : get(log.getOperand()))
          result.push_back(buildLogPositive(b, x));
        return set(log, result);
      })
      .Case([&](LogMinusOp logMinus) {
        BodyValue result;
        for (auto [r, t] : llvm::zip_equal(get(logMinus.getR()), get(logMinus.getT())))
          result.push_back(buildLogMinus(b, r, t));
        return set(logMinus, result);
      })
      .Case([&](GammaSlopeOp slope) {
        BodyValue result;
        for (auto [a, x] : llvm::zip_equal(get(slope.getConcentration()), get(slope.getDraw())))
          result.push_back(buildGammaSlope(b, a, x));
        return set(slope, result);
      })
      .Case([&](ClipOp clip) {
        BodyValue result;
        for (Value x : get(clip.getX())) {
          auto bound = [&](APFloat value, arith::CmpFPredicate beyond) {
            auto type = cast<FloatType>(getElementTypeOrSelf(clip.getType()));
            Value end = buildLaneConstant(b, x.getType(), b.getFloatAttr(type, value.convertToDouble()));
            x = arith::SelectOp::create(b, arith::CmpFOp::create(b, beyond, x, end), end, x);
          };
          bound(clip.getLower(), arith::CmpFPredicate::OLT);
          bound(clip.getUpper(), arith::CmpFPredicate::OGT);
          result.push_back(x);
        }
        return set(clip, result);
      })
      .Case([&](ReduceSumOp reduce) {
        BodyValue x = get(reduce.getX());
        Value sum = x.front();
        for (Value next : llvm::drop_begin(x))
          sum = arith::AddFOp::create(b, sum, next);
        return set(reduce, {sum});
      })
      .Case([&](ReduceMaxOp reduce) {
        BodyValue x = get(reduce.getX());
        Value max = x.front();
        for (Value next : llvm::drop_begin(x)) {
          Value greater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, next, max);
          max = arith::SelectOp::create(b, greater, next, max);
        }
        return set(reduce, {max});
      })
      .Case([&](SplatOp splat) {
        return set(splat, BodyValue(getNumElements(splat.getType()), get(splat.getX()).front()));
      })
      .Case([&](CumsumOp cumsum) {
        BodyValue x = get(cumsum.getX());
        if (cumsum.getReverse())
          std::reverse(x.begin(), x.end());
        for (size_t i = 1; i < x.size(); ++i)
          x[i] = arith::AddFOp::create(b, x[i - 1], x[i]);
        if (cumsum.getReverse())
          std::reverse(x.begin(), x.end());
        return set(cumsum, x);
      })
      .Case([&](BinSearchOp search) {
        // Counts the inner knots below v: what clipping the bin amounts to.
        BodyValue knots = get(search.getKnots());
        Value v = get(search.getV()).front(), bin = indexConstant(0), one = indexConstant(1), zero = bin;
        for (size_t i = 1; i + 1 < knots.size(); ++i) {
          Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, knots[i], v);
          bin = arith::AddIOp::create(b, bin, arith::SelectOp::create(b, below, one, zero));
        }
        return set(search, {bin});
      })
      .Case([&](TakeOp take) {
        if (auto table = tables.find(take.getX()); table != tables.end()) {
          Value index = get(take.getIndex()).front();
          if (take.getOffset() != 0)
            index = arith::AddIOp::create(b, index, indexConstant(take.getOffset()));
          return set(take, {tile::LookUpOp::create(b, table->second.front().getType(), table->second, index)});
        }
        BodyValue x = get(take.getX());
        Value index = get(take.getIndex()).front(), result = x[take.getOffset()];
        for (int64_t i = 1; i + int64_t(take.getOffset()) < int64_t(x.size()); ++i) {
          Value reached = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, index, indexConstant(i));
          result = arith::SelectOp::create(b, reached, x[i + take.getOffset()], result);
        }
        return set(take, {result});
      })
      .Case([&](OneHotOp oneHot) {
        Value x = get(oneHot.getX()).front(), index = get(oneHot.getIndex()).front();
        Value zero = buildLaneConstant(b, x.getType(), b.getFloatAttr(oneHot.getX().getType(), 0.0));
        BodyValue result;
        for (int64_t i = 0, n = getNumElements(oneHot.getType()); i < n; ++i) {
          Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, index, indexConstant(i - oneHot.getOffset()));
          result.push_back(arith::SelectOp::create(b, here, x, zero));
        }
        return set(oneHot, result);
      })
      .Case([&](RootOp root) { return emitRoot(root, values); })
      .Default([&](Operation *other) -> LogicalResult {
        if (other->getNumResults() == 1 && other->getNumRegions() == 0 && other->hasTrait<OpTrait::Elementwise>())
          return emitElementwise(other, values);
        return other->emitError("'") << other->getName() << "' has no place in a body of the tile program";
      });
}
