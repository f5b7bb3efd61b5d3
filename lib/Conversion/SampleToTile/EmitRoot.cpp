//===- EmitRoot.cpp - Root finding in the tile program --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All lanes of a vector search at once. A lane that is done keeps its value, so
// that the others' needs do not show in it: the result of a row depends on the
// row alone.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

namespace {
/// Steps of Newton's method before every other one is a bisection.
constexpr int64_t kFreeSteps = 16;

/// Emits one root finder. All values have one lane per sample, or are scalars.
class RootEmitter {
public:
  using BodyFn = llvm::function_ref<LogicalResult(Value t, SmallVectorImpl<Value> &yielded)>;

  RootEmitter(ImplicitLocOpBuilder &b, RootOp op, Type type)
      : b(b), op(op), type(type), mask(i1Like(type)),
        semantics(cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics()),
        epsilon(std::ldexp(1.0, 1 - int(APFloat::semanticsPrecision(semantics)))) {}

  /// `bounds` holds lower, upper and start, null where the op has none.
  FailureOr<Value> emit(ArrayRef<Value> bounds, BodyFn body);

private:
  /// What a step hands to the next one.
  struct State {
    Value t, lower, upper;
    Value previous;    ///< f at the step before; NaN at first
    Value isBracketed; ///< f has changed its sign
    Value isActive;
    Value reach, growth; ///< how far a step towards infinity may go, and its growth
    Value step;
    /// Without a bound on some side: one of `lower` and `upper` is not beyond the root for
    /// all that is known, but f is no number there. Else null.
    Value isHemmed;

    SmallVector<Value> pack() const {
      SmallVector<Value> values{t, lower, upper, previous, isBracketed, isActive, reach, growth, step};
      if (isHemmed)
        values.push_back(isHemmed);
      return values;
    }
    static State unpack(ValueRange v) {
      return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v.size() > 9 ? v[9] : Value()};
    }
  };

  static Type i1Like(Type type) {
    Type i1 = IntegerType::get(type.getContext(), 1);
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(VectorType::get(vector.getShape(), i1)) : i1;
  }
  Value constant(double value) {
    auto element = b.getFloatAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, Attribute(element)));
    return arith::ConstantOp::create(b, element);
  }
  Value truth(bool value) {
    auto element = b.getBoolAttr(value);
    if (auto vector = dyn_cast<VectorType>(mask))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, Attribute(element)));
    return arith::ConstantOp::create(b, element);
  }
  Value everywhere(Value condition) {
    return isa<VectorType>(mask) ? vector::BroadcastOp::create(b, mask, condition).getResult() : condition;
  }
  Value any(Value lanes) {
    return isa<VectorType>(mask) ? vector::ReductionOp::create(b, vector::CombiningKind::OR, lanes).getResult() : lanes;
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value no(Value x) { return arith::XOrIOp::create(b, x, truth(true)); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y); }
  Value atMost(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, x, y); }
  Value equal(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y); }
  Value isNaN(Value x) { return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
  Value min(Value x, Value y) { return select(less(y, x), y, x); }
  Value max(Value x, Value y) { return select(less(x, y), y, x); }
  bool isOpen() { return !op.getLower() || !op.getUpper(); }

  State start(ArrayRef<Value> bounds);
  State emitStep(const State &s, ArrayRef<Value> yielded);
  /// Where f is no number, which the way there leads away from a good value: steps back.
  Value emitRetreat(const State &s, Value f, State &next);
  Value emitMiddle(Value lower, Value upper);

  ImplicitLocOpBuilder &b;
  RootOp op;
  Type type, mask;
  const llvm::fltSemantics &semantics;
  double epsilon;
};
} // namespace

RootEmitter::State RootEmitter::start(ArrayRef<Value> bounds) {
  Value lower = bounds[0], upper = bounds[1], t = bounds[2];
  Value one = constant(1);
  if (!t && lower && upper)
    t = add(mul(lower, constant(0.5)), mul(upper, constant(0.5)));
  else if (!t && lower)
    t = add(lower, add(one, abs(lower)));
  else if (!t && upper)
    t = sub(upper, add(one, abs(upper)));
  else if (!t)
    t = constant(0);
  if (lower)
    t = max(t, lower);
  if (upper)
    t = min(t, upper);
  Value reach = isOpen() ? add(one, abs(t)) : one;
  Value infinity = constant(std::numeric_limits<double>::infinity());
  return {t,
          lower ? lower : arith::NegFOp::create(b, infinity).getResult(),
          upper ? upper : infinity,
          constant(std::numeric_limits<double>::quiet_NaN()),
          truth(false),
          truth(true),
          reach,
          constant(4),
          arith::ConstantIndexOp::create(b, 0),
          isOpen() ? truth(false) : Value()};
}

