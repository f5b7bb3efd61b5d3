//===- EmitNetworks.cpp - Emission of conditioners and networks -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "NodeKinds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

namespace flowc {

using namespace mlir;
using namespace flow;

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

namespace {
/// Weights and biases of a network, layer by layer.
struct Layers {
  SmallVector<Value> weights, biases;
};
} // namespace

/// The leaves of an `mlp` or, with `weightField` "weight.args[1]", a `masked_mlp`.
static Layers getLayers(Emitter &emitter, const Place &network, const std::string &weightField) {
  Layers layers;
  for (int64_t i = 0; i <= network.node.attribute<int64_t>("depth"); ++i) {
    std::string layer = "layers[" + std::to_string(i) + "].";
    layers.weights.push_back(emitter.findParameter(network, layer + weightField));
    layers.biases.push_back(emitter.findParameter(network, layer + "bias"));
  }
  return layers;
}

Value emitNetwork(Emitter &emitter, const Place &network, bool biasLast) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  const Node &node = network.node;
  if (&getKind(node) == &linearKind)
    return buildDense(builder, emitter.findParameter(network, "weight"), emitter.findParameter(network, "bias"),
                      network.event);
  if (&getKind(node) != &mlpKind)
    return emitter.fail(node, "`" + node.kind + "` cannot be compiled");
  Layers layers = getLayers(emitter, network, "weight");
  Value hidden = network.event;
  for (auto [layer, weight, bias] : llvm::enumerate(layers.weights, layers.biases)) {
    if (layer > 0)
      hidden = buildActivationMap(builder, node.attribute<std::string>("activation"), hidden);
    bool addsBias = biasLast && layer + 1 == layers.weights.size();
    hidden = buildDense(builder, weight, addsBias ? Value() : bias, hidden);
    if (addsBias)
      hidden = arith::AddFOp::create(builder, hidden, bias);
  }
  return hidden;
}

static Value emitEmbedCondition(Emitter &emitter, const Place &place) {
  Place net = place.getChild("embedding_net", place.condition);
  net.condition = {};
  Place conditional = place.getChild("bijection", place.event);
  if (!conditional.node.condShape)
    return emitter.emitBijection(conditional);
  bool isNetwork = net.node.category == Node::Category::Network;
  conditional.condition = isNetwork ? emitNetwork(emitter, net) : emitter.emitBijection(net);
  return conditional.condition ? emitter.emitBijection(conditional) : Value();
}

//===----------------------------------------------------------------------===//
// Transformers
//===----------------------------------------------------------------------===//

/// A constant of a leaf's values, in flattened form.
static Value emitValues(Emitter &emitter, const PlacedLeaf &leaf) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Type type = emitter.getFlatType(leaf.shape);
  if (llvm::all_equal(leaf.values))
    return buildConstant(builder, type, leaf.values.front());
  SmallVector<mlir::Attribute> elements;
  for (double value : leaf.values)
    elements.push_back(builder.getFloatAttr(emitter.getElementType(), value));
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(cast<ShapedType>(type), elements));
}

/// Emits a transformer into its region: its trainable leaves, one after the
/// other, are the network's outputs added to the values written in the text.
static bool emitTransformer(Emitter &emitter, Region &region, const Node &transformer, int64_t coordinates,
                            int64_t outputs) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Type element = emitter.getElementType();
  Type raw = MapOp::getElementType(emitter.getFlatType({outputs}), coordinates);
  return emitter.emitRegion(region, {element, raw}, [&](Block &block) {
    std::vector<PlacedLeaf> leaves = flattenLeaves(transformer);
    llvm::erase_if(leaves, [](const PlacedLeaf &leaf) {
      return leaf.leaf->kind == Leaf::Kind::Constant || leaf.leaf->kind == Leaf::Kind::Permutation;
    });
    SmallVector<Type> pieces;
    for (const PlacedLeaf &leaf : leaves)
      if (leaf.leaf->kind == Leaf::Kind::Trainable)
        pieces.push_back(emitter.getFlatType(leaf.shape));
    ValueRange values = block.getArguments().drop_front();
    if (pieces.size() > 1)
      values = SplitOp::create(builder, pieces, values.front()).getPieces();
    auto reshape = [&](Value value, Type type) -> Value {
      return value.getType() == type ? value : ReshapeOp::create(builder, type, value).getY();
    };
    emitter.getLeaves().clear();
    size_t next = 0;
    for (const PlacedLeaf &leaf : leaves) {
      Value value;
      if (leaf.leaf->kind == Leaf::Kind::Trainable) {
        value = reshape(values[next++], emitter.getFlatType(leaf.shape));
        if (llvm::any_of(leaf.values, [](double start) { return start != 0; }))
          value = arith::AddFOp::create(builder, value, emitValues(emitter, leaf));
      } else {
        value = emitValues(emitter, leaf);
      }
      emitter.getLeaves()[leaf.path] = value;
    }
    emitter.setInTransformer(true);
    Value result = emitter.emitBijection({transformer, "", block.getArgument(0), {}});
    emitter.setInTransformer(false);
    return result;
  });
}

//===----------------------------------------------------------------------===//
// Conditioners
//===----------------------------------------------------------------------===//

static Value emitCoupling(Emitter &emitter, const Place &place) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Place network = place.getChild("conditioner", {});
  Layers layers = getLayers(emitter, network, "weight");
  int64_t head = place.node.attribute<int64_t>("untransformed_dim");
  auto op = CouplingOp::create(builder, place.event.getType(), place.event, place.condition, layers.weights,
                               layers.biases, builder.getI64IntegerAttr(head),
                               builder.getStringAttr(network.node.attribute<std::string>("activation")));
  bool emitted =
      emitTransformer(emitter, op.getTransformer(), place.node.child("transformer"),
                      getNumElements(place.event.getType()) - head, network.node.attribute<int64_t>("out_size"));
  return emitted ? op.getY() : Value();
}

static Value emitMaskedAutoregressive(Emitter &emitter, const Place &place) {
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Place network = place.getChild("masked_autoregressive_mlp", {});
  Layers layers = getLayers(emitter, network, "weight.args[1]");
  auto ranks = [&](const char *name) {
    return builder.getDenseI64ArrayAttr(place.node.attribute<std::vector<int64_t>>(name));
  };
  auto op = MaskedAutoregressiveOp::create(builder, place.event.getType(), place.event, place.condition, layers.weights,
                                           layers.biases, ranks("in_ranks"), ranks("hidden_ranks"), ranks("out_ranks"),
                                           builder.getStringAttr(network.node.attribute<std::string>("activation")));
  bool emitted = emitTransformer(emitter, op.getTransformer(), place.node.child("transformer"),
                                 getNumElements(place.event.getType()), network.node.attribute<int64_t>("out_size"));
  return emitted ? op.getY() : Value();
}

ArrayRef<KindEmitter> getNetworkEmitters() {
  static constexpr KindEmitter table[] = {
      {"coupling", emitCoupling},
      {"masked_autoregressive", emitMaskedAutoregressive},
      {"embed_condition", emitEmbedCondition},
  };
  return table;
}

} // namespace flowc
