//===- ConstructorsCombinators.cpp - Bijections made of bijections --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc {

using llvm::Twine;

NodePtr makeChain(Call &call, const NodeList &bijections) {
  if (call.failed())
    return nullptr;
  const Node &first = *bijections[0];
  for (auto [index, bijection] : llvm::enumerate(bijections))
    if (bijection->shape != first.shape) {
      call.fail("the bijections of `" + call.name() + "` must have equal shapes: number 0, " + describe(first) +
                ", has shape " + formatShape(first.shape) + ", number " + Twine(index) + ", " + describe(*bijection) +
                ", has shape " + formatShape(bijection->shape));
      return nullptr;
    }
  auto node = call.makeNode(Node::Category::Bijection, "chain", first.shape, mergeCondShapes(call, bijections));
  addShapes(*node);
  for (auto [index, bijection] : llvm::enumerate(bijections))
    node->fields.push_back(Child{("bijections[" + Twine(index) + "]").str(), bijection});
  return call.finish(node);
}

/// A node with FlowJAX's fields `bijection`, `shape` and `cond_shape`.
static std::shared_ptr<Node> wrap(Call &call, llvm::StringRef kind, const NodePtr &bijection) {
  auto node = call.makeNode(Node::Category::Bijection, kind, bijection->shape, bijection->condShape);
  node->fields.push_back(Child{"bijection", bijection});
  addShapes(*node);
  return node;
}

NodePtr makeScan(Call &call, const NodePtr &bijection, int64_t layers) {
  if (call.failed())
    return nullptr;
  auto node = wrap(call, "scan", bijection);
  node->stack = layers;
  return call.finish(node);
}

NodePtr makeInvert(Call &call, const NodePtr &bijection) {
  if (call.failed())
    return nullptr;
  return call.finish(wrap(call, "invert", bijection));
}

static Value::Data buildScan(Call &call) {
  constexpr int64_t maxLayers = 1000000;
  if (!call.isList("bijection")) {
    NodePtr bijection = call.bijection("bijection");
    if (!call.has("layers"))
      call.fail("`scan` of one bijection needs the number of its copies: `scan(layer, layers = 4)`");
    else
      return makeScan(call, bijection, call.integer("layers", 1, maxLayers));
    return {};
  }
  NodeList bijections = call.bijections("bijection");
  if (call.failed())
    return {};
  int64_t count = bijections.size();
  if (call.has("layers") && call.integer("layers", 1, maxLayers) != count) {
    call.failAt("layers", "`layers` of `scan` does not fit to the list, which has " + Twine(count) + " bijections");
    return {};
  }
  NodePtr stacked = stackNodes(call, "bijection", bijections);
  return makeScan(call, stacked, count);
}

//===----------------------------------------------------------------------===//
// EmbedCondition
//===----------------------------------------------------------------------===//

/// Whether a bijection acts on each element of its event alone.
static bool isElementwise(const Node &node) {
  Reach reach = getKind(node).reach;
  return reach == Reach::Elements || (reach == Reach::Parts && llvm::all_of(getChildren(node), [](const NodePtr &part) {
                                        return isElementwise(*part);
                                      }));
}

/// Checks that `net` maps raw conditions to what `conditional` takes. As in FlowJAX a bijection
/// may take none: it has conditions then, and does not look at them.
static bool checkEmbedding(Call &call, const Node &conditional, const Node &net, const Shape &rawShape) {
  if (!conditional.condShape && conditional.category != Node::Category::Bijection) {
    call.fail("`embed_condition` needs a bijection or a conditional distribution, and " + describe(conditional) +
              " takes no condition");
    return false;
  }
  bool isNetwork = net.category == Node::Category::Network;
  if (!isNetwork && (net.category != Node::Category::Bijection || net.condShape || !isElementwise(net))) {
    call.failAt("embedding_net",
                "`embedding_net` must be a network or an unconditional elementwise bijection, found " + describe(net));
    return false;
  }
  Shape in = isNetwork ? Shape{net.attribute<int64_t>("in_size")} : net.shape;
  if (in != rawShape) {
    call.failAt("embedding_net", describe(net) + " takes conditions of shape " + formatShape(in) +
                                     ", but `raw_cond_shape` is " + formatShape(rawShape));
    return false;
  }
  if (!conditional.condShape || net.shape == *conditional.condShape)
    return true;
  call.failAt("embedding_net", describe(net) + " makes conditions of shape " + formatShape(net.shape) + ", but " +
                                   describe(conditional) + " takes shape " + formatShape(*conditional.condShape));
  return false;
}

/// Replaces the leaves of FlowJAX's field `cond_shape`, if there are any.
static void replaceCondShape(Node &node, const Shape &condShape) {
  auto isOld = [](const auto &field) {
    const Leaf *leaf = std::get_if<Leaf>(&field);
    return leaf && llvm::StringRef(leaf->path).starts_with("cond_shape[");
  };
  size_t first = llvm::find_if(node.fields, isOld) - node.fields.begin();
  if (first == node.fields.size())
    return;
  llvm::erase_if(node.fields, isOld);
  Node leaves;
  addShape(leaves, "cond_shape", condShape);
  node.fields.insert(node.fields.begin() + first, leaves.fields.begin(), leaves.fields.end());
}

