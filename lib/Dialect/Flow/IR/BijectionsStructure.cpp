//===- BijectionsStructure.cpp - Moves of rows, combinators, base ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Permutations, `invert`, `scan`, and the base distribution.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

//===----------------------------------------------------------------------===//
// Permutations
//===----------------------------------------------------------------------===//

FailureOr<Transformed> PermuteOp::buildTransform(Specializer &specializer, Value x) {
  Value y = GatherOp::create(specializer.getBuilder(), x.getType(), x, specializer.lookup(getPermutation()),
                             specializer.lookup(getInversePermutation()));
  return Transformed{y, {}};
}

FailureOr<Transformed> PermuteOp::buildInverse(Specializer &specializer, Value y) {
  Value x = GatherOp::create(specializer.getBuilder(), y.getType(), y, specializer.lookup(getInversePermutation()),
                             specializer.lookup(getPermutation()));
  return Transformed{x, {}};
}

FailureOr<Transformed> FlipOp::buildTransform(Specializer &specializer, Value x) {
  if (!isa<RankedTensorType>(x.getType()))
    return Transformed{x, {}};
  return Transformed{ReverseOp::create(specializer.getBuilder(), x.getType(), x), {}};
}

FailureOr<Transformed> FlipOp::buildInverse(Specializer &specializer, Value y) {
  return buildTransform(specializer, y);
}

//===----------------------------------------------------------------------===//
// Combinators
//===----------------------------------------------------------------------===//

FailureOr<Transformed> InvertOp::buildTransform(Specializer &specializer, Value x) {
  return specializer.specialize(getBody().front(), /*inverse=*/true, x);
}

FailureOr<Transformed> InvertOp::buildInverse(Specializer &specializer, Value y) {
  return specializer.specialize(getBody().front(), /*inverse=*/false, y);
}

/// Emits a scan of the layers' sample programs; the inverse runs from the last
/// layer to the first. Its carries are the event and, unless it is identically
/// zero, the log-determinant so far.
static FailureOr<Transformed> buildScan(flow::ScanOp scan, Specializer &specializer, Value event, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  Block &layer = scan.getBody().front();
  Region region;
  Block &block = region.emplaceBlock();
  Value x = block.addArgument(event.getType(), loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Specializer layerSpecializer(inner, specializer.wantsLogDets());
  for (Value argument : layer.getArguments().drop_front())
    layerSpecializer.getMapping().map(argument, block.addArgument(argument.getType(), argument.getLoc()));
  FailureOr<Transformed> step = layerSpecializer.specialize(layer, inverse, x);
  if (failed(step))
    return failure();
  inner.setLoc(loc);
  SmallVector<Value> carries{event}, yields{step->event};
  if (step->logDet) {
    Type type = step->logDet.getType();
    carries.push_back(buildConstant(builder, type, 0));
    yields.push_back(arith::AddFOp::create(inner, block.insertArgument(1u, type, loc), step->logDet));
  }
  sample::YieldOp::create(inner, yields);
  eraseDeadOps(block);

  SmallVector<Value> over, shared;
  for (Value value : scan.getOver())
    over.push_back(specializer.lookup(value));
  for (Value value : scan.getShared())
    shared.push_back(specializer.lookup(value));
  auto result = sample::ScanOp::create(builder, TypeRange(ValueRange(carries)), TypeRange{}, scan.getLayers(),
                                       scan.getReverse() != inverse, carries, over, shared);
  result.getBody().takeBody(region);
  return Transformed{result.getFinals().front(), step->logDet ? Value(result.getFinals().back()) : Value()};
}

FailureOr<Transformed> flow::ScanOp::buildTransform(Specializer &specializer, Value x) {
  return buildScan(*this, specializer, x, /*inverse=*/false);
}

FailureOr<Transformed> flow::ScanOp::buildInverse(Specializer &specializer, Value y) {
  return buildScan(*this, specializer, y, /*inverse=*/true);
}

//===----------------------------------------------------------------------===//
// Base distribution
//===----------------------------------------------------------------------===//

Value StandardNormalOp::buildLogProb(Specializer &specializer, Value x) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Type element = getElementTypeOrSelf(x.getType());
  auto halfSquare = [&](ImplicitLocOpBuilder &at, Value value) -> Value {
    Value half = arith::MulFOp::create(at, buildConstant(at, element, -0.5), value);
    return arith::MulFOp::create(at, half, value);
  };
  int64_t elements = getNumElements(x.getType());
  Value norm = buildConstant(builder, element, -0.5 * double(elements) * std::log(2 * std::numbers::pi));
  if (!isa<RankedTensorType>(x.getType()))
    return arith::AddFOp::create(builder, norm, halfSquare(builder, x));
  FailureOr<MapOp> map = buildMap(
      builder, elements, x, {},
      [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        yields.summands.push_back(halfSquare(at, arguments.front()));
        return success();
      },
      norm);
  return map->getSums().front();
}

Value StandardNormalOp::buildSample(Specializer &specializer) {
  return RandomNormalOp::create(specializer.getBuilder(), getZ().getType());
}
