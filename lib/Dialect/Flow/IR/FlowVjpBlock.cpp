//===- FlowVjpBlock.cpp - The derivative of a block sweep -----------------===//
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

#include "BlockNetwork.h"
#include "flowc/Dialect/Flow/IR/FlowBuilders.h"
#include "flowc/Dialect/Flow/IR/FlowVjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::flow;

/// The activation that a region computes, at `shared`.
static BlockActivation readRegion(Region &region, ValueRange shared) {
  BlockActivation activation;
  activation.shared = llvm::to_vector(shared);
  activation.build = [&region](ImplicitLocOpBuilder &builder, Value z, ValueRange inside,
                               bool) -> FailureOr<ActivatedUnit> {
    Block &block = region.front();
    IRMapping mapping;
    mapping.map(block.getArgument(0), z);
    mapping.map(block.getArguments().drop_front(), inside);
    for (Operation &op : block.without_terminator())
      builder.clone(op, mapping);
    auto get = [&](unsigned i) { return mapping.lookupOrDefault(block.getTerminator()->getOperand(i)); };
    return ActivatedUnit{get(0), get(1)};
  };
  return activation;
}

LogicalResult BlockSweepOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Location loc = getLoc();
  Value gx = cotangents[0], gl = cotangents[1];

  // The network forwards, at x.
  Region region;
  Block &primal = region.emplaceBlock();
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, primal);
  IRMapping mapping;
  SmallVector<std::pair<Value, Value>> parameters;
  auto addParameter = [&](Value operand) -> Value {
    Value argument = primal.addArgument(operand.getType(), loc);
    mapping.map(argument, vjp.lookup(operand));
    parameters.emplace_back(operand, argument);
    return argument;
  };
  Value x = primal.addArgument(getX().getType(), loc);
  mapping.map(x, vjp.lookup(getX()));
  BlockNetwork network;
  network.dim = getX().getType().getNumElements();
  for (Value weight : getWeights())
    network.weights.push_back(addParameter(weight));
  for (Value bias : getBiases())
    network.biases.push_back(addParameter(bias));
  for (Value diagonal : getDiagonals())
    network.diagonals.push_back(addParameter(diagonal));
  if (getOffset())
    network.offset = addParameter(getOffset());
  SmallVector<Value> shared;
  for (Value operand : getShared())
    shared.push_back(addParameter(operand));
  network.activation = readRegion(getActivation(), shared);

  FailureOr<Transformed> image = buildBlockNetwork(inner, network, x, /*withLogDet=*/bool(gl));
  FailureOr<SmallVector<Value>> slopes = buildBlockSlopes(inner, network, x);
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
