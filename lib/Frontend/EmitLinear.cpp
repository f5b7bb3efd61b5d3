//===- EmitLinear.cpp - Emission of linear bijections, shifts -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "flowc/Dialect/Flow/IR/FlowElementwise.h"
#include "flowc/Dialect/Flow/IR/FlowLinear.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace flowc {

using namespace mlir;
using namespace flow;

static Value emitTriangularAffine(Emitter &emitter, const Place &place) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  int64_t size = place.node.shape[0];
  bool upper = !place.node.attribute<bool>("lower"), normalized = place.node.attribute<bool>("weight_normalized");
  auto type = RankedTensorType::get({size, size}, emitter.getElementType());
  Type vector = emitter.getFlatType({size});
  Value loc = emitter.getParameter(place, "loc", vector);
  Value raw = emitter.getParameter(place, normalized ? "triangular.weight.args[0]" : "triangular.args[0]", type);
  Value scale = normalized ? emitter.getParameter(place, "triangular.scale.args[0]", vector) : Value();
  if (!loc || !raw || normalized != bool(scale))
    return {};
  Value diagonal = Log1pExpOp::create(builder, vector, DiagonalOp::create(builder, vector, raw));
  Value matrix = TriangleOp::create(builder, type, raw, diagonal, upper);
  if (normalized)
    matrix = WeightNormalizeOp::create(builder, type, matrix, scale);
  return TriangularAffineOp::create(builder, place.event.getType(), place.event, loc, matrix, upper);
}

static Value emitHouseholder(Emitter &emitter, const Place &place) {
  Value normal = emitter.getParameter(place, "unit_vec.args[0]", place.event.getType());
  if (!normal)
    return {};
  return HouseholderOp::create(emitter.getBuilder(), place.event.getType(), place.event, normal);
}

static Value emitDiscreteCosine(Emitter &emitter, const Place &place) {
  // The elements along the axis come together, then go back to their places.
  const Shape &shape = place.node.shape;
  int64_t axis = place.node.attribute<int64_t>("axis"), size = shape[axis];
  int64_t inner = numElements(Shape(shape.begin() + axis + 1, shape.end()));
  SmallVector<int32_t> order;
  if (inner > 1)
    for (int64_t i = 0, elements = numElements(shape); i < elements; ++i) {
      int64_t along = i % size, column = i / size % inner, outer = i / (size * inner);
      order.push_back((outer * size + along) * inner + column);
    }
  Value event = emitReordered(emitter, place.event, order, /*inverse=*/false);
  event = DiscreteCosineOp::create(emitter.getBuilder(), event.getType(), event, size);
  return emitReordered(emitter, event, order, /*inverse=*/true);
}

/// `value` of shape `from`, repeated to the flattened shape `to`.
static Value emitBroadcast(Emitter &emitter, Value value, const Shape &from, const Shape &to) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  auto type = cast<RankedTensorType>(emitter.getFlatType(to.empty() ? Shape{1} : to));
  if (numElements(from) == type.getNumElements())
    return to.empty() ? ReshapeOp::create(builder, emitter.getElementType(), value).getY() : value;
  if (numElements(from) == 1)
    return SplatOp::create(builder, type, ReshapeOp::create(builder, emitter.getElementType(), value));
  // A network's output is a vector: it is the last axis.
  return buildConcat(builder, SmallVector<Value>(type.getNumElements() / numElements(from), value));
}

static Value emitAdditiveCondition(Emitter &emitter, const Place &place) {
  Place module = place.getChild("module", place.condition);
  Value shift = emitNetwork(emitter, module);
  if (!shift)
    return {};
  shift = emitBroadcast(emitter, shift, module.node.shape, place.node.shape);
  return LocOp::create(emitter.getBuilder(), place.event.getType(), place.event, shift);
}

ArrayRef<KindEmitter> getLinearEmitters() {
  static const KindEmitter table[] = {
      {"triangular_affine", emitTriangularAffine},
      {"householder", emitHouseholder},
      {"discrete_cosine", emitDiscreteCosine},
      {"additive_condition", emitAdditiveCondition},
  };
  return table;
}

} // namespace flowc
