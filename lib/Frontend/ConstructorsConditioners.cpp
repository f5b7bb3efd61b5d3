//===- ConstructorsConditioners.cpp - Bijections with a conditioner -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

namespace flowc {

using llvm::Twine;

const Node *findVectorBijection(const Node &node) {
  if (getKind(node).reach == Reach::Vectors)
    return &node;
  for (const NodePtr &child : getChildren(node))
    if (const Node *found = findVectorBijection(*child))
      return found;
  return nullptr;
}

/// The number of parameters that a network has to give to the transformer of
/// one coordinate; checks that the transformer is one.
static int64_t countTransformerParameters(Call &call, const Node &transformer) {
  if (!transformer.shape.empty() || transformer.condShape) {
    call.failAt("transformer", "`transformer` of `" + call.name() +
                                   "` must be an unconditional bijection of shape [], "
                                   "found " +
                                   describe(transformer) +
                                   (transformer.condShape ? ", which takes a condition"
                                                          : " of shape " + formatShape(transformer.shape)));
    return 0;
  }
  if (const Node *found = findVectorBijection(transformer)) {
    call.failAt("transformer", "`transformer` of `" + call.name() + "` acts on one number, and holds " +
                                   describe(*found) + ", which is made for vectors: write `affine` or a spline");
    return 0;
  }
  int64_t count = 0;
  for (const PlacedLeaf &leaf : flattenLeaves(transformer)) {
    // A permutation of one element is no choice.
    if (leaf.leaf->kind == Leaf::Kind::Permutation)
      continue;
    if (leaf.leaf->init.kind != Init::Kind::Values) {
      call.failAt("transformer",
                  "the parameters of a transformer start at given numbers, and " + leaf.path + " is random");
      return 0;
    }
    if (leaf.leaf->kind == Leaf::Kind::Trainable)
      count += numElements(leaf.shape);
  }
  if (count == 0)
    call.failAt("transformer", describe(transformer) +
                                   " has no parameters that a network could set: write `affine()`, a spline, or a "
                                   "chain with one");
  return count;
}

/// Checks what all conditioners have in common, and the size of the output.
static bool checkConditioner(Call &call, const ConditionerOptions &options, int64_t transformedDim,
                             int64_t &parameters) {
  if (call.failed())
    return false;
  parameters = countTransformerParameters(call, *options.transformer);
  if (!call.failed() && double(parameters) * double(transformedDim) > double(maxArrayElements))
    call.fail("the network of `" + call.name() + "` would have " + formatNumber(double(parameters) * transformedDim) +
              " outputs; at most " + formatNumber(maxArrayElements) + " are supported");
  return !call.failed();
}

static std::optional<Shape> condShapeOf(const ConditionerOptions &options) {
  if (!options.condDim)
    return std::nullopt;
  return Shape{*options.condDim};
}

static NetworkOptions networkOptions(const ConditionerOptions &options) {
  NetworkOptions network;
  network.width = options.width;
  network.depth = options.depth;
  network.activation = options.activation;
  return network;
}

NodePtr makeCoupling(Call &call, const ConditionerOptions &options, int64_t untransformedDim) {
  // The network needs an input: coordinates that stay, or a condition.
  if (!call.failed() && options.dim < 2 && !options.condDim)
    call.fail("`" + call.name() + "` needs dim >= 2, found " + Twine(options.dim) +
              "; one coordinate can only depend on a condition, see `cond_dim`");
  if (!call.failed() && untransformedDim >= options.dim)
    call.failAt("untransformed_dim", "`untransformed_dim` of `coupling` must be below dim = " + Twine(options.dim) +
                                         ", found " + Twine(untransformedDim));
  if (!call.failed() && untransformedDim == 0 && !options.condDim)
    call.failAt("untransformed_dim", "`untransformed_dim` of `coupling` must be at least 1 without `cond_dim`, found "
                                     "0: the network would have no input");
  int64_t transformedDim = options.dim - untransformedDim, parameters = 0;
  if (!checkConditioner(call, options, transformedDim, parameters))
    return nullptr;
  NetworkOptions network = networkOptions(options);
  network.inSize = untransformedDim + options.condDim.value_or(0);
  network.outSize = parameters * transformedDim;
  NodePtr conditioner = makeNetwork(call, network);

  auto node = call.makeNode(Node::Category::Bijection, "coupling", {options.dim}, condShapeOf(options));
  addShapes(*node);
  node->fields.push_back(numberLeaf("untransformed_dim", untransformedDim, Leaf::Type::Int));
  node->fields.push_back(numberLeaf("dim", options.dim, Leaf::Type::Int));
  node->attributes = {{"untransformed_dim", untransformedDim}, {"dim", options.dim}};
  node->fields.push_back(Child{"conditioner", conditioner});
  node->hidden.push_back({"transformer", options.transformer});
  return call.finish(node);
}

/// FlowJAX's ranks: a unit sees the units of at most its own rank. Conditions
/// have rank -1, so that every output sees them.
static NetworkOptions::Ranks makeRanks(const ConditionerOptions &options, int64_t parameters) {
  NetworkOptions::Ranks ranks;
  for (int64_t d = 0; d < options.dim; ++d) {
    ranks.in.push_back(d);
    ranks.out.insert(ranks.out.end(), parameters, d);
  }
  ranks.in.insert(ranks.in.end(), options.condDim.value_or(0), -1);
  for (int64_t unit = 0; unit < options.width; ++unit) {
    if (options.condDim)
      ranks.hidden.push_back(unit % options.dim - 1);
    else
      ranks.hidden.push_back(options.dim == 1 ? 0 : unit % (options.dim - 1));
  }
  return ranks;
}

NodePtr makeMaskedAutoregressive(Call &call, const ConditionerOptions &options) {
  int64_t parameters = 0;
  if (!checkConditioner(call, options, options.dim, parameters))
    return nullptr;
  NetworkOptions network = networkOptions(options);
  network.ranks = makeRanks(options, parameters);
  network.inSize = network.ranks->in.size();
  network.outSize = network.ranks->out.size();
  NodePtr mlp = makeNetwork(call, network);

  auto node = call.makeNode(Node::Category::Bijection, "masked_autoregressive", {options.dim}, condShapeOf(options));
  addShapes(*node);
  node->attributes = {{"dim", options.dim},
                      {"in_ranks", network.ranks->in},
                      {"hidden_ranks", network.ranks->hidden},
                      {"out_ranks", network.ranks->out}};
  node->fields.push_back(Child{"masked_autoregressive_mlp", mlp});
  node->hidden.push_back({"transformer", options.transformer});
  if (options.dim == 1 && !options.condDim)
    node->note = "a masked layer of dimension 1 without a condition has no inputs, its transformer's parameters are "
                 "mere biases: use the transformer alone, or give it a condition with `cond_dim`";
  return call.finish(node);
}

/// The arguments that both constructors share.
static ConditionerOptions readOptions(Call &call) {
  ConditionerOptions options;
  options.transformer = call.bijection("transformer");
  options.dim = call.integer("dim");
  options.condDim = call.optionalInteger("cond_dim");
  options.width = call.integer("nn_width");
  options.depth = call.integer("nn_depth", 0, maxNetworkDepth);
  options.activation = call.activation("nn_activation");
  return options;
}

static Value::Data buildCoupling(Call &call) {
  ConditionerOptions options = readOptions(call);
  return makeCoupling(call, options, call.integer("untransformed_dim", 0));
}

static Value::Data buildMaskedAutoregressive(Call &call) { return makeMaskedAutoregressive(call, readOptions(call)); }

llvm::ArrayRef<Constructor> conditionerConstructors() {
  static const std::vector<Constructor> table = {
      {"coupling",
       {{"transformer"},
        {"untransformed_dim"},
        {"dim"},
        {"cond_dim", std::monostate()},
        {"nn_width"},
        {"nn_depth"},
        {"nn_activation", Word{"relu"}}},
       buildCoupling,
       "The first `untransformed_dim` coordinates stay; a network of them and the condition gives the parameters of "
       "`transformer` for each of the rest."},
      {"masked_autoregressive",
       {{"transformer"},
        {"dim"},
        {"cond_dim", std::monostate()},
        {"nn_width"},
        {"nn_depth"},
        {"nn_activation", Word{"relu"}}},
       buildMaskedAutoregressive,
       "Coordinate d goes through `transformer` with parameters that a masked network makes of the coordinates before "
       "d and the condition."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// The coordinates from `first` on go through the transformer, with parameters of their own.
static void moveThroughTransformer(RangeTracer &tracer, const RangeStep &step, Ranges ranges, int64_t first) {
  for (Range &range : ranges.drop_front(first))
    tracer.apply({step.node.child("transformer"), step.inverse, /*isStacked=*/true}, range);
}

static constexpr NodeKind couplingKind = {.name = "coupling",
                                          .reach = Reach::Vectors,
                                          .moveRanges = [](RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
                                            moveThroughTransformer(tracer, step, ranges,
                                                                   step.node.attribute<int64_t>("untransformed_dim"));
                                          }};
static constexpr NodeKind maskedAutoregressiveKind = {
    .name = "masked_autoregressive",
    .reach = Reach::Vectors,
    .moveRanges = [](RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
      moveThroughTransformer(tracer, step, ranges, /*first=*/0);
    }};

llvm::ArrayRef<const NodeKind *> conditionerKinds() {
  static constexpr const NodeKind *kinds[] = {&couplingKind, &maskedAutoregressiveKind};
  return kinds;
}

} // namespace flowc
