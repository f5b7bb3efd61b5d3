//===- ConstructorsInverses.cpp - Inverses found numerically --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlowJAX's NumericalInverse and its root finders, and the bijection that needs
// them. flowc has an inverse of its own for every bijection; of a root finder it
// takes over the tolerance, if one is written.
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc {

using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Root finders
//===----------------------------------------------------------------------===//

/// Adds the shape of an argument where roots are sought, which must be given in
/// numbers, to `shape`.
static void addPlaces(Call &call, const ArrayValue &places, StringRef argument, Shape &shape) {
  if (call.failed())
    return;
  std::optional<Shape> wider = broadcastShapes(shape, places.shape);
  if (places.init.kind != Init::Kind::Values)
    call.failAt(argument, "`" + argument + "` of `" + call.name() + "` must be given numbers, not a random array");
  else if (!wider)
    call.failAt(argument, "`" + argument + "` of `" + call.name() + "` has shape " + formatShape(places.shape) +
                              ", which does not fit to the other arguments, of shape " + formatShape(shape));
  else
    shape = *wider;
}

/// A method to find roots at places of this shape, with its tolerance (argument
/// `tolerance`).
static NodePtr makeInverter(Call &call, StringRef tolerance, const Shape &shape = {}) {
  auto node = call.makeNode(Node::Category::Inverter, call.name(), shape);
  if (call.has(tolerance)) {
    double value = call.real(tolerance);
    if (!call.failed() && !(value > 0))
      call.failAt(tolerance, "`" + tolerance + "` of `" + call.name() + "` must be a positive number, found " +
                                 formatNumber(value));
    node->attributes["tolerance"] = value;
  }
  if (call.name() != "newton")
    node->note = ("flowc brackets every root by itself: of `" + call.name() + "` only `" + tolerance +
                  "` has an effect, if it is given")
                     .str();
  return call.finish(node);
}

/// Checks the arguments that all of FlowJAX's root finders have.
static void checkSteps(Call &call) {
  call.integer("max_steps");
  call.boolean("throw");
}

/// The shape of `lower` and `upper`; checks that the first is below the second,
/// element by element.
static Shape readBracket(Call &call) {
  ArrayValue lower = call.array("lower"), upper = call.array("upper");
  Shape shape;
  addPlaces(call, lower, "lower", shape);
  addPlaces(call, upper, "upper", shape);
  if (call.failed())
    return {};
  lower = broadcast(lower, shape);
  upper = broadcast(upper, shape);
  for (auto [from, to] : llvm::zip_equal(lower.init.values, upper.init.values))
    if (!(from < to)) {
      call.failAt("upper", "`upper` of `" + call.name() + "` must be greater than `lower`, found " + formatNumber(to) +
                               " for the lower end " + formatNumber(from));
      return {};
    }
  return shape;
}

static Value::Data buildNewton(Call &call) { return makeInverter(call, "tolerance"); }

static Value::Data buildBisection(Call &call) {
  Shape shape = readBracket(call);
  return makeInverter(call, "tolerance", shape);
}

/// FlowJAX's `bisection_search` and `elementwise_autoregressive_bisection`.
static Value::Data buildBisectionSearch(Call &call) {
  Shape shape = readBracket(call);
  checkSteps(call);
  return makeInverter(call, "atol", shape);
}

static Value::Data buildBisectCheckExpandSearch(Call &call) {
  ArrayValue midpoint = call.array("midpoint");
  Shape shape;
  addPlaces(call, midpoint, "midpoint", shape);
  for (StringRef argument : {"width", "max_width"})
    if (argument == "width" || call.has(argument)) {
      ArrayValue width = call.positiveArray(argument);
      addPlaces(call, width, argument, shape);
    }
  checkSteps(call);
  return makeInverter(call, "atol", shape);
}

/// `argument`, which must be a method to find roots.
static NodePtr readInverter(Call &call, StringRef argument) {
  constexpr StringRef expected = "a method to find roots, such as newton()";
  NodePtr inverter = call.node(argument, expected);
  if (!inverter || inverter->category == Node::Category::Inverter)
    return inverter;
  call.failAt(argument,
              "`" + argument + "` of `" + call.name() + "` must be " + expected + ", found " + describe(*inverter));
  return nullptr;
}

static Value::Data buildInverter(Call &call) { return readInverter(call, "root_finder"); }

//===----------------------------------------------------------------------===//
// NumericalInverse
//===----------------------------------------------------------------------===//

namespace {
/// What the inverse of a bijection takes.
struct InverseCost {
  bool hasRoot = false, hasNetwork = false;
};
} // namespace

static void findInverseCost(const Node &node, InverseCost &cost) {
  if (auto effort = getKind(node).inverseEffort) {
    cost.hasNetwork |= effort(node) == InverseEffort::Network;
    cost.hasRoot |= effort(node) == InverseEffort::Root;
  }
  for (const auto &field : node.fields)
    if (const Child *child = std::get_if<Child>(&field))
      findInverseCost(*child->node, cost);
  for (const Child &child : node.hidden)
    findInverseCost(*child.node, cost);
}

/// Says which arguments of a numerical inverse have no effect; nothing if all have.
static std::string describeVainArguments(const Node &bijection, const Node *inverter, bool isImplicit) {
  std::vector<std::string> notes;
  InverseCost cost;
  findInverseCost(bijection, cost);
  if (inverter && inverter->attributes.count("tolerance") && !cost.hasRoot)
    notes.push_back(cost.hasNetwork
                        ? "the tolerance has no effect: the inverse of `block_autoregressive_network` is always found "
                          "to full precision"
                        : "the tolerance has no effect: the inverse of " + describe(bijection) + " is a formula");
  else if (inverter && inverter->attributes.count("tolerance") && cost.hasNetwork)
    notes.push_back("the tolerance has no effect on the inverse of `block_autoregressive_network`, which is always "
                    "found to full precision");
  if (inverter && !inverter->note.empty())
    notes.push_back(inverter->note);
  if (!isImplicit)
    notes.push_back("`use_implicit_differentation = false` has no effect: gradients of roots are those of the "
                    "implicit function");
  return llvm::join(notes, "; ");
}

NodePtr makeNumericalInverse(Call &call, const NodePtr &bijection) {
  NodePtr inverter = call.has("inverter") ? readInverter(call, "inverter") : nullptr;
  bool isImplicit = call.boolean("use_implicit_differentation");
  if (call.failed())
    return nullptr;
  if (inverter && broadcastShapes(inverter->shape, bijection->shape) != bijection->shape) {
    call.failAt("inverter", describe(*inverter) + " seeks roots of shape " + formatShape(inverter->shape) + ", but " +
                                describe(*bijection) + " has shape " + formatShape(bijection->shape));
    return nullptr;
  }
  auto node = call.makeNode(Node::Category::Bijection, "numerical_inverse", bijection->shape, bijection->condShape);
  node->fields.push_back(Child{"bijection", bijection});
  addShapes(*node);
  if (inverter && inverter->attributes.count("tolerance"))
    node->attributes["tolerance"] = inverter->attribute<double>("tolerance");
  node->note = describeVainArguments(*bijection, inverter.get(), isImplicit);
  return call.finish(node);
}

static Value::Data buildNumericalInverse(Call &call) { return makeNumericalInverse(call, call.bijection("bijection")); }

//===----------------------------------------------------------------------===//
// Planar
//===----------------------------------------------------------------------===//

NodePtr makePlanar(Call &call, int64_t dim) {
  std::optional<int64_t> condDim = call.optionalInteger("cond_dim");
  std::optional<int64_t> width = call.optionalInteger("width_size");
  std::optional<int64_t> depth = call.optionalInteger("depth", 0, maxNetworkDepth);
  std::string activation = call.activation("activation");
  if (call.failed())
    return nullptr;
  std::optional<Shape> condShape = condDim ? std::optional(Shape{*condDim}) : std::nullopt;
  auto node = call.makeNode(Node::Category::Bijection, "planar", {dim}, condShape);
  addShapes(*node);
  if (condDim) {
    NetworkOptions network;
    for (StringRef argument : {"width_size", "depth"})
      if (!call.has(argument))
        call.fail("`" + call.name() + "` with `cond_dim` needs `" + argument + "` for the network that computes w, u " +
                  "and b from the condition; write width_size = 50, depth = 1, for example");
    if (call.failed())
      return nullptr;
    network.inSize = *condDim;
    network.outSize = 2 * dim + 1;
    network.width = *width;
    network.depth = *depth;
    network.activation = activation;
    node->fields.push_back(Child{"conditioner", makeNetwork(call, network)});
  } else {
    Init init;
    init.kind = Init::Kind::Normal;
    init.scale = 0.01;
    node->fields.push_back(arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, "params", {2 * dim + 1}, init));
    if (width || depth || activation != "relu")
      node->note = ("`width_size`, `depth` and `activation` of `" + call.name() +
                    "` have no effect without `cond_dim`: there is no network then")
                       .str();
  }
  if (call.has("negative_slope")) {
    double slope = call.real("negative_slope");
    if (!call.failed() && !(slope > 0))
      call.failAt("negative_slope",
                  "`negative_slope` of `" + call.name() + "` must be a positive number, found " + formatNumber(slope));
    bool isInteger = call.array("negative_slope").integral;
    node->fields.push_back(numberLeaf("negative_slope", slope, isInteger ? Leaf::Type::Int : Leaf::Type::Float));
    node->attributes["negative_slope"] = slope;
  }
  return call.finish(node);
}

