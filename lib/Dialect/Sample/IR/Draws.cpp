//===- Draws.cpp - Derivatives of draws -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Sample/IR/Jvp.h"
#include "flowc/Dialect/Sample/IR/Number.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Draws.cpp.inc"

// The draw of concentration b (a, or a + 1 for a < 1) moves with a as the quantile that it
// is, the logarithm of u^(1/a) by -log(u) / a^2. Where that is beyond all floats, so is the
// draw, and constant.
LogicalResult RandomGammaOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  SmallVector<Value> inputs{vjp.lookup(getConcentration()), vjp.lookup(getGamma()), vjp.lookup(getLogFactor())};
  for (auto [result, cotangent] : llvm::zip_equal(getResults(), cotangents))
    inputs.push_back(cotangent ? cotangent : buildConstant(builder, result.getType(), 0.0));
  Value total = buildElements(builder, inputs, [](ImplicitLocOpBuilder &at, ValueRange values) -> Value {
    Number a{&at, values[0]}, gamma{&at, values[1]}, logFactor{&at, values[2]};
    Number b = select(a >= 1, a, a + 1.0), factorSlope = -logFactor / a;
    Number gammaSlope{&at, GammaSlopeOp::create(at, b, gamma)};
    factorSlope = select(factorSlope > getLargest(a), getLargest(a), factorSlope);
    return Number{&at, values[3]} * gammaSlope + Number{&at, values[4]} * factorSlope;
  });
  vjp.accumulate(getConcentration(), total);
  return success();
}

// Element by element, both results of the same one.
LogicalResult RandomGammaOp::buildJvp(JvpBuilder &jvp) { return buildDiagonalJvp(*this, jvp); }
