//===- JvpStructured.cpp - Tangents of maps, scans, roots -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Jvp.h"
#include "flowc/Dialect/Sample/IR/Root.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

namespace {
/// Results of a map whose tangents its own map computes.
struct MapTangents {
  SmallVector<Value> results, yielded, init;
  SmallVector<Type> stacked;
};
} // namespace

/// What the body `inner` has found: tangents of results that need no computation
/// are set, others collected.
static MapTangents collectTangents(MapOp map, JvpBuilder &jvp, JvpBuilder &inner, BodyBuilder &body) {
  MapTangents found;
  ValueRange yields = map.getYield().getValues();
  for (auto [result, value] : llvm::zip(map.getStacked(), yields)) {
    Value tangent = inner.getTangent(value);
    if (!tangent)
      continue;
    if (Value outside = handThrough(jvp.getBuilder(), result.getType(), body, tangent)) {
      jvp.addTangent(result, outside);
      continue;
    }
    found.results.push_back(result);
    found.yielded.push_back(tangent);
    found.stacked.push_back(result.getType());
  }
  for (auto [sum, init, value] :
       llvm::zip_equal(map.getSums(), map.getInit(), yields.take_back(map.getSums().size()))) {
    Value tangent = inner.getTangent(value);
    if (!tangent) {
      jvp.addTangent(sum, jvp.getTangent(init));
      continue;
    }
    found.results.push_back(sum);
    found.yielded.push_back(tangent);
    found.init.push_back(jvp.getTangentOrZero(init));
  }
  return found;
}

