//===- Combinators.cpp - Bijections of parts of events --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels such as vmap_c1 are those of docs/Spec.md.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowCombinators.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowCombinators.cpp.inc"

static Value buildReshape(ImplicitLocOpBuilder &builder, Type type, Value value) {
  return value.getType() == type ? value : ReshapeOp::create(builder, type, value).getY();
}

//===----------------------------------------------------------------------===//
// PartitionOp
//===----------------------------------------------------------------------===//

LogicalResult PartitionOp::verify() {
  // partition_c1: one region per piece, at least one.
  ArrayRef<int64_t> sizes = getSizes();
  if (sizes.empty() || sizes.size() != getParts().size())
    return emitOpError("needs one region per piece, at least one, but has ")
           << sizes.size() << " pieces and " << getParts().size() << " regions";
  // partition_c2: the pieces make up the event.
  int64_t total = 0;
  for (int64_t size : sizes) {
    if (size < 1)
      return emitOpError("piece of ") << size << " elements";
    total += size;
  }
  if (total != getNumElements(getX().getType()))
    return emitOpError("pieces have ") << total << " elements but the event has " << getNumElements(getX().getType());
  Type element = getElementTypeOrSelf(getX().getType());
  for (auto [size, part] : llvm::zip_equal(sizes, getParts())) {
    // partition_c3: a region takes its piece.
    Block &block = part.front();
    Type vector = RankedTensorType::get({size}, element);
    Type type = block.getNumArguments() == 1 ? block.getArgument(0).getType() : Type();
    if (type != vector && (size > 1 || type != element))
      return emitOpError("region must take one piece of type ") << vector;
    // partition_c4: a region is a chain of bijections.
    if (failed(verifyChain(*this, block, type)))
      return failure();
  }
  return success();
}

static FailureOr<Transformed> buildPartition(PartitionOp op, Specializer &specializer, Value event, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  SmallVector<Type> types;
  for (Region &part : op.getParts())
    types.push_back(part.getArgument(0).getType());
  bool isWhole = types.size() == 1;
  SmallVector<Value> pieces;
  if (isWhole)
    pieces.push_back(buildReshape(builder, types.front(), event));
  else
    llvm::append_range(pieces, SplitOp::create(builder, types, event).getPieces());
  Value logDet;
  for (auto [piece, part] : llvm::zip_equal(pieces, op.getParts())) {
    FailureOr<Transformed> result = specializer.specialize(part.front(), inverse, piece);
    if (failed(result))
      return failure();
    builder.setLoc(loc);
    piece = result->event;
    if (specializer.wantsLogDets())
      logDet = specializer.addLogDets(logDet, result->logDet);
  }
  Value whole = isWhole ? buildReshape(builder, event.getType(), pieces.front()) : buildConcat(builder, pieces);
  return Transformed{whole, logDet};
}

FailureOr<Transformed> PartitionOp::buildTransform(Specializer &specializer, Value x) {
  return buildPartition(*this, specializer, x, /*inverse=*/false);
}

FailureOr<Transformed> PartitionOp::buildInverse(Specializer &specializer, Value y) {
  return buildPartition(*this, specializer, y, /*inverse=*/true);
}

//===----------------------------------------------------------------------===//
// VmapOp
//===----------------------------------------------------------------------===//

LogicalResult VmapOp::verify() {
  // vmap_c1: the event consists of pieces of equal size.
  int64_t size = getSize();
  auto event = dyn_cast<RankedTensorType>(getX().getType());
  if (size < 1 || !event || event.getNumElements() % size != 0 || event.getNumElements() < size)
    return emitOpError("cannot cut an event of type ") << getX().getType() << " into " << size << " equal pieces";
  // vmap_c2: operands in `over` have a slice for each piece.
  for (Type type : getOver().getTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() < 1 || tensor.getDimSize(0) != size)
      return emitOpError("operand of type ") << type << " needs a leading extent of " << size;
  }
  // vmap_c3: the region takes a piece, slices, shared operands.
  Block &block = *getBlock();
  int64_t elements = event.getNumElements() / size;
  Type vector = RankedTensorType::get({elements}, event.getElementType());
  Type piece = block.getNumArguments() > 0 ? block.getArgument(0).getType() : Type();
  if (piece != vector && (elements > 1 || piece != event.getElementType()))
    return emitOpError("region must take a piece of type ") << vector;
  SmallVector<Type> parameters;
  for (Type type : getOver().getTypes())
    parameters.push_back(sample::ScanOp::getSliceType(type));
  llvm::append_range(parameters, getShared().getTypes());
  if (TypeRange(block.getArgumentTypes()).drop_front() != TypeRange(parameters))
    return emitOpError("region must take a slice of every operand in `over`, then the shared operands");
  // vmap_c4: the region is a chain of bijections.
  return verifyChain(*this, block, piece);
}

