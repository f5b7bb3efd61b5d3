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

namespace {
/// In the names of above.
class BlockSweepDifferentiator {
public:
  BlockSweepDifferentiator(BlockSweepOp sweep, VjpBuilder &vjp, Value gx, Value gl)
      : sweep(sweep), vjp(vjp), builder(vjp.getBuilder()), gx(gx), gl(gl), primal(region.emplaceBlock()),
        swept(sweep, primal, mapping, vjp.getMapping()) {}

  LogicalResult run();

private:
  LogicalResult buildForward();
  LogicalResult addThroughLogDet();
  Value buildAdjoint();
  LogicalResult accumulateParameters(Value minusLambda);

  BlockSweepOp sweep;
  VjpBuilder &vjp;
  ImplicitLocOpBuilder &builder;
  Value gx, gl;
  /// The network as a function that is differentiated where code is emitted: F and, if it
  /// has a cotangent, l.
  Region region;
  Block &primal;
  IRMapping mapping;
  SweptNetwork swept;
  SmallVector<Value> slopes;
};
} // namespace

/// The network forwards, at x.
LogicalResult BlockSweepDifferentiator::buildForward() {
  ImplicitLocOpBuilder inner = getBodyBuilder(sweep.getLoc(), primal);
  FailureOr<Transformed> image = buildBlockNetwork(inner, swept.network, swept.x, /*withLogDet=*/bool(gl));
  FailureOr<SmallVector<Value>> found = buildBlockSlopes(inner, swept.network, swept.x, /*withLogDet=*/bool(gl));
  if (failed(image) || failed(found))
    return failure();
  slopes = *found;
  SmallVector<Value> results{image->event};
  if (gl)
    results.push_back(image->logDet);
  YieldOp::create(inner, results);
  VjpBuilder forward(builder, mapping);
  cloneForward(forward, primal);
  return success();
}

/// Adds to gx what x gets through the log-determinant.
LogicalResult BlockSweepDifferentiator::addThroughLogDet() {
  VjpBuilder ofInput(builder, mapping);
  ofInput.markNeeded(swept.x);
  if (failed(buildBlockVjp(ofInput, primal, {Value(), gl})))
    return failure();
  Value through = ofInput.getCotangent(swept.x);
  if (gx && through)
    gx = arith::AddFOp::create(builder, gx, through);
  else if (!gx)
    gx = through;
  return success();
}

/// lambda, J^-T applied to gx.
Value BlockSweepDifferentiator::buildAdjoint() {
  auto getValues = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return mapping.lookup(value); });
  };
  return BlockAdjointOp::create(builder, gx.getType(), gx, getValues(slopes), getValues(swept.network.weights),
                                getValues(swept.network.diagonals))
      .getLambda();
}

LogicalResult BlockSweepDifferentiator::accumulateParameters(Value minusLambda) {
  VjpBuilder ofParameters(builder, mapping);
  bool anyNeeded = false;
  for (auto [operand, argument] : swept.parameters)
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
  for (auto [operand, argument] : swept.parameters)
    vjp.accumulate(operand, ofParameters.getCotangent(argument));
  return success();
}

LogicalResult BlockSweepDifferentiator::run() {
  if (failed(buildForward()) || (gl && failed(addThroughLogDet())))
    return failure();
  Value minusLambda;
  if (gx) {
    Value lambda = buildAdjoint();
    vjp.accumulate(sweep.getY(), lambda);
    minusLambda = arith::NegFOp::create(builder, lambda);
  }
  return accumulateParameters(minusLambda);
}

LogicalResult BlockSweepOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return BlockSweepDifferentiator(*this, vjp, cotangents[0], cotangents[1]).run();
}
