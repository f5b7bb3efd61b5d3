//===- ConstructorsBlock.cpp - Block autoregressive networks --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/FormulaDerivation.h"

#include <algorithm>
#include <cmath>

namespace flowc {

using llvm::StringRef;

/// The weight that FlowJAX makes of a raw one of `blocks` x `blocks` blocks: zero
/// above the diagonal, positive on it.
static std::vector<double> maskBlocks(std::vector<double> weight, int64_t blocks, int64_t rows) {
  int64_t columns = static_cast<int64_t>(weight.size()) / rows;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      double &entry = weight[row * columns + column];
      int64_t to = row * blocks / rows, from = column * blocks / columns;
      if (from > to)
        entry = 0;
      else if (from == to)
        entry = std::max(entry, 0.0) + std::log1p(std::exp(-std::abs(entry)));
    }
  return weight;
}

/// The leaves of one layer: an equinox `Linear` whose weight is masked, made
/// positive on the diagonal, and normalised.
static void addLayer(Node &node, const std::string &path, int64_t dim, int64_t in, int64_t out) {
  auto add = [&](StringRef name, Shape shape, Init init) {
    node.fields.push_back(
        arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, path + name.str(), std::move(shape), std::move(init)));
  };
  Init scales;
  scales.kind = Init::Kind::Derived;
  scales.derive = [dim, out](const std::vector<double> &weight) {
    return rawWeightScales(maskBlocks(weight, dim, out), out);
  };
  add("weight.weight.args[0]", {out, in}, uniformInit(in));
  add("weight.scale.args[0]", {out, 1}, scales);
  add("bias", {out}, uniformInit(in));
}

/// The argument `activation`: `none`, a function or a bijection.
static void addActivation(Call &call, Node &node) {
  if (!call.has("activation")) {
    // FlowJAX's private class `_LeakyTanh`.
    node.fields.push_back(numberLeaf("activation.min_grad", 0.01, Leaf::Type::Float));
    return;
  }
  if (call.isName("activation")) {
    node.attributes["activation"] = call.activation("activation");
    return;
  }
  NodePtr bijection = call.bijection("activation");
  if (call.failed())
    return;
  if (!bijection->shape.empty() || bijection->condShape) {
    call.failAt("activation",
                "`activation` of `" + call.name() +
                    "` must be a function such as tanh or an unconditional bijection of shape [], found " +
                    describe(*bijection) +
                    (bijection->condShape ? std::string(", which takes a condition")
                                          : " of shape " + formatShape(bijection->shape)));
    return;
  }
  if (const Node *found = findVectorBijection(*bijection)) {
    call.failAt("activation", "`activation` of `" + call.name() + "` acts on one number, and holds " +
                                  describe(*found) + ", which is made for vectors");
    return;
  }
  if (isFalling(*bijection)) {
    call.failAt("activation", "`activation` of `" + call.name() + "` must be increasing, found " +
                                  describe(*bijection) + ", which decreases; write it with the other sign");
    return;
  }
  node.fields.push_back(Child{"activation", bijection});
}

NodePtr makeBlockAutoregressiveNetwork(Call &call, const BlockNetworkOptions &options) {
  if (call.failed())
    return nullptr;
  int64_t dim = options.dim;
  double units = double(dim) * double(options.depth == 0 ? 1 : options.blockDim);
  double largest = options.depth > 1 ? units * units : units * double(dim);
  constexpr double maxWeights = double(int64_t(1) << 26);
  if (largest > maxWeights) {
    call.fail("a layer of the network of `" + call.name() + "` would have " + formatNumber(largest) +
              " weights; at most " + formatNumber(maxWeights) + " are supported");
    return nullptr;
  }
  std::optional<Shape> condShape = options.condDim ? std::optional(Shape{*options.condDim}) : std::nullopt;
  auto node = call.makeNode(Node::Category::Bijection, "block_autoregressive_network", {dim}, condShape);
  addShapes(*node);
  node->fields.push_back(numberLeaf("depth", options.depth, Leaf::Type::Int));
  int64_t in = dim, first = 0;
  for (int64_t layer = 0; layer <= options.depth; ++layer) {
    int64_t out = layer == options.depth ? dim : dim * options.blockDim;
    addLayer(*node, "layers[" + std::to_string(layer) + "][0].", dim, in, out);
    first = layer == 0 ? out : first;
    in = out;
  }
  if (options.condDim)
    node->fields.push_back(arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, "cond_linear.weight",
                                     {first, *options.condDim}, uniformInit(*options.condDim)));
  node->fields.push_back(numberLeaf("block_dim", options.blockDim, Leaf::Type::Int));
  addActivation(call, *node);
  if (options.depth == 0 && call.has("activation"))
    node->note = "`activation` has no effect: there is no hidden layer";
  node->attributes["depth"] = options.depth;
  return call.finish(node);
}

static Value::Data buildBlockAutoregressiveNetwork(Call &call) {
  BlockNetworkOptions options;
  options.dim = call.integer("dim");
  options.condDim = call.optionalInteger("cond_dim");
  options.depth = call.integer("depth", 0, maxNetworkDepth);
  options.blockDim = call.integer("block_dim");
  return makeBlockAutoregressiveNetwork(call, options);
}

llvm::ArrayRef<Constructor> blockConstructors() {
  static const std::vector<Constructor> table = {
      {"block_autoregressive_network",
       {{"dim"}, {"cond_dim", std::monostate()}, {"depth"}, {"block_dim"}, {"activation", std::monostate()}},
       buildBlockAutoregressiveNetwork,
       "A network with `depth` hidden layers of `block_dim` units per coordinate; coordinate d of the result sees "
       "coordinates up to d and the condition, and increases with its own."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// Onto R^D if its activation is; coordinates mix.
static void moveThroughBlocks(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  for (const NodePtr &activation : getChildren(step.node)) {
    Range image;
    tracer.apply({*activation, /*inverse=*/false, step.isStacked}, image);
    tracer.isKnown &= image.isLine();
  }
  mixRanges(tracer, step, ranges);
}

static constexpr NodeKind blockKind = {.name = "block_autoregressive_network",
                                       .reach = Reach::Vectors,
                                       .moveRanges = moveThroughBlocks,
                                       .inverseEffort = [](const Node &) { return InverseEffort::Network; }};

llvm::ArrayRef<const NodeKind *> blockKinds() {
  static constexpr const NodeKind *kinds[] = {&blockKind};
  return kinds;
}

} // namespace flowc
