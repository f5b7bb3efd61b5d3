//===- EmitBlock.cpp - Emission of block autoregressive networks ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "flowc/Dialect/Flow/IR/FlowBlock.h"
#include "flowc/Dialect/Flow/IR/FlowElementwise.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include "llvm/ADT/StringSwitch.h"

namespace flowc {

using namespace mlir;
using namespace flow;

/// The weight of one layer from its raw values and scales.
static Value emitWeight(Emitter &emitter, const Place &place, const std::string &path, int64_t dim) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  const Shape &shape = place.node.leaf(path + "weight.weight.args[0]").shape;
  Type element = emitter.getElementType();
  auto type = RankedTensorType::get(shape, element),
       blocks = RankedTensorType::get({shape[0], shape[1] / dim}, element);
  Type flat = emitter.getFlatType({blocks.getNumElements()});
  Value raw = emitter.getParameter(place, path + "weight.weight.args[0]", type);
  Value scale = emitter.getParameter(place, path + "weight.scale.args[0]", emitter.getFlatType({shape[0]}));
  if (!raw || !scale)
    return {};
  Value diagonal = ReshapeOp::create(builder, flat, BlockDiagonalOp::create(builder, blocks, raw, dim));
  diagonal = ReshapeOp::create(builder, blocks, Log1pExpOp::create(builder, flat, diagonal));
  Value weight = BlockTriangleOp::create(builder, type, raw, diagonal, dim);
  return WeightNormalizeOp::create(builder, type, weight, scale);
}

/// Emits the bijection of the activation. Its layers, if it is a scan, follow each
/// other: an activation is computed in registers.
static bool emitActivation(Emitter &emitter, Region &region, const Place &place) {
  Place activation = place.getChild("activation", {});
  return emitter.emitRegion(region, emitter.getElementType(), [&](Block &block) {
    for (const PlacedLeaf &leaf : flattenLeaves(activation.node, /*withValues=*/false)) {
      Value &value = emitter.getLeaves()[activation.path + leaf.path];
      if (Type flat = value ? emitter.getFlatType({getNumElements(value.getType())}) : Type();
          value && isa<RankedTensorType>(value.getType()) && value.getType() != flat)
        value = ReshapeOp::create(emitter.getBuilder(), flat, value);
    }
    activation.event = block.getArgument(0);
    bool wasInTransformer = emitter.isInTransformer();
    emitter.setInTransformer(true);
    Value result = emitter.emitBijection(activation);
    emitter.setInTransformer(wasInTransformer);
    return result;
  });
}

/// Emits the bijection that a named activation is, if it is one that has a region of
/// tiny slopes: a bijection knows their logarithms.
static bool emitFunction(Emitter &emitter, Region &region, StringRef name) {
  using BuildFn = Value (*)(ImplicitLocOpBuilder &, Value);
  auto build =
      llvm::StringSwitch<BuildFn>(name)
          .Case("tanh", [](ImplicitLocOpBuilder &at, Value x) -> Value { return TanhOp::create(at, x); })
          .Case("softplus", [](ImplicitLocOpBuilder &at, Value x) -> Value { return SoftplusOp::create(at, x); })
          .Case("sigmoid", [](ImplicitLocOpBuilder &at, Value x) -> Value { return SigmoidOp::create(at, x); })
          .Default(nullptr);
  return build && emitter.emitRegion(region, emitter.getElementType(),
                                     [&](Block &block) { return build(emitter.getBuilder(), block.getArgument(0)); });
}

static Value emitBlockAutoregressiveNetwork(Emitter &emitter, const Place &place) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  const Node &node = place.node;
  int64_t dim = node.shape[0];
  SmallVector<Value> weights, biases;
  for (int64_t layer = 0; layer <= node.attribute<int64_t>("depth"); ++layer) {
    std::string path = "layers[" + std::to_string(layer) + "][0].";
    weights.push_back(emitWeight(emitter, place, path, dim));
    biases.push_back(emitter.findParameter(place, path + "bias"));
    if (!weights.back() || !biases.back())
      return {};
  }
  auto op = BlockAutoregressiveNetworkOp::create(
      builder, place.event.getType(), place.event, place.condition,
      place.condition ? emitter.findParameter(place, "cond_linear.weight") : Value(), weights, biases,
      /*activation=*/StringAttr());
  bool isBijection = llvm::any_of(node.fields, [](const auto &field) { return std::holds_alternative<Child>(field); });
  if (isBijection && !emitActivation(emitter, op.getBijection(), place))
    return {};
  auto named = node.attributes.find("activation");
  if (named == node.attributes.end())
    return op.getY();
  const auto &name = std::get<std::string>(named->second);
  if (!emitFunction(emitter, op.getBijection(), name))
    op.setActivation(name);
  return op.getY();
}

ArrayRef<KindEmitter> getBlockEmitters() {
  static constexpr KindEmitter table[] = {
      {"block_autoregressive_network", emitBlockAutoregressiveNetwork},
  };
  return table;
}

} // namespace flowc
