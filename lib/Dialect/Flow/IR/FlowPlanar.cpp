//===- FlowPlanar.cpp - Planar bijections ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names follow the op's description. Both directions go through one number per
// sample: s = w.x + b forward, w.y + b backward. What depends on parameters only
// is emitted apart from the sample, so that it can leave the loop over rows.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowPlanar.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Root.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowPlanar.cpp.inc"

InverseKind PlanarOp::getInverseKind() { return getNegativeSlope() ? InverseKind::Analytic : InverseKind::Root; }

LogicalResult PlanarOp::verify() {
  // planar_c1: the event is a tensor.
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (!event)
    return emitOpError("needs an event of rank 1 but has ") << getX().getType();
  // planar_c2: w, u and b are of the event's element type.
  auto parameters = RankedTensorType::get({2 * event.getNumElements() + 1}, event.getElementType());
  if (getParameters().getType() != parameters)
    return emitOpError("parameters of ") << event << " must be " << parameters << " but are "
                                         << getParameters().getType();
  // planar_c3: a slope is a positive number.
  if (std::optional<APFloat> slope = getNegativeSlope(); slope && (!slope->isFiniteNonZero() || slope->isNegative()))
    return emitOpError("negative_slope must be a positive number but is ") << slope->convertToDouble();
  return success();
}

namespace {
/// Emits one planar bijection on an event of the type of `event`.
class PlanarBuilder {
public:
  PlanarBuilder(PlanarOp op, Specializer &specializer, Value event);

  FailureOr<Transformed> buildTransform(Value x);
  FailureOr<Transformed> buildInverse(Value y);

private:
  Value constant(double value) { return buildConstant(b, element, value); }
  Value add(Value p, Value q) { return arith::AddFOp::create(b, p, q); }
  Value sub(Value p, Value q) { return arith::SubFOp::create(b, p, q); }
  Value mul(Value p, Value q) { return arith::MulFOp::create(b, p, q); }
  Value div(Value p, Value q) { return arith::DivFOp::create(b, p, q); }
  Value log(Value p) { return math::LogOp::create(b, p); }
  Value less(Value p, Value q) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, p, q); }
  Value select(Value condition, Value p, Value q) { return arith::SelectOp::create(b, condition, p, q); }
  double slope() { return op.getNegativeSlope()->convertToDouble(); }

  Value buildDot(Value p, Value q, Value start);
  Value buildMoved(Value event, Value amount);
  Value buildSlope(Value s);
  Value buildRootOf(Value target);
  /// 1 + slope m, the derivative along w of the leaky map where h has this slope.
  Value getStretch(double slope) { return add(constant(1 - slope), mul(constant(slope), stretch)); }

  PlanarOp op;
  Specializer &specializer;
  ImplicitLocOpBuilder &b;
  Type element;
  int64_t extent;
  Value w, bias;
  Value v;       ///< the direction of the move
  Value m;       ///< w.v
  Value stretch; ///< 1 + m > 0, without the cancellation of that sum
};
} // namespace

PlanarBuilder::PlanarBuilder(PlanarOp op, Specializer &specializer, Value event)
    : op(op), specializer(specializer), b(specializer.getBuilder()), element(getElementTypeOrSelf(event.getType())),
      extent(getNumElements(event.getType())) {
  auto pieces =
      SplitOp::create(b, TypeRange{event.getType(), event.getType(), element}, specializer.lookup(op.getParameters()));
  w = pieces.getPieces()[0];
  Value u = pieces.getPieces()[1];
  bias = pieces.getPieces()[2];
  Value one = constant(1), zero = constant(0);
  Value product = buildDot(w, u, zero), square = buildDot(w, w, zero);
  Value isZero = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, square, zero);

  // A tiny number stands for a softplus that underflows.
  Value least = constant(element.isF64() ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min());
  stretch = math::Log1pOp::create(b, Log1pExpOp::create(b, element, product));
  stretch = select(less(stretch, least), least, stretch);
  // w = 0 has no direction to correct u along.
  Value correction = div(sub(sub(stretch, one), product), select(isZero, one, square));
  correction = select(isZero, zero, correction);
  stretch = select(isZero, one, stretch);
  m = sub(stretch, one);
  v = (*buildMap(b, extent, {w, u}, {correction},
                 [](ImplicitLocOpBuilder &at, ValueRange a, MapYields &yields) {
                   yields.stacked.push_back(arith::AddFOp::create(at, a[1], arith::MulFOp::create(at, a[2], a[0])));
                   return success();
                 }))
          .getStacked()
          .front();
}

/// start + p.q
Value PlanarBuilder::buildDot(Value p, Value q, Value start) {
  FailureOr<MapOp> map = buildMap(
      b, extent, {p, q}, {},
      [](ImplicitLocOpBuilder &at, ValueRange a, MapYields &yields) {
        yields.summands.push_back(arith::MulFOp::create(at, a[0], a[1]));
        return success();
      },
      start);
  return map->getSums().front();
}

/// event + amount v
Value PlanarBuilder::buildMoved(Value event, Value amount) {
  FailureOr<MapOp> map =
      buildMap(b, extent, {event, v}, {amount}, [](ImplicitLocOpBuilder &at, ValueRange a, MapYields &yields) {
        yields.stacked.push_back(arith::AddFOp::create(at, a[0], arith::MulFOp::create(at, a[2], a[1])));
        return success();
      });
  return map->getStacked().front();
}

