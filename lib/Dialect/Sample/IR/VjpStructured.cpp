//===- VjpStructured.cpp - Derivatives of maps and dense layers -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

namespace {
/// The derivative of a map is one through the same elements.
class MapDifferentiator {
public:
  MapDifferentiator(MapOp map, VjpBuilder &vjp)
      : map(map), vjp(vjp), body(map.getLoc()), inner(body.getBuilder(), mapping), numIndexed(map.getIndexed().size()) {
  }

  LogicalResult run(ValueRange cotangents);

private:
  void addArguments();
  SmallVector<Value> addSeeds(ValueRange cotangents);
  void yieldCotangents();
  void build();

  Value getOperand(BlockArgument argument) { return map.getOperand(argument.getArgNumber()); }

  MapOp map;
  VjpBuilder &vjp;
  BodyBuilder body;
  IRMapping mapping;
  /// Of the body.
  VjpBuilder inner;
  size_t numIndexed;
  /// Operands whose cotangents the body yields: indexed ones, whose cotangents are stacked,
  /// then shared ones, whose cotangents are summed.
  SmallVector<Value> operands, yielded, init;
  SmallVector<Type> stacked;
};
} // namespace

void MapDifferentiator::addArguments() {
  for (BlockArgument argument : map.getBlock()->getArguments()) {
    Value operand = getOperand(argument);
    bool isIndexed = argument.getArgNumber() < numIndexed;
    mapping.map(argument, body.add(isIndexed ? BodyBuilder::Indexed : BodyBuilder::Shared, vjp.lookup(operand),
                                   argument.getType()));
    if (vjp.isNeeded(operand))
      inner.markNeeded(argument);
  }
}

/// What the body sees of the cotangents of the results.
SmallVector<Value> MapDifferentiator::addSeeds(ValueRange cotangents) {
  SmallVector<Value> seeds;
  for (auto [i, cotangent] : llvm::enumerate(cotangents)) {
    if (!cotangent)
      seeds.push_back({});
    else if (i < map.getStacked().size())
      seeds.push_back(body.addElements(cotangent, map.getExtent()));
    else
      seeds.push_back(body.addShared(BodyBuilder::Shared, cotangent));
  }
  return seeds;
}

void MapDifferentiator::yieldCotangents() {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  for (BlockArgument argument : map.getBlock()->getArguments()) {
    Value operand = getOperand(argument), cotangent = inner.getCotangent(argument);
    if (!cotangent)
      continue;
    bool isIndexed = argument.getArgNumber() < numIndexed;
    if (Value outside = isIndexed ? handThrough(builder, operand.getType(), body, cotangent) : Value()) {
      vjp.accumulate(operand, outside);
      continue;
    }
    operands.push_back(operand);
    yielded.push_back(cotangent);
    if (isIndexed)
      stacked.push_back(operand.getType());
    else
      init.push_back(buildConstant(builder, operand.getType(), 0.0));
  }
  YieldOp::create(body.getBuilder(), yielded);
}

/// Emits the map around the body.
void MapDifferentiator::build() {
  for (auto [result, value] : llvm::zip(map.getStacked(), map.getYield().getValues()))
    useGiven(body, BodyBuilder::Indexed, mapping.lookup(value), vjp.lookup(result));
  eraseDeadOps(body.getBlock());
  body.dropUnused(BodyBuilder::Indexed);
  body.dropUnused(BodyBuilder::Shared);
  auto reverse = MapOp::create(vjp.getBuilder(), stacked, TypeRange(ValueRange(init)), map.getExtent(),
                               body.getOperands(BodyBuilder::Indexed), body.getOperands(BodyBuilder::Shared), init);
  body.finish(reverse.getBody());
  for (auto [operand, cotangent] : llvm::zip_equal(operands, reverse.getResults()))
    vjp.accumulate(operand, cotangent);
}

LogicalResult MapDifferentiator::run(ValueRange cotangents) {
  for (auto [init, cotangent] : llvm::zip_equal(map.getInit(), cotangents.drop_front(map.getStacked().size())))
    vjp.accumulate(init, cotangent);
  addArguments();
  SmallVector<Value> seeds = addSeeds(cotangents);
  cloneForward(inner, *map.getBlock());
  if (failed(buildBlockVjp(inner, *map.getBlock(), seeds)))
    return failure();
  yieldCotangents();
  if (!yielded.empty())
    build();
  return success();
}

LogicalResult MapOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return MapDifferentiator(*this, vjp).run(cotangents);
}

//===----------------------------------------------------------------------===//
// DenseOp
//===----------------------------------------------------------------------===//

void flowc::sample::expandActivations(Operation *root) {
  SmallVector<DenseOp> layers;
  root->walk([&](DenseOp dense) {
    if (!dense.getActivation().empty())
      layers.push_back(dense);
  });
  for (DenseOp dense : layers) {
    ImplicitLocOpBuilder builder(dense.getLoc(), dense.getContext());
    builder.setInsertionPointAfter(dense);
    auto map = MapOp::create(builder, dense.getY().getType(), TypeRange(), dense.getY().getType().getNumElements(),
                             dense.getY(), ValueRange(), ValueRange());
    dense.getY().replaceAllUsesExcept(map.getResult(0), map);
    map.getBody().takeBody(dense.getActivation());
  }
}

/// Whether `value` holds weight gradients, possibly those of the layers of a scan.
static bool isWeightGradient(Value value) {
  if (value.getDefiningOp<OuterOp>())
    return true;
  auto scan = value.getDefiningOp<ScanOp>();
  if (!scan)
    return false;
  unsigned number = cast<OpResult>(value).getResultNumber();
  return number >= scan.getFinals().size() && isWeightGradient(scan.getYield().getOperand(number));
}

SmallVector<Value> flowc::sample::splitWeightGradients(Value cotangent) {
  SmallVector<Value> addends;
  if (auto sum = cotangent.getDefiningOp<arith::AddFOp>()) {
    addends = splitWeightGradients(sum.getLhs());
    llvm::append_range(addends, splitWeightGradients(sum.getRhs()));
  }
  return llvm::any_of(addends, isWeightGradient) ? addends : SmallVector<Value>{cotangent};
}

LogicalResult DenseOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  if (!getActivation().empty())
    return emitOpError("with an activation must be expanded before it is differentiated");
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value g = cotangents[0], x = vjp.lookup(getX());
  RankMaskAttr mask = getMaskAttr();
  if (vjp.isNeeded(getX()))
    vjp.accumulate(getX(), DenseOp::create(builder, getX().getType(), vjp.lookup(getWeight()), g, /*bias=*/Value(),
                                           !getTransposed(), mask));
  Value bias = g;
  if (vjp.isNeeded(getWeight())) {
    Value rows = getTransposed() ? x : g, columns = getTransposed() ? g : x;
    auto outer = OuterOp::create(builder, getWeight().getType(), rows.getType(), rows, columns, mask);
    vjp.accumulate(getWeight(), outer.getWeight());
    if (!getTransposed())
      bias = outer.getBias();
  }
  if (getBias())
    vjp.accumulate(getBias(), bias);
  return success();
}