static Value::Data buildPlanar(Call &call) { return makePlanar(call, call.integer("dim")); }

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

llvm::ArrayRef<Constructor> inverseConstructors() {
  const Value::Data none = std::monostate();
  static const std::vector<Constructor> table = {
      {"planar",
       {{"dim"},
        {"cond_dim", none},
        {"negative_slope", none},
        {"width_size", none},
        {"depth", none},
        {"activation", Word{"relu"}}},
       buildPlanar,
       "x + v h(w·x + b): all x move along one direction. h is tanh, or with a `negative_slope` a leaky relu."},
      {"numerical_inverse",
       {{"bijection"}, {"inverter", none}, {"use_implicit_differentation", true}},
       buildNumericalInverse,
       "The bijection; FlowJAX's wrapper of those without an inverse of their own. flowc has an inverse of every "
       "bijection, and uses it."},
      {"newton", {{"tolerance", none}}, buildNewton, "Finds roots by Newton's method in a bracket."},
      {"bisection",
       {{"lower"}, {"upper"}, {"tolerance", none}},
       buildBisection,
       "Finds roots by bisection between `lower` and `upper`."},
      {"root_finder_to_inverter", {{"root_finder"}}, buildInverter, "A root finder of FlowJAX's as an `inverter`."},
      {"bisect_check_expand_search",
       {{"midpoint"},
        {"width", number(2)},
        {"atol", none},
        {"max_steps", number(5000)},
        {"throw", true},
        {"max_width", none}},
       buildBisectCheckExpandSearch,
       "FlowJAX's bisection that widens its interval until it holds a root."},
      {"bisection_search",
       {{"lower"}, {"upper"}, {"atol", none}, {"max_steps", number(1000)}, {"throw", true}},
       buildBisectionSearch,
       "FlowJAX's bisection between `lower` and `upper`."},
      {"elementwise_autoregressive_bisection",
       {{"lower"}, {"upper"}, {"atol", none}, {"max_steps", number(1000)}, {"throw", true}},
       buildBisectionSearch,
       "FlowJAX's bisection of one coordinate after the other."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static constexpr NodeKind numericalInverseKind = {
    .name = "numerical_inverse", .steps = stepThroughPart, .moveRanges = moveThroughPart};
static constexpr NodeKind planarKind = {
    .name = "planar", .reach = Reach::Vectors, .moveRanges = mixRanges, .inverseEffort = [](const Node &node) {
      return node.attributes.count("negative_slope") ? InverseEffort::Formula : InverseEffort::Root;
    }};

llvm::ArrayRef<const NodeKind *> inverseKinds() {
  static constexpr const NodeKind *kinds[] = {&numericalInverseKind, &planarKind};
  return kinds;
}

} // namespace flowc
