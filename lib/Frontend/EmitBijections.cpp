//===- EmitBijections.cpp - Emission of simple bijections, combinators ----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "flowc/Dialect/Flow/IR/FlowOrdered.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"

namespace flowc {

using namespace mlir;
using namespace flow;

//===----------------------------------------------------------------------===//
// Affine maps, splines
//===----------------------------------------------------------------------===//

static Value emitAffine(Emitter &emitter, const Place &place) {
  Type type = place.event.getType();
  Value loc = emitter.getParameter(place, "loc", type);
  Value scale = emitter.getPositiveParameter(place, "scale.args[0]", type, place.node.attribute<double>("min_scale"));
  if (!loc || !scale)
    return {};
  return AffineOp::create(emitter.getBuilder(), type, place.event, loc, scale);
}

/// x / (1 + |x| / `bound`), which stays below the bound.
static Value emitSoftClip(ImplicitLocOpBuilder &builder, Value x, double bound) {
  Type type = x.getType();
  Value size =
      arith::MulFOp::create(builder, math::AbsFOp::create(builder, x), buildConstant(builder, type, 1 / bound));
  return arith::DivFOp::create(builder, x, arith::AddFOp::create(builder, size, buildConstant(builder, type, 1)));
}

/// The slopes at all knots. Those of a clipped spline are exp of its numbers, and 1 at both ends.
static Value emitSlopes(Emitter &emitter, const Place &place, int64_t knots, double clip) {
  if (clip == 0)
    return emitter.getPositiveParameter(place, "derivatives.args[0]", emitter.getFlatType({knots + 2}),
                                        place.node.attribute<double>("min_derivative"));
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Value raw = emitter.getParameter(place, "derivatives.args[0]", emitter.getFlatType({knots}));
  if (!raw)
    return {};
  Value end = buildConstant(builder, getElementTypeOrSelf(raw.getType()), 1);
  return buildConcat(builder, {end, math::ExpOp::create(builder, emitSoftClip(builder, raw, clip)), end});
}

static Value emitRationalQuadraticSpline(Emitter &emitter, const Place &place) {
  const Node &node = place.node;
  const auto &interval = node.attribute<std::vector<double>>("interval");
  int64_t knots = node.attribute<int64_t>("knots");
  double clip = node.attribute<double>("clip");
  Type raw = emitter.getFlatType({knots + 1});
  Value x = emitter.getParameter(place, "x_pos.arr", raw), y = emitter.getParameter(place, "y_pos.arr", raw);
  Value slopes = emitSlopes(emitter, place, knots, clip);
  if (!x || !y || !slopes)
    return {};
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  if (clip != 0) {
    x = emitSoftClip(builder, x, clip / 2);
    y = emitSoftClip(builder, y, clip / 2);
  }
  double minWidth = node.attribute<double>("min_width");
  return RationalQuadraticSplineOp::create(builder, place.event.getType(), place.event,
                                           buildKnots(builder, x, interval[0], interval[1], minWidth),
                                           buildKnots(builder, y, interval[0], interval[1], minWidth), slopes,
                                           builder.getF64FloatAttr(interval[0]), builder.getF64FloatAttr(interval[1]));
}

//===----------------------------------------------------------------------===//
// Permute
//===----------------------------------------------------------------------===//

/// The index into the flattened event from the indices along each axis.
static Value emitFlatIndices(Emitter &emitter, const Place &place, const std::string &field) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  auto type = RankedTensorType::get({numElements(place.node.shape)}, builder.getI32Type());
  Value flat;
  for (auto [axis, size] : llvm::enumerate(place.node.shape)) {
    Value index = emitter.getParameter(place, field + "[" + std::to_string(axis) + "]", type);
    if (!index)
      return {};
    if (flat) {
      Value extent = arith::ConstantOp::create(builder, DenseElementsAttr::get(type, int32_t(size)));
      index = arith::AddIOp::create(builder, arith::MulIOp::create(builder, flat, extent), index);
    }
    flat = index;
  }
  return flat;
}

