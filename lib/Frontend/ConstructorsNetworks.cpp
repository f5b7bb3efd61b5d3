//===- ConstructorsNetworks.cpp - Networks --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include <cmath>

namespace flowc {

/// FlowJAX's `rank_based_mask`: entry (o, i) is out[o] >= in[i], or > if strict.
static Init rankMask(const std::vector<int64_t> &in, const std::vector<int64_t> &out, bool strict) {
  Init mask;
  mask.values.reserve(in.size() * out.size());
  for (int64_t outRank : out)
    for (int64_t inRank : in)
      mask.values.push_back(strict ? outRank > inRank : outRank >= inRank);
  return mask;
}

Init uniformInit(int64_t inSize) {
  Init init;
  init.kind = Init::Kind::Uniform;
  init.scale = 1 / std::sqrt(static_cast<double>(inSize));
  return init;
}

static void addLinear(Node &node, const std::string &path, int64_t in, int64_t out, bool useBias,
                      const Init *mask = nullptr) {
  constexpr auto trainable = Leaf::Kind::Trainable;
  constexpr auto number = Leaf::Type::Float;
  if (!mask) {
    node.fields.push_back(arrayLeaf(trainable, number, path + "weight", {out, in}, uniformInit(in)));
  } else {
    // paramax's Parameterize(jnp.where, mask, weight, 0).
    node.fields.push_back(arrayLeaf(Leaf::Kind::Constant, Leaf::Type::Bool, path + "weight.args[0]", {out, in}, *mask));
    node.fields.push_back(arrayLeaf(trainable, number, path + "weight.args[1]", {out, in}, uniformInit(in)));
    node.fields.push_back(numberLeaf(path + "weight.args[2]", 0, Leaf::Type::Int));
  }
  if (useBias)
    node.fields.push_back(arrayLeaf(trainable, number, path + "bias", {out}, uniformInit(in)));
}

NodePtr makeNetwork(Call &call, const NetworkOptions &options) {
  if (call.failed())
    return nullptr;
  const auto &ranks = options.ranks;
  auto node = call.makeNode(Node::Category::Network, ranks ? "masked_mlp" : "mlp", {options.outSize});
  node->attributes = {{"in_size", options.inSize},
                      {"out_size", options.outSize},
                      {"width", options.width},
                      {"depth", options.depth},
                      {"activation", options.activation}};
  if (options.depth == 0 && options.activation != "relu")
    node->note = "the activation `" + options.activation + "` has no effect: there is no hidden layer";
  // Masks are made below: refuse what cannot be held before making them.
  constexpr double maxWeights = double(int64_t(1) << 26);
  for (double weights : {double(options.inSize) * options.width, double(options.width) * options.width,
                         double(options.width) * options.outSize, double(options.inSize) * options.outSize})
    if (weights > maxWeights) {
      call.fail("a layer of the network of `" + call.name() + "` would have " + formatNumber(weights) +
                " weights; at most " + formatNumber(maxWeights) + " are supported");
      return nullptr;
    }
  for (int64_t layer = 0; layer <= options.depth; ++layer) {
    bool first = layer == 0, last = layer == options.depth;
    int64_t in = first ? options.inSize : options.width, out = last ? options.outSize : options.width;
    std::string path = "layers[" + std::to_string(layer) + "].";
    if (!ranks) {
      addLinear(*node, path, in, out, /*useBias=*/true);
      continue;
    }
    Init mask = rankMask(first ? ranks->in : ranks->hidden, last ? ranks->out : ranks->hidden, /*strict=*/last);
    addLinear(*node, path, in, out, /*useBias=*/true, &mask);
  }
  return call.finish(node);
}

static Value::Data buildMlp(Call &call) {
  NetworkOptions options;
  options.inSize = call.integer("in_size");
  options.outSize = call.integer("out_size");
  options.width = call.integer("width_size");
  options.depth = call.integer("depth", 0, maxNetworkDepth);
  options.activation = call.activation("activation");
  return makeNetwork(call, options);
}

NodePtr makeLinear(Call &call, int64_t in, int64_t out, bool useBias) {
  auto node = call.makeNode(Node::Category::Network, "linear", {out});
  node->attributes = {{"in_size", in}, {"out_size", out}, {"use_bias", useBias}};
  addLinear(*node, "", in, out, useBias);
  return call.finish(node);
}

static Value::Data buildLinear(Call &call) {
  int64_t in = call.integer("in"), out = call.integer("out");
  return makeLinear(call, in, out, call.boolean("use_bias"));
}

llvm::ArrayRef<Constructor> networkConstructors() {
  static const std::vector<Constructor> table = {
      {"linear", {{"in"}, {"out"}, {"use_bias", true}}, buildLinear, "A network of one layer without an activation."},
      {"mlp",
       {{"in_size"}, {"out_size"}, {"width_size"}, {"depth"}, {"activation", Word{"relu"}}},
       buildMlp,
       "A network with `depth` hidden layers of `width_size` units."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

constinit const NodeKind linearKind = {.name = "linear"};
constinit const NodeKind mlpKind = {.name = "mlp"};

llvm::ArrayRef<const NodeKind *> networkKinds() {
  static constexpr const NodeKind *kinds[] = {&linearKind, &mlpKind};
  return kinds;
}

} // namespace flowc