namespace {
/// Emits copies of elementwise bijections as one map.
class ElementwiseCopies {
public:
  ElementwiseCopies(VmapOp op, Specializer &specializer) : op(op), specializer(specializer), body(op.getLoc()) {}

  /// Whether the region holds elementwise bijections only, whose parameters can
  /// be had for all copies before any is applied.
  bool read(bool inverse) { return readChain(*op.getBlock(), inverse); }
  FailureOr<Transformed> build(Value event);

private:
  /// An op of the region, and the direction it is applied in.
  struct Step {
    Operation *op;
    bool inverse;
  };

  bool readChain(Block &block, bool inverse);
  bool readParameter(Value value);
  Value getWhole(Value value);
  Value getSlice(Value value);
  void buildStacks();
  Type getPieceType() { return op.getBlock()->getArgument(0).getType(); }

  VmapOp op;
  Specializer &specializer;
  SmallVector<Step> steps;
  /// Values of the region that depend on the copy.
  DenseSet<Value> varying;
  DenseSet<Value> seen;
  /// What values of the region stand for outside, and in a scan over the copies.
  IRMapping wholes, slices;
  BodyBuilder body;
  /// Parameters of the steps that get a share for each element.
  llvm::MapVector<Value, Value> stacks;
};
} // namespace

/// Whether the value `parameter` of the region is made by ops on parameters.
bool ElementwiseCopies::readParameter(Value parameter) {
  if (!seen.insert(parameter).second)
    return true;
  if (auto argument = dyn_cast<BlockArgument>(parameter)) {
    if (argument.getOwner() != op.getBlock() || argument.getArgNumber() == 0)
      return false;
    if (argument.getArgNumber() <= op.getOver().size())
      varying.insert(argument);
    return true;
  }
  Operation *producer = parameter.getDefiningOp();
  if (isa<BijectionOpInterface>(producer) ||
      (producer->getNumRegions() > 0 && !producer->hasTrait<OpTrait::IsIsolatedFromAbove>()))
    return false;
  bool varies = false;
  for (Value operand : producer->getOperands()) {
    if (!readParameter(operand))
      return false;
    varies |= varying.contains(operand);
  }
  if (varies)
    varying.insert_range(producer->getResults());
  return true;
}

bool ElementwiseCopies::readChain(Block &block, bool inverse) {
  Value first;
  SmallVector<Operation *> chain = Specializer::getChain(block.getTerminator()->getOperand(0), first);
  if (inverse)
    std::reverse(chain.begin(), chain.end());
  for (Operation *step : chain) {
    if (auto invert = dyn_cast<InvertOp>(step)) {
      if (!readChain(invert.getBody().front(), !inverse))
        return false;
      continue;
    }
    if (!isa<ElementwiseBijectionOpInterface>(step))
      return false;
    for (Value parameter : step->getOperands().drop_front()) {
      // A share of an element has to be a share of its copy.
      if (!readParameter(parameter) || (isa<RankedTensorType>(getPieceType()) && varying.contains(parameter) &&
                                        parameter.getType() != getPieceType()))
        return false;
    }
    steps.push_back({step, inverse});
  }
  return true;
}

/// Emits the op that makes `value`, and those it depends on, once.
static Value emitParameter(OpBuilder &builder, IRMapping &mapping, Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *producer = value.getDefiningOp();
  for (Value operand : producer->getOperands())
    emitParameter(builder, mapping, operand);
  builder.clone(*producer, mapping);
  return mapping.lookup(value);
}

/// The value that stands for `value`, the same for all copies, outside.
Value ElementwiseCopies::getWhole(Value value) { return emitParameter(specializer.getBuilder(), wholes, value); }

/// What stands for `value` in a scan over the copies.
Value ElementwiseCopies::getSlice(Value value) {
  if (varying.contains(value))
    return emitParameter(body.getBuilder(), slices, value);
  Value whole = getWhole(value);
  return body.add(BodyBuilder::Whole, whole, whole.getType());
}

/// Computes the parameters of all copies in a scan that needs no event, so that
/// it can leave the loop over rows.
void ElementwiseCopies::buildStacks() {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  SmallVector<Value> wanted, yielded;
  SmallVector<Type> types;
  for (auto &[value, stack] : stacks) {
    if (stack)
      continue;
    wanted.push_back(value);
    yielded.push_back(getSlice(value));
    types.push_back(sample::ScanOp::getStackType(value.getType(), op.getSize()));
  }
  if (wanted.empty())
    return;
  sample::YieldOp::create(body.getBuilder(), yielded);
  body.dropUnused(BodyBuilder::Over);
  body.dropUnused(BodyBuilder::Whole);
  auto scan = sample::ScanOp::create(builder, TypeRange(), types, op.getSize(), /*reverse=*/false, ValueRange(),
                                     body.getOperands(BodyBuilder::Over), body.getOperands(BodyBuilder::Whole));
  body.finish(scan.getBody());
  for (auto [value, stack] : llvm::zip_equal(wanted, scan.getStacked()))
    stacks[value] = stack;
}