static Value emitPermute(Emitter &emitter, const Place &place) {
  // A transformer has one element, as a scalar does.
  if (emitter.isInTransformer() || place.node.shape.empty())
    return place.event;
  Value permutation = emitFlatIndices(emitter, place, "permutation");
  Value inverse = emitFlatIndices(emitter, place, "inverse_permutation");
  if (!permutation || !inverse)
    return {};
  return PermuteOp::create(emitter.getBuilder(), place.event.getType(), place.event, permutation, inverse);
}

static Value emitFlip(Emitter &emitter, const Place &place) {
  return FlipOp::create(emitter.getBuilder(), place.event.getType(), place.event);
}

static Value emitOrdered(Emitter &emitter, const Place &place) {
  return OrderedOp::create(emitter.getBuilder(), place.event.getType(), place.event);
}

//===----------------------------------------------------------------------===//
// Combinators
//===----------------------------------------------------------------------===//

static Value emitChain(Emitter &emitter, const Place &place) {
  Value event = place.event;
  for (const auto &field : place.node.fields)
    if (const Child *child = std::get_if<Child>(&field); child && event)
      event = emitter.emitBijection(place.getChild(child->path, event));
  return event;
}

static Value emitInvert(Emitter &emitter, const Place &place) {
  Type type = place.event.getType();
  auto op = InvertOp::create(emitter.getBuilder(), type, place.event);
  bool emitted = emitter.emitRegion(op.getBody(), type, [&](Block &block) {
    return emitter.emitBijection(place.getChild("bijection", block.getArgument(0)));
  });
  return emitted ? op.getY() : Value();
}

/// A scan inside a transformer: its few parameters are slices of one row's
/// network output, in registers, so that its layers follow each other.
static Value emitUnrolledScan(Emitter &emitter, const Place &place) {
  llvm::StringMap<Value> stacked = emitter.getLeaves();
  Place layer = place.getChild("bijection", place.event);
  for (int64_t i = 0; i < place.node.stack && layer.event; ++i) {
    for (const PlacedLeaf &leaf : flattenLeaves(layer.node, /*withValues=*/false))
      if (Value whole = stacked.lookup(layer.path + leaf.path))
        emitter.getLeaves()[layer.path + leaf.path] = emitter.getSlice(whole, i, place.node.stack);
    layer.event = emitter.emitBijection(layer);
  }
  emitter.getLeaves() = std::move(stacked);
  return layer.event;
}

static Value emitScan(Emitter &emitter, const Place &place) {
  if (emitter.isInTransformer())
    return emitUnrolledScan(emitter, place);
  Place layer = place.getChild("bijection", place.event);
  // All leaves of the layer are stacked: its body sees slices of them.
  SmallVector<Value> over, shared;
  SmallVector<Type> arguments{place.event.getType()};
  std::vector<std::string> paths;
  for (const PlacedLeaf &leaf : flattenLeaves(layer.node, /*withValues=*/false)) {
    if (leaf.leaf->kind == Leaf::Kind::Constant)
      continue;
    paths.push_back(layer.path + leaf.path);
    over.push_back(emitter.getLeaves().lookup(paths.back()));
    arguments.push_back(sample::ScanOp::getSliceType(over.back().getType()));
  }
  if (layer.condition) {
    shared.push_back(layer.condition);
    arguments.push_back(layer.condition.getType());
  }
  auto op = flow::ScanOp::create(emitter.getBuilder(), place.event.getType(), place.event, place.node.stack,
                                 /*reverse=*/false, over, shared);
  bool emitted = emitter.emitRegion(op.getBody(), arguments, [&](Block &block) {
    for (auto [path, argument] : llvm::zip(paths, block.getArguments().drop_front()))
      emitter.getLeaves()[path] = argument;
    layer.event = block.getArgument(0);
    if (layer.condition)
      layer.condition = block.getArguments().back();
    return emitter.emitBijection(layer);
  });
  return emitted ? op.getY() : Value();
}

ArrayRef<KindEmitter> getSimpleEmitters() {
  static constexpr KindEmitter table[] = {
      {"affine", emitAffine},   {"flip", emitFlip},       {"rational_quadratic_spline", emitRationalQuadraticSpline},
      {"permute", emitPermute}, {"chain", emitChain},     {"invert", emitInvert},
      {"scan", emitScan},       {"ordered", emitOrdered},
  };
  return table;
}

} // namespace flowc
