//===- JvpBlock.cpp - Tangents of block sweeps ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With F the network and l = log det dF/dx, both functions of x and of parameters
// p, the sweep computes x(y, p) from F(x, p) = y, and l(x, p). Hence
//
//   J dx = dy - (dF/dp) dp,   dl = (dl/dx) dx + (dl/dp) dp.
//
// The equation for dx is an adjoint of another network, which has the Jacobian J^T.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/BlockNetwork.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Jvp.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

/// The solution dx of J dx = `r` for the Jacobian J of a network with these slopes
/// of its activations. With P for "in reverse order", P J^T P is the Jacobian of the
/// network whose weights are P W^T P, in reverse order too: the adjoint of that is P J P.
static Value buildSolve(ImplicitLocOpBuilder &builder, const BlockNetwork &network, ValueRange slopes, Value r) {
  auto reverse = [&](Value x) -> Value { return ReverseOp::create(builder, x.getType(), x); };
  BlockNetwork mirrored;
  mirrored.dim = network.dim;
  SmallVector<Value> mirroredSlopes, diagonals;
  for (Value weight : llvm::reverse(network.weights)) {
    auto type = cast<RankedTensorType>(weight.getType());
    auto transposed = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
    mirrored.weights.push_back(AntiTransposeOp::create(builder, transposed, weight));
  }
  for (int64_t layer = 0; layer <= network.depth(); ++layer)
    diagonals.push_back(mirrored.buildDiagonal(builder, layer));
  for (Value slope : llvm::reverse(slopes))
    mirroredSlopes.push_back(reverse(slope));
  return reverse(BlockAdjointOp::create(builder, r.getType(), reverse(r), mirroredSlopes, mirrored.weights, diagonals));
}

/// `network` with its values where `mapping` takes them.
static BlockNetwork mapNetwork(BlockNetwork network, const IRMapping &mapping) {
  for (SmallVector<Value> *values : {&network.weights, &network.biases, &network.diagonals})
    for (Value &value : *values)
      value = mapping.lookup(value);
  return network;
}

LogicalResult BlockSweepOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  Region region;
  Block &primal = region.emplaceBlock();
  ImplicitLocOpBuilder inner = getBodyBuilder(getLoc(), primal);
  IRMapping mapping;
  SweptNetwork swept(*this, primal, mapping, jvp.getMapping());
  IRMapping again = mapping; // an op with regions is cloned once with one mapping
  FailureOr<Transformed> image = buildBlockNetwork(inner, swept.network, swept.x, /*withLogDet=*/true);
  FailureOr<SmallVector<Value>> slopes = buildBlockSlopes(inner, swept.network, swept.x, /*withLogDet=*/true);
  if (failed(image) || failed(slopes))
    return failure();
  YieldOp::create(inner, ValueRange{image->event, image->logDet});

  // What y gets through the parameters, at x.
  JvpBuilder ofParameters(builder, mapping);
  for (auto [operand, argument] : swept.parameters)
    ofParameters.addTangent(argument, jvp.getTangent(operand));
  if (failed(buildBlockJvp(ofParameters, primal)))
    return failure();
  Value r = jvp.getTangent(getY());
  if (Value through = ofParameters.getTangent(image->event))
    r = addDerivatives(builder, r, arith::NegFOp::create(builder, through));
  if (!r)
    return success();
  SmallVector<Value> values = llvm::map_to_vector(*slopes, [&](Value slope) { return mapping.lookupOrDefault(slope); });
  Value dx = buildSolve(builder, mapNetwork(swept.network, mapping), values, r);
  jvp.addTangent(getX(), dx);

  JvpBuilder ofAll(builder, again);
  for (auto [operand, argument] : swept.parameters)
    ofAll.addTangent(argument, jvp.getTangent(operand));
  ofAll.addTangent(swept.x, dx);
  if (failed(buildBlockJvp(ofAll, primal)))
    return failure();
  jvp.addTangent(getLogDet(), ofAll.getTangent(image->logDet));
  return success();
}

// J^T lambda = g, hence J^T dlambda = dg - (dJ)^T lambda: J is the product of weights,
// of which `diagonals` are parts, and diagonal matrices of slopes.
LogicalResult BlockAdjointOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  BlockNetwork network;
  network.dim = getG().getType().getNumElements();
  auto get = [&](Value value) { return jvp.lookup(value); };
  llvm::append_range(network.weights, llvm::map_range(getWeights(), get));
  // lambda through the network in reverse, and what tangents of weights and slopes make
  // of it.
  Value h = get(getLambda()), dh;
  for (int64_t layer = network.depth(); layer >= 0; --layer) {
    int64_t inputs = cast<RankedTensorType>(network.weights[layer].getType()).getDimSize(1);
    auto type = RankedTensorType::get({inputs}, getG().getType().getElementType());
    auto goBack = [&](Value weight, Value value) -> Value {
      return weight && value ? DenseOp::create(builder, type, weight, value, /*bias=*/Value(), /*transposed=*/true,
                                               network.getMask(layer))
                                   .getY()
                             : Value();
    };
    dh = addDerivatives(builder, goBack(network.weights[layer], dh), goBack(jvp.getTangent(getWeights()[layer]), h));
    h = goBack(network.weights[layer], h);
    if (layer == 0)
      break;
    Value slope = get(getSlopes()[layer - 1]), change = jvp.getTangent(getSlopes()[layer - 1]);
    dh = dh ? arith::MulFOp::create(builder, slope, dh).getResult() : dh;
    if (change)
      dh = addDerivatives(builder, dh, arith::MulFOp::create(builder, change, h));
    h = arith::MulFOp::create(builder, slope, h);
  }
  Value r = jvp.getTangent(getG());
  if (dh)
    r = addDerivatives(builder, r, arith::NegFOp::create(builder, dh));
  if (!r)
    return success();
  auto getAll = [&](ValueRange values) { return llvm::map_to_vector(values, get); };
  jvp.addTangent(getLambda(), BlockAdjointOp::create(builder, r.getType(), r, getAll(getSlopes()), network.weights,
                                                     getAll(getDiagonals())));
  return success();
}
