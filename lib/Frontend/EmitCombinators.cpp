//===- EmitCombinators.cpp - Emission of bijections of parts of events ----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Events are flattened in row-major order. Pieces that are consecutive there
// need nothing but flow.partition; others are brought together by a constant
// permutation, and back.
//
// Everything in a transformer has one element, so that the combinators only hand
// it to their parts.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "flowc/Dialect/Flow/IR/FlowCombinators.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

#include <numeric>

namespace flowc {

using namespace mlir;
using namespace flow;

//===----------------------------------------------------------------------===//
// Values of other shapes
//===----------------------------------------------------------------------===//

/// `value` under another flat type with as many elements.
static Value emitReshaped(Emitter &emitter, Value value, Type type) {
  return value.getType() == type ? value : ReshapeOp::create(emitter.getBuilder(), type, value).getY();
}

Value emitReordered(Emitter &emitter, Value value, ArrayRef<int32_t> order, bool inverse) {
  if (order.empty())
    return value;
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  SmallVector<int32_t> inverseOrder(order.size());
  for (auto [target, source] : llvm::enumerate(order))
    inverseOrder[source] = target;
  auto type = RankedTensorType::get({int64_t(order.size())}, builder.getI32Type());
  auto constant = [&](ArrayRef<int32_t> indices) -> Value {
    return arith::ConstantOp::create(builder, DenseElementsAttr::get(type, indices));
  };
  Value forward = constant(order), backward = constant(inverseOrder);
  if (inverse)
    std::swap(forward, backward);
  return PermuteOp::create(builder, value.getType(), value, forward, backward);
}

static bool isAscending(ArrayRef<int32_t> order) {
  return llvm::all_of(llvm::enumerate(order), [](auto entry) { return entry.value() == int64_t(entry.index()); });
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

namespace {
/// Consecutive elements of an event, and the bijection that acts on them.
struct Piece {
  int64_t size = 0;
  /// Path of a child; empty if the elements stay as they are.
  std::string child;
};
} // namespace

/// Emits one bijection for each piece of `event`.
static Value emitPartition(Emitter &emitter, const Place &place, Value event, ArrayRef<Piece> pieces) {
  if (emitter.isInTransformer())
    return emitter.emitBijection(place.getChild(pieces.front().child, event));
  SmallVector<int64_t> sizes;
  for (const Piece &piece : pieces)
    sizes.push_back(piece.size);
  auto op = PartitionOp::create(emitter.getBuilder(), event.getType(), event, sizes, pieces.size());
  for (auto [region, piece] : llvm::zip_equal(op.getParts(), pieces)) {
    Shape shape = piece.child.empty() ? Shape{piece.size} : place.node.child(piece.child).shape;
    bool emitted = emitter.emitRegion(region, emitter.getFlatType(shape), [&](Block &block) -> Value {
      Value part = block.getArgument(0);
      return piece.child.empty() ? part : emitter.emitBijection(place.getChild(piece.child, part));
    });
    if (!emitted)
      return {};
  }
  return op.getY();
}

/// Emits bijections along `axis` of the event; part i has `extents[i]` of it.
static Value emitAlongAxis(Emitter &emitter, const Place &place, int64_t axis, ArrayRef<int64_t> extents) {
  const Shape &shape = place.node.shape;
  int64_t outer = numElements(Shape(shape.begin(), shape.begin() + axis));
  int64_t inner = numElements(Shape(shape.begin() + axis + 1, shape.end()));
  SmallVector<Piece> pieces;
  SmallVector<int32_t> order;
  int64_t first = 0;
  for (auto [number, extent] : llvm::enumerate(extents)) {
    pieces.push_back({outer * extent * inner, "bijections[" + std::to_string(number) + "]"});
    for (int64_t row = 0; row < outer; ++row)
      for (int64_t i = 0; i < extent * inner; ++i)
        order.push_back((row * shape[axis] + first) * inner + i);
    first += extent;
  }
  if (isAscending(order))
    order.clear();
  Value event = emitReordered(emitter, place.event, order, /*inverse=*/false);
  event = emitPartition(emitter, place, event, pieces);
  return event ? emitReordered(emitter, event, order, /*inverse=*/true) : Value();
}

static Value emitConcatenate(Emitter &emitter, const Place &place) {
  int64_t axis = place.node.attribute<int64_t>("axis");
  SmallVector<int64_t> extents;
  for (const auto &field : place.node.fields)
    if (const Child *child = std::get_if<Child>(&field))
      extents.push_back(child->node->shape[axis]);
  return emitAlongAxis(emitter, place, axis, extents);
}

static Value emitStack(Emitter &emitter, const Place &place) {
  int64_t axis = place.node.attribute<int64_t>("axis");
  return emitAlongAxis(emitter, place, axis, SmallVector<int64_t>(place.node.shape[axis], 1));
}

static Value emitIndexed(Emitter &emitter, const Place &place) {
  const auto &indices = place.node.attribute<std::vector<int64_t>>("indices");
  int64_t size = indices.size(), all = numElements(place.node.shape);
  SmallVector<int32_t> order(indices.begin(), indices.end());
  int64_t before = 0;
  // Elements that are consecutive stay where they are.
  bool isConsecutive = llvm::all_of(
      llvm::enumerate(indices), [&](auto entry) { return entry.value() == indices.front() + int64_t(entry.index()); });
  if (isConsecutive) {
    before = indices.front();
    order.clear();
  } else {
    std::vector<bool> isChosen(all);
    for (int64_t index : indices)
      isChosen[index] = true;
    for (int64_t i = 0; i < all; ++i)
      if (!isChosen[i])
        order.push_back(i);
  }
  SmallVector<Piece> pieces;
  if (before > 0)
    pieces.push_back({before, ""});
  pieces.push_back({size, "bijection"});
  if (before + size < all)
    pieces.push_back({all - before - size, ""});
  Value event = emitReordered(emitter, place.event, order, /*inverse=*/false);
  event = emitPartition(emitter, place, event, pieces);
  return event ? emitReordered(emitter, event, order, /*inverse=*/true) : Value();
}

//===----------------------------------------------------------------------===//
// Reshape, Sandwich
//===----------------------------------------------------------------------===//

static Value emitReshape(Emitter &emitter, const Place &place) {
  const Node &child = place.node.child("bijection");
  Place inner = place;
  if (child.condShape)
    inner.condition = emitReshaped(emitter, place.condition, emitter.getFlatType(*child.condShape));
  // A vector of one element and a scalar differ in type.
  if (emitter.isInTransformer() || place.event.getType() == emitter.getFlatType(child.shape))
    return emitter.emitBijection(inner.getChild("bijection", place.event));
  return emitPartition(emitter, inner, place.event, {{numElements(child.shape), "bijection"}});
}

/// The outer bijection, the inner one, then the outer one backwards.
static Value emitSandwich(Emitter &emitter, const Place &place) {
  Value event = emitter.emitBijection(place.getChild("outer", place.event));
  if (event)
    event = emitter.emitBijection(place.getChild("inner", event));
  if (!event)
    return {};
  auto invert = InvertOp::create(emitter.getBuilder(), event.getType(), event);
  bool emitted = emitter.emitRegion(invert.getBody(), event.getType(), [&](Block &block) {
    return emitter.emitBijection(place.getChild("outer", block.getArgument(0)));
  });
  return emitted ? invert.getY() : Value();
}

//===----------------------------------------------------------------------===//
// Vmap
//===----------------------------------------------------------------------===//

/// The condition as a stack of the copies' conditions, which lie along `axis`.
static Value emitConditions(Emitter &emitter, const Place &place, const Shape &pieceShape, int64_t axis) {
  int64_t size = place.node.attribute<int64_t>("axis_size");
  int64_t outer = numElements(Shape(pieceShape.begin(), pieceShape.begin() + axis));
  int64_t inner = numElements(Shape(pieceShape.begin() + axis, pieceShape.end()));
  SmallVector<int32_t> order;
  for (int64_t copy = 0; copy < size; ++copy)
    for (int64_t row = 0; row < outer; ++row)
      for (int64_t i = 0; i < inner; ++i)
        order.push_back((row * size + copy) * inner + i);
  if (isAscending(order))
    order.clear();
  Value condition = emitReordered(emitter, place.condition, order, /*inverse=*/false);
  return emitReshaped(emitter, condition, sample::ScanOp::getStackType(emitter.getFlatType(pieceShape), size));
}

static Value emitVmap(Emitter &emitter, const Place &place) {
  Place copy = place.getChild("bijection", place.event);
  if (emitter.isInTransformer())
    return emitter.emitBijection(copy);
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  bool isStacked = place.node.stack > 0;
  SmallVector<Value> over, shared;
  std::vector<std::string> overPaths, sharedPaths;
  for (const PlacedLeaf &leaf : flattenLeaves(copy.node, /*withValues=*/false)) {
    if (leaf.leaf->kind == Leaf::Kind::Constant)
      continue;
    std::string path = copy.path + leaf.path;
    (isStacked ? over : shared).push_back(emitter.getLeaves().lookup(path));
    (isStacked ? overPaths : sharedPaths).push_back(path);
  }
  bool hasOwnConditions = place.node.attributes.count("in_axes_condition");
  if (copy.condition && hasOwnConditions)
    over.push_back(
        emitConditions(emitter, place, *copy.node.condShape, place.node.attribute<int64_t>("in_axes_condition")));
  else if (copy.condition)
    shared.push_back(copy.condition);

  SmallVector<Type> arguments{emitter.getFlatType(copy.node.shape)};
  for (Value operand : over)
    arguments.push_back(sample::ScanOp::getSliceType(operand.getType()));
  for (Value operand : shared)
    arguments.push_back(operand.getType());
  auto op = VmapOp::create(builder, place.event.getType(), place.event, place.node.attribute<int64_t>("axis_size"),
                           over, shared);
  bool emitted = emitter.emitRegion(op.getBody(), arguments, [&](Block &block) {
    ValueRange slices = block.getArguments().slice(1, over.size());
    ValueRange wholes = block.getArguments().drop_front(1 + over.size());
    for (auto [path, argument] : llvm::zip(overPaths, slices))
      emitter.getLeaves()[path] = argument;
    for (auto [path, argument] : llvm::zip(sharedPaths, wholes))
      emitter.getLeaves()[path] = argument;
    copy.event = block.getArgument(0);
    if (copy.condition)
      copy.condition = hasOwnConditions ? slices.back() : wholes.back();
    return emitter.emitBijection(copy);
  });
  return emitted ? op.getY() : Value();
}

ArrayRef<KindEmitter> getCombinatorEmitters() {
  static constexpr KindEmitter table[] = {
      {"concatenate", emitConcatenate}, {"stack", emitStack},       {"indexed", emitIndexed},
      {"reshape", emitReshape},         {"sandwich", emitSandwich}, {"vmap", emitVmap},
  };
  return table;
}

} // namespace flowc