FailureOr<Transformed> ElementwiseCopies::build(Value event) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Block &block = *op.getBlock();
  size_t numOver = op.getOver().size();
  for (auto [argument, operand] : llvm::zip_equal(block.getArguments().drop_front(), op->getOperands().drop_front())) {
    Value outside = specializer.lookup(operand);
    bool isOver = argument.getArgNumber() <= numOver;
    slices.map(Value(argument), body.add(isOver ? BodyBuilder::Over : BodyBuilder::Whole, outside, argument.getType()));
    if (!isOver)
      wholes.map(Value(argument), outside);
  }
  for (const Step &step : steps)
    for (Value parameter : step.op->getOperands().drop_front()) {
      bool isPerElement = isa<RankedTensorType>(getPieceType()) && parameter.getType() == getPieceType();
      if (!varying.contains(parameter) && !isPerElement)
        continue;
      Value &stack = stacks[parameter];
      // What is stacked already, and copies of a constant, need no loop.
      if (auto argument = dyn_cast<BlockArgument>(parameter); argument && varying.contains(parameter)) {
        stack = specializer.lookup(op.getOver()[argument.getArgNumber() - 1]);
        continue;
      }
      TypedAttr constant = varying.contains(parameter) ? TypedAttr() : getUniformConstant(getWhole(parameter));
      if (auto number = llvm::dyn_cast_or_null<FloatAttr>(constant))
        stack = buildConstant(builder, sample::ScanOp::getStackType(parameter.getType(), op.getSize()),
                              number.getValueAsDouble());
    }
  buildStacks();
  SmallVector<ElementwiseStep> elementwise;
  for (const Step &step : steps) {
    ElementwiseStep &next =
        elementwise.emplace_back(ElementwiseStep{cast<ElementwiseBijectionOpInterface>(step.op), step.inverse});
    for (Value parameter : step.op->getOperands().drop_front()) {
      Value stack = stacks.lookup(parameter);
      next.parameters.push_back(stack ? stack : getWhole(parameter));
      next.isIndexed.push_back(bool(stack));
    }
  }
  return buildElementwiseMap(specializer, event, elementwise);
}

/// Emits a scan over the pieces, which carries the sum of the log-determinants.
static FailureOr<Transformed> buildPieces(VmapOp op, Specializer &specializer, Value event, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  Block &copy = *op.getBlock();
  Type pieceType = copy.getArgument(0).getType();
  Region region;
  Block &block = region.emplaceBlock();
  Value piece = block.addArgument(pieceType, loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Specializer pieceSpecializer(inner, specializer.wantsLogDets());
  for (Value argument : copy.getArguments().drop_front())
    pieceSpecializer.getMapping().map(argument, block.addArgument(argument.getType(), argument.getLoc()));
  FailureOr<Transformed> step = pieceSpecializer.specialize(copy, inverse, piece);
  if (failed(step))
    return failure();
  inner.setLoc(loc);
  SmallVector<Value> carries, yields;
  if (step->logDet) {
    Type type = step->logDet.getType();
    carries.push_back(buildConstant(builder, type, 0));
    yields.push_back(arith::AddFOp::create(inner, block.insertArgument(0u, type, loc), step->logDet));
  }
  yields.push_back(step->event);
  sample::YieldOp::create(inner, yields);
  eraseDeadOps(block);

  Type stackType = sample::ScanOp::getStackType(pieceType, op.getSize());
  SmallVector<Value> over{buildReshape(builder, stackType, event)}, shared;
  for (Value value : op.getOver())
    over.push_back(specializer.lookup(value));
  for (Value value : op.getShared())
    shared.push_back(specializer.lookup(value));
  auto scan = sample::ScanOp::create(builder, TypeRange(ValueRange(carries)), stackType, op.getSize(),
                                     /*reverse=*/false, carries, over, shared);
  scan.getBody().takeBody(region);
  return Transformed{buildReshape(builder, event.getType(), scan.getStacked().front()),
                     step->logDet ? Value(scan.getFinals().front()) : Value()};
}

static FailureOr<Transformed> buildVmap(VmapOp op, Specializer &specializer, Value event, bool inverse) {
  if (ElementwiseCopies copies(op, specializer); copies.read(inverse))
    return copies.build(event);
  return buildPieces(op, specializer, event, inverse);
}

FailureOr<Transformed> VmapOp::buildTransform(Specializer &specializer, Value x) {
  return buildVmap(*this, specializer, x, /*inverse=*/false);
}

FailureOr<Transformed> VmapOp::buildInverse(Specializer &specializer, Value y) {
  return buildVmap(*this, specializer, y, /*inverse=*/true);
}