LogicalResult MapOp::buildJvp(JvpBuilder &jvp) {
  int64_t extent = getExtent();
  BodyBuilder body(getLoc());
  IRMapping mapping;
  JvpBuilder inner(body.getBuilder(), mapping);
  Block &primal = *getBlock();
  for (BlockArgument argument : primal.getArguments()) {
    Value operand = getOperand(argument.getArgNumber());
    bool isIndexed = argument.getArgNumber() < getIndexed().size();
    mapping.map(argument, body.add(isIndexed ? BodyBuilder::Indexed : BodyBuilder::Shared, jvp.lookup(operand),
                                   argument.getType()));
    if (Value tangent = jvp.getTangent(operand))
      inner.addTangent(argument,
                       isIndexed ? body.addElements(tangent, extent) : body.addShared(BodyBuilder::Shared, tangent));
  }
  if (failed(buildBlockJvp(inner, primal)))
    return failure();
  MapTangents found = collectTangents(*this, jvp, inner, body);
  if (found.results.empty())
    return success();
  YieldOp::create(body.getBuilder(), found.yielded);
  for (auto [result, value] : llvm::zip(getStacked(), getYield().getValues()))
    useGiven(body, BodyBuilder::Indexed, mapping.lookup(value), jvp.lookup(result));
  eraseDeadOps(body.getBlock());
  body.dropUnused(BodyBuilder::Indexed);
  body.dropUnused(BodyBuilder::Shared);
  auto map = MapOp::create(jvp.getBuilder(), found.stacked, TypeRange(ValueRange(found.init)), extent,
                           body.getOperands(BodyBuilder::Indexed), body.getOperands(BodyBuilder::Shared), found.init);
  body.finish(map.getBody());
  for (auto [result, tangent] : llvm::zip_equal(found.results, map.getResults()))
    jvp.addTangent(result, tangent);
  return success();
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

namespace {
/// The body of a scan that computes values and tangents.
struct TangentLayer {
  TangentLayer(Location loc) : body(loc), jvp(body.getBuilder(), mapping) {}

  BodyBuilder body;
  IRMapping mapping;
  JvpBuilder jvp;
};
} // namespace

/// Emits a layer with tangents. `active` tells which carries have one.
static LogicalResult buildTangentLayer(ScanOp scan, JvpBuilder &jvp, const llvm::BitVector &active,
                                       TangentLayer &tangent) {
  Block &layer = *scan.getBlock();
  BodyBuilder &body = tangent.body;
  unsigned numCarries = scan.getCarries().size(), firstShared = numCarries + scan.getOver().size();
  for (BlockArgument argument : layer.getArguments()) {
    unsigned i = argument.getArgNumber();
    Value operand = jvp.lookup(scan.getOperand(i));
    // A carry is an argument of its own, even if two of them start at one value.
    BlockArgument inside = body.add(i < numCarries    ? BodyBuilder::Carries
                                    : i < firstShared ? BodyBuilder::Over
                                                      : BodyBuilder::Whole,
                                    i < numCarries ? Value() : operand, argument.getType());
    if (i < numCarries)
      body.setOperand(inside, operand);
    tangent.mapping.map(argument, inside);
  }
  for (BlockArgument argument : layer.getArguments()) {
    unsigned i = argument.getArgNumber();
    Value outside = jvp.getTangent(scan.getOperand(i));
    if (i < numCarries && active[i]) {
      BlockArgument inside = body.add(BodyBuilder::Carries, {}, argument.getType());
      body.setOperand(inside, jvp.getTangentOrZero(scan.getOperand(i)));
      tangent.jvp.addTangent(argument, inside);
    }
    if (i < numCarries || !outside)
      continue;
    auto constant = llvm::dyn_cast_or_null<FloatAttr>(getUniformConstant(outside));
    tangent.jvp.addTangent(argument,
                           constant ? buildConstant(body.getBuilder(), argument.getType(), constant.getValueAsDouble())
                                    : Value(body.add(i < firstShared ? BodyBuilder::Over : BodyBuilder::Whole, outside,
                                                     argument.getType())));
  }
  return buildBlockJvp(tangent.jvp, layer);
}

LogicalResult ScanOp::buildJvp(JvpBuilder &jvp) {
  size_t numCarries = getCarries().size(), numStacked = getStacked().size();
  ValueRange yields = getYield().getValues();
  llvm::BitVector active(numCarries);
  for (size_t i = 0; i < numCarries; ++i)
    active[i] = bool(jvp.getTangent(getCarries()[i]));
  // A layer may give a tangent to a carry that starts without one.
  std::unique_ptr<TangentLayer> tangent;
  for (bool changed = true; changed;) {
    changed = false;
    tangent = std::make_unique<TangentLayer>(getLoc());
    if (failed(buildTangentLayer(*this, jvp, active, *tangent)))
      return failure();
    for (size_t i = 0; i < numCarries; ++i)
      if (!active[i] && tangent->jvp.getTangent(yields[i]))
        changed = active[i] = true;
  }

  // Values as before, tangents behind them.
  BodyBuilder &body = tangent->body;
  SmallVector<Value> carried, slices, carriedResults, stackedResults;
  for (Value value : yields)
    (carried.size() < numCarries ? carried : slices).push_back(tangent->mapping.lookupOrDefault(value));
  for (unsigned i : active.set_bits()) {
    Value next = tangent->jvp.getTangent(yields[i]);
    carried.push_back(next ? next : buildConstant(body.getBuilder(), yields[i].getType(), 0.0));
    carriedResults.push_back(getFinals()[i]);
  }
  for (auto [value, result] : llvm::zip_equal(yields.take_back(numStacked), getStacked()))
    if (Value slice = tangent->jvp.getTangent(value)) {
      slices.push_back(slice);
      stackedResults.push_back(result);
    }
  SmallVector<Type> finals = llvm::to_vector(TypeRange(ValueRange(carried))), stacked;
  for (Value slice : slices)
    stacked.push_back(getStackType(slice.getType(), getLayers()));
  carried.append(slices);
  YieldOp::create(body.getBuilder(), carried);
  eraseDeadOps(body.getBlock());
  body.dropUnused(BodyBuilder::Over);
  body.dropUnused(BodyBuilder::Whole);
  auto scan = ScanOp::create(jvp.getBuilder(), finals, stacked, getLayers(), getReverse(),
                             body.getOperands(BodyBuilder::Carries), body.getOperands(BodyBuilder::Over),
                             body.getOperands(BodyBuilder::Whole));
  body.finish(scan.getBody());
  jvp.getMapping().map(getFinals(), scan.getFinals().take_front(numCarries));
  jvp.getMapping().map(getStacked(), scan.getStacked().take_front(numStacked));
  for (auto [result, value] : llvm::zip_equal(carriedResults, scan.getFinals().drop_front(numCarries)))
    jvp.addTangent(result, value);
  for (auto [result, value] : llvm::zip_equal(stackedResults, scan.getStacked().drop_front(numStacked)))
    jvp.addTangent(result, value);
  return success();
}

//===----------------------------------------------------------------------===//
// RootOp
//===----------------------------------------------------------------------===//

// f(t(p); p) = 0 for all p: dt = -(df/dp) dp / f'(t).
LogicalResult RootOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  IRMapping mapping;
  JvpBuilder inner(builder, mapping);
  Block &body = *getBlock();
  mapping.map(body.getArgument(0), jvp.lookup(getRoot()));
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments().drop_front(), getInputs())) {
    mapping.map(argument, jvp.lookup(operand));
    inner.addTangent(argument, jvp.getTangent(operand));
  }
  if (failed(buildBlockJvp(inner, body)))
    return failure();
  Value change = inner.getTangent(getYield().getOperand(0));
  if (!change)
    return success();
  Value ratio = arith::DivFOp::create(builder, change, mapping.lookupOrDefault(getYield().getOperand(1)));
  jvp.addTangent(getRoot(), arith::NegFOp::create(builder, ratio));
  return success();
}