/// Too far out, terms of f may be infinities of both signs. What is beyond such a place is
/// not looked at; if there is a root it lies before it. The answer is which lanes step back.
Value RootEmitter::emitRetreat(const State &s, Value f, State &next) {
  Value zero = constant(0), largest = constant(APFloat::getLargest(semantics).convertToDouble());
  Value cameFromBelow = less(s.previous, zero), cameFromAbove = less(zero, s.previous);
  Value retreats = both(both(isNaN(f), no(s.isBracketed)), either(cameFromBelow, cameFromAbove));
  next.upper = select(both(retreats, cameFromBelow), min(s.t, largest), next.upper);
  next.lower =
      select(both(retreats, cameFromAbove), max(s.t, arith::NegFOp::create(b, largest).getResult()), next.lower);
  next.isHemmed = either(s.isHemmed, retreats);
  next.previous = select(retreats, s.previous, f);
  return retreats;
}

/// A point well inside of (lower, upper): the middle, or the geometric mean if the
/// bounds differ by orders of magnitude, so that the number of bisections does not
/// depend on how far apart they are.
Value RootEmitter::emitMiddle(Value lower, Value upper) {
  Value half = constant(0.5);
  Value middle = add(mul(lower, half), mul(upper, half));
  Value a = abs(lower), z = abs(upper), isUpper = less(a, z);
  Value large = select(isUpper, z, a), small = select(isUpper, a, z), end = select(isUpper, upper, lower);
  Value isLopsided = less(mul(small, constant(256)), large);
  // The mean of the bits of two positive numbers is about their geometric mean.
  int64_t bits = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  Value floored = max(small, mul(large, constant(std::ldexp(1.0, bits == 64 ? -200 : -40))));
  Type integer = b.getIntegerType(bits);
  TypedAttr one = b.getIntegerAttr(integer, 1);
  if (auto vector = dyn_cast<VectorType>(type)) {
    integer = VectorType::get(vector.getShape(), integer);
    one = DenseElementsAttr::get(cast<ShapedType>(integer), Attribute(one));
  }
  Value sum = arith::AddIOp::create(b, arith::BitcastOp::create(b, integer, floored),
                                    arith::BitcastOp::create(b, integer, large));
  Value mean = arith::ShRUIOp::create(b, sum, arith::ConstantOp::create(b, one));
  Value geometric = math::CopySignOp::create(b, arith::BitcastOp::create(b, type, mean), end);
  return select(isLopsided, geometric, middle);
}