static NodePtr embed(Call &call, const NodePtr &conditional, const NodePtr &net, const Shape &rawShape) {
  if (conditional->category == Node::Category::Bijection) {
    auto node = call.makeNode(Node::Category::Bijection, "embed_condition", conditional->shape, rawShape);
    node->fields.push_back(Child{"bijection", conditional});
    addShapes(*node);
    node->fields.push_back(Child{"embedding_net", net});
    return call.finish(node);
  }
  // Of a distribution the conditional parts: what FlowJAX's user would write as
  // Transformed(flow.base_dist, EmbedCondition(flow.bijection, ...)).
  auto node = std::make_shared<Node>(*conditional);
  node->condShape = rawShape;
  replaceCondShape(*node, rawShape);
  int parts = 0;
  for (auto &field : node->fields)
    if (Child *child = std::get_if<Child>(&field); child && child->node->condShape) {
      child->node = embed(call, child->node, net, rawShape);
      ++parts;
    }
  bool isTrained = llvm::any_of(flattenLeaves(*net, /*withValues=*/false),
                                [](const PlacedLeaf &leaf) { return leaf.leaf->kind == Leaf::Kind::Trainable; });
  if (parts > 1 && isTrained)
    call.fail("both the base and the bijection of " + describe(*conditional) +
              " take conditions, and would get a trainable `embedding_net` each: embed them one by one");
  return call.finish(node);
}

static Value::Data buildEmbedCondition(Call &call) {
  NodePtr conditional = call.node("bijection", "a bijection or a conditional distribution");
  NodePtr net = call.node("embedding_net", "a network or an unconditional elementwise bijection");
  Shape rawShape = call.shape("raw_cond_shape");
  if (call.failed() || !checkEmbedding(call, *conditional, *net, rawShape))
    return {};
  return embed(call, conditional, net, rawShape);
}

//===----------------------------------------------------------------------===//
// NonTrainable
//===----------------------------------------------------------------------===//

NodePtr freeze(Call &call, const NodePtr &node) {
  auto frozen = std::make_shared<Node>(*node);
  for (auto &field : frozen->fields) {
    if (Child *child = std::get_if<Child>(&field)) {
      child->node = freeze(call, child->node);
      continue;
    }
    Leaf &leaf = std::get<Leaf>(field);
    if (leaf.kind != Leaf::Kind::Trainable)
      continue;
    leaf.kind = Leaf::Kind::Frozen;
    leaf.path += ".tree";
  }
  return call.finish(frozen);
}

static Value::Data buildNonTrainable(Call &call) {
  NodePtr node = call.node("tree", "a bijection, a distribution or a network");
  if (call.failed())
    return {};
  return freeze(call, node);
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

llvm::ArrayRef<Constructor> combinatorConstructors() {
  static const std::vector<Constructor> table = {
      {"chain",
       {{"bijections"}},
       [](Call &call) -> Value::Data { return makeChain(call, call.bijections("bijections")); },
       "The first bijection of the list, then the second, and so on."},
      {"scan",
       {{"bijection"}, {"layers", std::monostate()}},
       buildScan,
       "A chain of `layers` copies of one bijection, each with parameters of its own; or of the given bijections of "
       "equal structure."},
      {"invert",
       {{"bijection"}},
       [](Call &call) -> Value::Data { return makeInvert(call, call.bijection("bijection")); },
       "The bijection with its two directions exchanged."},
      {"embed_condition",
       {{"bijection"}, {"embedding_net"}, {"raw_cond_shape"}},
       buildEmbedCondition,
       "The condition goes through `embedding_net` first, a network or an elementwise bijection."},
      {"non_trainable", {{"tree"}}, buildNonTrainable, "The same object, whose numbers training leaves alone."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static std::vector<Step> stepThroughChain(const Node &node) {
  std::vector<Step> steps;
  for (const NodePtr &part : getChildren(node))
    steps.push_back({part});
  return steps;
}

static void moveThroughChain(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  NodeList parts = getChildren(step.node);
  if (step.inverse)
    std::reverse(parts.begin(), parts.end());
  for (const NodePtr &part : parts)
    tracer.apply(step.at(*part), ranges);
}

/// Which ends there are shows after a few layers; where they are does not.
static void moveThroughScan(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  constexpr int64_t layers = 3;
  for (int64_t layer = 0; layer < std::min(step.node.stack, layers); ++layer)
    tracer.apply({step.node.child("bijection"), step.inverse, /*isStacked=*/true}, ranges);
  for (Range &range : ranges)
    if (step.node.stack > layers)
      range = {range.hasLower() ? kMovingEnd : range.lower, range.hasUpper() ? kMovingEnd : range.upper};
}

static void moveThroughInvert(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  tracer.apply({step.node.child("bijection"), !step.inverse, step.isStacked}, ranges);
}

static constexpr NodeKind chainKind = {.name = "chain",
                                       .reach = Reach::Parts,
                                       .isSequence = true,
                                       .steps = stepThroughChain,
                                       .moveRanges = moveThroughChain};
static constexpr NodeKind scanKind = {
    .name = "scan",
    .reach = Reach::Parts,
    .steps = stepThroughPart,
    .moveRanges = moveThroughScan,
    .falls = [](const Node &node) { return node.stack % 2 != 0 && isFalling(node.child("bijection")); }};
static constexpr NodeKind invertKind = {.name = "invert",
                                        .reach = Reach::Parts,
                                        .steps =
                                            [](const Node &node) {
                                              return std::vector<Step>{{getChildren(node).front(), /*inverse=*/true}};
                                            },
                                        .moveRanges = moveThroughInvert};
static constexpr NodeKind embedConditionKind = {
    .name = "embed_condition", .steps = stepThroughPart, .moveRanges = moveThroughPart};

llvm::ArrayRef<const NodeKind *> combinatorKinds() {
  static constexpr const NodeKind *kinds[] = {&chainKind, &scanKind, &invertKind, &embedConditionKind};
  return kinds;
}

} // namespace flowc
