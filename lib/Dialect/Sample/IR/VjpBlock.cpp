//===- VjpBlock.cpp - The derivative of a block sweep ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With F the network and l = log det dF/dx, both functions of x and of parameters
// p, the sweep computes x(y, p) from F(x, p) = y, and l(x, p). Let gx and gl be the
// cotangents of x and l. Then lambda = J^-T (gx + gl dl/dx) is the cotangent of y,
// and that of p is the one that F and l send on for cotangents -lambda and gl.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/BlockNetwork.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

LogicalResult BlockSweepOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Location loc = getLoc();
  Value gx = cotangents[0], gl = cotangents[1];

  // The network forwards, at x.
  Region region;
  Block &primal = region.emplaceBlock();
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, primal);
  IRMapping mapping;
  SweptNetwork swept(*this, primal, mapping, vjp.getMapping());
  const BlockNetwork &network = swept.network;
  Value x = swept.x;
  auto &parameters = swept.parameters;
  FailureOr<Transformed> image = buildBlockNetwork(inner, network, x, /*withLogDet=*/bool(gl));
  FailureOr<SmallVector<Value>> slopes = buildBlockSlopes(inner, network, x, /*withLogDet=*/bool(gl));
  if (failed(image) || failed(slopes))
    return failure();
  SmallVector<Value> results{image->event};
  if (gl)
    results.push_back(image->logDet);
  YieldOp::create(inner, results);
  VjpBuilder forward(builder, mapping);
  cloneForward(forward, primal);

  // What x gets through the log-determinant.
  if (gl) {
    VjpBuilder ofInput(builder, mapping);
    ofInput.markNeeded(x);
    if (failed(buildBlockVjp(ofInput, primal, {Value(), gl})))
      return failure();
    Value through = ofInput.getCotangent(x);
    if (gx && through)
      gx = arith::AddFOp::create(builder, gx, through);
    else if (!gx)
      gx = through;
  }
  Value minusLambda;
  if (gx) {
    auto getValues = [&](ValueRange values) {
      return llvm::map_to_vector(values, [&](Value value) { return mapping.lookup(value); });
    };
    auto adjoint = BlockAdjointOp::create(builder, gx.getType(), gx, getValues(*slopes), getValues(network.weights),
                                          getValues(network.diagonals));
    vjp.accumulate(getY(), adjoint.getLambda());
    minusLambda = arith::NegFOp::create(builder, adjoint.getLambda());
  }

  VjpBuilder ofParameters(builder, mapping);
  bool anyNeeded = false;
  for (auto [operand, argument] : parameters)
    if (vjp.isNeeded(operand)) {
      ofParameters.markNeeded(argument);
      anyNeeded = true;
    }
  if (!anyNeeded)
    return success();
  SmallVector<Value> seeds{minusLambda};
  if (gl)
    seeds.push_back(gl);
  if (failed(buildBlockVjp(ofParameters, primal, seeds)))
    return failure();
  for (auto [operand, argument] : parameters)
    vjp.accumulate(operand, ofParameters.getCotangent(argument));
  return success();
}