RootEmitter::State RootEmitter::emitStep(const State &s, ArrayRef<Value> yielded) {
  State next = s;
  Value f = yielded[0], zero = constant(0);
  Value isNegative = less(f, zero), isPositive = less(zero, f);
  next.lower = select(isNegative, s.t, s.lower);
  next.upper = select(isPositive, s.t, s.upper);
  Value hasFlipped = either(both(isNegative, less(zero, s.previous)), both(isPositive, less(s.previous, zero)));
  next.isBracketed = either(s.isBracketed, hasFlipped);
  next.previous = f;
  Value retreats = isOpen() ? emitRetreat(s, f, next) : Value();

  // How far this step may go.
  Value lowerWall = next.lower, upperWall = next.upper;
  if (!op.getLower())
    lowerWall = max(lowerWall, sub(s.t, s.reach));
  if (!op.getUpper())
    upperWall = min(upperWall, add(s.t, s.reach));
  if (isOpen()) {
    // The way back ends at the last good place, however long the last step was.
    lowerWall = select(retreats, next.lower, lowerWall);
    upperWall = select(retreats, next.upper, upperWall);
  }

  Value newton = sub(s.t, div(f, yielded[1]));
  Value isInside = both(atMost(lowerWall, newton), atMost(newton, upperWall));
  // An infinite slope would make any place a root.
  if (isOpen())
    isInside = both(isInside, less(abs(yielded[1]), constant(std::numeric_limits<double>::infinity())));
  Value fellShort = both(hasFlipped, less(mul(abs(s.previous), constant(0.5)), abs(f)));
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value isLate =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, s.step, arith::ConstantIndexOp::create(b, kFreeSteps));
  Value isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::AndIOp::create(b, s.step, one), one);
  Value isForced = everywhere(arith::AndIOp::create(b, isLate, isOdd));
  Value isNewton = both(isInside, no(either(fellShort, isForced)));
  if (isOpen()) {
    // Newton's steps say themselves how far they go; what is far beyond them is not looked at.
    double largest = APFloat::getLargest(semantics).convertToDouble();
    next.reach = select(isNewton, s.reach, min(mul(s.reach, s.growth), constant(largest / 8)));
    next.growth = select(isNewton, s.growth, min(mul(s.growth, constant(2)), constant(std::ldexp(1.0, 30))));
  }
  next.step = arith::AddIOp::create(b, s.step, one);

  // Where Newton's step is not taken: the middle of the bracket, or, while f has
  // had one sign only, as far as possible towards the other.
  Value other = select(isNegative, upperWall, lowerWall);
  Value halves = next.isHemmed ? either(next.isBracketed, next.isHemmed) : next.isBracketed;
  Value isBisection = both(s.isActive, both(halves, no(isNewton)));
  auto branch = scf::IfOp::create(b, type, any(isBisection), /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value middle = emitMiddle(lowerWall, upperWall);
    scf::YieldOp::create(b, select(halves, middle, other));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, other);
  }
  Value target = select(isNewton, newton, branch.getResult(0));

  Value isZero = equal(f, zero);
  if (yielded.size() > 2)
    isZero = either(isZero, atMost(abs(f), mul(yielded[2], constant(epsilon))));
  Value distance = abs(sub(target, s.t));
  Value isClose = atMost(distance, mul(abs(s.t), constant(4 * epsilon)));
  if (std::optional<APFloat> tolerance = op.getTolerance())
    isClose = either(isClose, atMost(distance, constant(tolerance->convertToDouble())));
  Value isSolved = either(isZero, both(isClose, either(isNewton, next.isBracketed)));
  // At a bound, and the root beyond it; or f is not a number.
  Value isAtWall = both(equal(target, s.t), no(either(isNewton, next.isBracketed)));
  Value isUndefined = isNaN(f);
  if (next.isHemmed) {
    isUndefined = both(isUndefined, no(retreats));
    // Up to where f is a number it has no root.
    isAtWall = either(isAtWall, both(both(next.isHemmed, isClose), no(either(isNewton, next.isBracketed))));
  }
  Value isHopeless = both(no(isZero), either(isUndefined, isAtWall));

  // A last step of Newton's costs no evaluation, and may be counted on.
  Value value = select(both(isZero, no(isNewton)), s.t, target);
  value = select(isHopeless, constant(std::numeric_limits<double>::quiet_NaN()), value);
  next.t = select(s.isActive, value, s.t);
  next.isActive = both(s.isActive, no(either(isSolved, isHopeless)));
  return next;
}

FailureOr<Value> RootEmitter::emit(ArrayRef<Value> bounds, BodyFn body) {
  SmallVector<Value> initial = start(bounds).pack();
  SmallVector<Location> locations(initial.size(), b.getLoc());
  SmallVector<Type> types = llvm::to_vector(TypeRange(ValueRange(initial)));
  auto loop = scf::WhileOp::create(b, types, initial);
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&loop.getBefore(), {}, types, locations);
  State state = State::unpack(loop.getBeforeArguments());
  SmallVector<Value> yielded;
  if (failed(body(state.t, yielded)))
    return failure();
  State next = emitStep(state, yielded);
  Value hasSteps = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, next.step,
                                         arith::ConstantIndexOp::create(b, RootOp::kMaxSteps));
  scf::ConditionOp::create(b, arith::AndIOp::create(b, any(next.isActive), hasSteps), next.pack());
  b.createBlock(&loop.getAfter(), {}, types, locations);
  scf::YieldOp::create(b, loop.getAfterArguments());
  b.setInsertionPointAfter(loop);
  State last = State::unpack(loop.getResults());
  return select(last.isActive, constant(std::numeric_limits<double>::quiet_NaN()), last.t);
}

LogicalResult BodyEmitter::emitRoot(RootOp op, BodyMap &values) {
  auto get = [&](Value operand) { return operand ? values.lookup(operand).front() : Value(); };
  Block &block = *op.getBlock();
  for (auto [argument, operand] : llvm::zip_equal(block.getArguments().drop_front(), op.getInputs()))
    values[argument] = BodyValue(values.lookup(operand));
  RootEmitter emitter(b, op, convert(op.getType()));
  FailureOr<Value> root = emitter.emit({get(op.getLower()), get(op.getUpper()), get(op.getStart())},
                                       [&](Value t, SmallVectorImpl<Value> &yielded) -> LogicalResult {
                                         values[block.getArgument(0)] = {t};
                                         if (failed(emit(block, values)))
                                           return failure();
                                         for (BodyValue &value : getYielded(block, values))
                                           yielded.push_back(value.front());
                                         b.setLoc(op.getLoc());
                                         return success();
                                       });
  if (failed(root))
    return failure();
  values[op.getRoot()] = {*root};
  return success();
}
