//===- BijectionsElementwise.cpp - Affine maps and splines ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each formula is written for one element. Unselected branches stay finite, so
// that cotangents of zero never meet an infinity.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/ElementFormula.h"

using namespace mlir;
using namespace flowc::flow;

//===----------------------------------------------------------------------===//
// Affine maps
//===----------------------------------------------------------------------===//

Transformed AffineOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  Formula f = formula(builder, x);
  Value loc = parameters[0], scale = parameters[1];
  return {f.add(f.mul(scale, x), loc), f.logAbs(scale)};
}

Transformed AffineOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange parameters) {
  Formula f = formula(builder, y);
  Value loc = parameters[0], scale = parameters[1];
  return {f.div(f.sub(y, loc), scale), f.neg(f.logAbs(scale))};
}

//===----------------------------------------------------------------------===//
// Rational quadratic spline
//===----------------------------------------------------------------------===//

namespace {
/// One bin of a spline and what both directions compute from it.
struct SplineBin {
  Formula f;
  Value x0, y0, d0, d1; ///< Left knot, slopes at both ends.
  Value width, height, slope;
  Value bend; ///< d0 + d1 - 2 slope

  /// The bin of `v` among `knots` (x_pos or y_pos).
  SplineBin(ImplicitLocOpBuilder &builder, Value v, Value knots, ValueRange parameters) : f(formula(builder, v)) {
    Value bin = BinSearchOp::create(builder, builder.getI32Type(), knots, v);
    auto take = [&](Value from, int64_t offset) -> Value { return TakeOp::create(builder, f.type, from, bin, offset); };
    x0 = take(parameters[0], 0);
    y0 = take(parameters[1], 0);
    d0 = take(parameters[2], 0);
    d1 = take(parameters[2], 1);
    width = f.sub(take(parameters[0], 1), x0);
    height = f.sub(take(parameters[1], 1), y0);
    slope = f.div(height, width);
    bend = f.sub(f.add(d0, d1), f.add(slope, slope));
  }

  /// 1 / (slope + bend t (1 - t)), t (1 - t) given.
  Value reciprocal(Value product) { return f.div(f.constant(1), f.add(slope, f.mul(bend, product))); }

  /// log of the spline's derivative at `t` in [0, 1] of the bin.
  Value logDerivative(Value t, Value rest, Value product, Value reciprocal) {
    Value numerator = f.mul(f.mul(d1, t), t);
    numerator = f.add(numerator, f.mul(f.add(slope, slope), product));
    numerator = f.add(numerator, f.mul(f.mul(d0, rest), rest));
    Value ratio = f.mul(slope, reciprocal);
    return f.log(f.mul(f.mul(ratio, ratio), numerator));
  }
};
} // namespace

/// Emits a spline on [lower, upper]: `inside` gets a value of the interval and
/// returns image and log-derivative there.
static Transformed buildOnInterval(RationalQuadraticSplineOp op, ImplicitLocOpBuilder &builder, Value v,
                                   llvm::function_ref<Transformed(Value)> inside) {
  Formula f = formula(builder, v);
  Value lower = f.constant(op.getLower().convertToDouble()), upper = f.constant(op.getUpper().convertToDouble());
  Value isAbove = f.compare(arith::CmpFPredicate::OGE, v, lower);
  Value isBelow = f.compare(arith::CmpFPredicate::OLE, v, upper);
  Value isInside = arith::AndIOp::create(builder, isAbove, isBelow);
  auto clip = [&](Value value) { return ClipOp::create(builder, f.type, value, op.getLowerAttr(), op.getUpperAttr()); };
  Transformed spline = inside(clip(v));
  return {f.select(isInside, clip(spline.event), v), f.select(isInside, spline.logDet, f.constant(0))};
}

Transformed RationalQuadraticSplineOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  return buildOnInterval(*this, builder, x, [&](Value v) -> Transformed {
    SplineBin bin(builder, v, parameters[0], parameters);
    Formula &f = bin.f;
    Value t = f.div(f.sub(v, bin.x0), bin.width);
    Value rest = f.sub(f.constant(1), t), product = f.mul(t, rest);
    Value reciprocal = bin.reciprocal(product);
    Value numerator = f.add(f.mul(f.mul(bin.slope, t), t), f.mul(bin.d0, product));
    Value y = f.add(bin.y0, f.mul(bin.height, f.mul(numerator, reciprocal)));
    return {y, bin.logDerivative(t, rest, product, reciprocal)};
  });
}

// With e = (y - y0) / height the position t in the bin solves a t^2 + b t - c = 0
// where b = d0 - e bend, a = slope - b, c = slope e. The discriminant b^2 + 4ac is
// written as (d0 (1 - e) - d1 e)^2 + 4 slope^2 e (1 - e), a sum of terms that are
// not negative, and the form of the root follows the sign of b: no cancellation.
Transformed RationalQuadraticSplineOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y,
                                                           ValueRange parameters) {
  return buildOnInterval(*this, builder, y, [&](Value v) -> Transformed {
    SplineBin bin(builder, v, parameters[1], parameters);
    Formula &f = bin.f;
    Value zero = f.constant(0), one = f.constant(1), two = f.constant(2);
    Value e = f.clip(f.div(f.sub(v, bin.y0), bin.height), zero, one);
    Value remainder = f.sub(one, e);
    Value b = f.sub(bin.d0, f.mul(e, bin.bend));
    Value a = f.sub(bin.slope, b);
    Value difference = f.sub(f.mul(bin.d0, remainder), f.mul(bin.d1, e));
    Value twice = f.mul(two, bin.slope);
    Value discriminant = f.add(f.mul(difference, difference), f.mul(f.mul(twice, twice), f.mul(e, remainder)));
    Value root = math::SqrtOp::create(builder, discriminant);
    Value positive = f.compare(arith::CmpFPredicate::OGE, b, zero);
    Value numerator = f.select(positive, f.mul(twice, e), f.sub(root, b));
    Value denominator = f.select(positive, f.add(b, root), f.mul(two, a));
    Value t = f.div(numerator, denominator);
    Value rest = f.sub(one, t), product = f.mul(t, rest);
    Value logDerivative = bin.logDerivative(t, rest, product, bin.reciprocal(product));
    return {f.add(f.mul(t, bin.width), bin.x0), f.neg(logDerivative)};
  });
}