/// 1 + m tanh'(s), given h = tanh(s): a sum of terms that are not negative.
static Value buildTanhSlope(ImplicitLocOpBuilder &b, Value h, Value stretch) {
  Value square = arith::MulFOp::create(b, h, h);
  Value rest = arith::SubFOp::create(b, buildConstant(b, h.getType(), 1), square);
  return arith::AddFOp::create(b, square, arith::MulFOp::create(b, rest, stretch));
}

FailureOr<Transformed> PlanarBuilder::buildTransform(Value x) {
  Value s = buildDot(w, x, bias), logDet;
  if (!op.getNegativeSlope()) {
    Value h = math::TanhOp::create(b, s);
    if (specializer.wantsLogDets())
      logDet = log(buildTanhSlope(b, h, stretch));
    return Transformed{buildMoved(x, h), logDet};
  }
  Value isNegative = less(s, constant(0));
  if (specializer.wantsLogDets())
    logDet = select(isNegative, log(math::AbsFOp::create(b, getStretch(slope()))), log(stretch));
  return Transformed{buildMoved(x, select(isNegative, mul(s, constant(slope())), s)), logDet};
}

/// The s with s + m tanh(s) = target. Of target / stretch and target - m the one
/// that is nearer to the root (m > 0: the larger, else the smaller in size) is on
/// the side from which Newton's method does not overshoot, since the left side is
/// concave or convex on either side of 0.
Value PlanarBuilder::buildRootOf(Value target) {
  Value size = math::AbsFOp::create(b, target), reach = math::AbsFOp::create(b, m);
  // With the sign of m as a factor the larger of the two is always meant.
  Value sign = math::CopySignOp::create(b, constant(1), m);
  Value tangent = mul(size, div(sign, stretch)), asymptote = mul(sign, sub(size, m));
  Value larger = select(less(tangent, asymptote), asymptote, tangent);
  Value start = math::CopySignOp::create(b, larger, target);
  // |tanh| < 1; the rest is room for rounding.
  double epsilon = element.isF64() ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  reach = mul(add(reach, mul(size, constant(4 * epsilon))), constant(1 + 4 * epsilon));
  auto tolerance = op->getAttrOfType<FloatAttr>(kToleranceAttr);
  // Near the root Newton's step leaves an error of |f''| / (2 f') e^2, where
  // |f''| < 0.77 |m|: less than epsilon |t| if |f| is at most this number times
  // min(|t|, 1) min(f', 1)^2.
  Value almost = div(constant(std::sqrt(2.5 * epsilon) / epsilon), add(constant(1), math::AbsFOp::create(b, m)));
  return buildRoot(
      b, element, {sub(target, reach), add(target, reach), start}, {m, stretch, target, almost},
      [&](ImplicitLocOpBuilder &at, Value s, ValueRange a) -> RootValues {
        auto abs = [&](Value p) -> Value { return math::AbsFOp::create(at, p); };
        auto mul = [&](Value p, Value q) -> Value { return arith::MulFOp::create(at, p, q); };
        auto pick = [&](arith::CmpFPredicate predicate, Value p, Value q) -> Value {
          return arith::SelectOp::create(at, arith::CmpFOp::create(at, predicate, p, q), p, q);
        };
        Value h = math::TanhOp::create(at, s), one = buildConstant(at, element, 1);
        Value f = arith::AddFOp::create(at, mul(a[0], h), arith::SubFOp::create(at, s, a[2]));
        Value slope = buildTanhSlope(at, h, a[1]);
        Value near = pick(arith::CmpFPredicate::OLT, abs(s), one), least = pick(arith::CmpFPredicate::OLT, slope, one);
        Value bound = mul(mul(a[3], near), mul(least, least));
        return {f, slope, pick(arith::CmpFPredicate::OGT, bound, abs(a[2]))};
      },
      tolerance ? tolerance.getValueAsDouble() : 0);
}

FailureOr<Transformed> PlanarBuilder::buildInverse(Value y) {
  Value target = buildDot(w, y, bias), zero = constant(0), logDet;
  if (!op.getNegativeSlope()) {
    // w.y may overflow where tanh has long been +-1.
    double huge = APFloat::getLargest(cast<FloatType>(element).getFloatSemantics()).convertToDouble() / 8;
    target = ClipOp::create(b, element, target, b.getF64FloatAttr(-huge), b.getF64FloatAttr(huge));
    Value h = math::TanhOp::create(b, buildRootOf(target));
    if (specializer.wantsLogDets())
      logDet = arith::NegFOp::create(b, log(buildTanhSlope(b, h, stretch)));
    return Transformed{buildMoved(y, arith::NegFOp::create(b, h)), logDet};
  }
  // s has the sign of the target: s = target / (1 + slope m).
  Value isNegative = less(target, zero), below = getStretch(slope());
  if (specializer.wantsLogDets())
    logDet = select(isNegative, sub(zero, log(math::AbsFOp::create(b, below))), sub(zero, log(stretch)));
  Value factor = select(isNegative, div(constant(-slope()), below), div(constant(-1), stretch));
  return Transformed{buildMoved(y, mul(target, factor)), logDet};
}

FailureOr<Transformed> PlanarOp::buildTransform(Specializer &specializer, Value x) {
  return PlanarBuilder(*this, specializer, x).buildTransform(x);
}

FailureOr<Transformed> PlanarOp::buildInverse(Specializer &specializer, Value y) {
  return PlanarBuilder(*this, specializer, y).buildInverse(y);
}
