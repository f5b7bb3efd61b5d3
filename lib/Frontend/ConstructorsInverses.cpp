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

namespace flowc {

using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Root finders
//===----------------------------------------------------------------------===//

/// Checks that the argument, a number or an array, is greater than zero.
static void checkPositive(Call &call, StringRef argument) {
  if (call.has(argument))
    call.positiveArray(argument);
}

/// A method to find roots, with its tolerance (argument `tolerance`).
static NodePtr makeInverter(Call &call, StringRef tolerance) {
  auto node = call.makeNode(Node::Category::Inverter, call.name(), {});
  if (call.has(tolerance)) {
    double value = call.real(tolerance);
    if (!call.failed() && !(value > 0))
      call.failAt(tolerance, "`" + tolerance + "` of `" + call.name() + "` must be a positive number, found " +
                                 formatNumber(value));
    node->attributes["tolerance"] = value;
  }
  return call.finish(node);
}

/// Checks the arguments that all of FlowJAX's root finders have.
static void checkSteps(Call &call) {
  call.integer("max_steps");
  call.boolean("throw");
}

/// Checks that `lower` is below `upper`, element by element if both are arrays.
static void checkBracket(Call &call) {
  ArrayValue lower = call.array("lower"), upper = call.array("upper");
  if (call.failed())
    return;
  const std::vector<double> &a = lower.init.values, &b = upper.init.values;
  for (size_t i = 0; i < std::max(a.size(), b.size()) && !a.empty() && !b.empty(); ++i) {
    double from = a[i % a.size()], to = b[i % b.size()];
    if (from < to)
      continue;
    call.failAt("upper", "`upper` of `" + call.name() + "` must be greater than `lower`, found " + formatNumber(to) +
                             " for the lower end " + formatNumber(from));
    return;
  }
}

static Value::Data buildNewton(Call &call) { return makeInverter(call, "tolerance"); }

static Value::Data buildBisection(Call &call) {
  checkBracket(call);
  return makeInverter(call, "tolerance");
}

/// FlowJAX's `bisection_search` and `elementwise_autoregressive_bisection`.
static Value::Data buildBisectionSearch(Call &call) {
  checkBracket(call);
  checkSteps(call);
  return makeInverter(call, "atol");
}

static Value::Data buildBisectCheckExpandSearch(Call &call) {
  call.array("midpoint");
  checkPositive(call, "width");
  checkPositive(call, "max_width");
  checkSteps(call);
  return makeInverter(call, "atol");
}

/// `argument`, which must be a method to find roots; null for `none`.
static NodePtr readInverter(Call &call, StringRef argument) {
  if (!call.has(argument))
    return nullptr;
  NodePtr inverter = call.node(argument);
  if (!inverter || inverter->category == Node::Category::Inverter)
    return inverter;
  call.failAt(argument, "`" + argument + "` of `" + call.name() +
                            "` must be a method to find roots, such as newton(), found " + describe(*inverter));
  return nullptr;
}

static Value::Data buildInverter(Call &call) { return readInverter(call, "root_finder"); }

//===----------------------------------------------------------------------===//
// NumericalInverse
//===----------------------------------------------------------------------===//

NodePtr makeNumericalInverse(Call &call, const NodePtr &bijection) {
  NodePtr inverter = readInverter(call, "inverter");
  // Gradients go through the implicit function either way.
  call.boolean("use_implicit_differentation");
  if (call.failed())
    return nullptr;
  auto node = call.makeNode(Node::Category::Bijection, "numerical_inverse", bijection->shape, bijection->condShape);
  node->fields.push_back(Child{"bijection", bijection});
  addShapes(*node);
  if (inverter && inverter->attributes.count("tolerance"))
    node->attributes["tolerance"] = inverter->attribute<double>("tolerance");
  return call.finish(node);
}

static Value::Data buildNumericalInverse(Call &call) { return makeNumericalInverse(call, call.bijection("bijection")); }

//===----------------------------------------------------------------------===//
// Planar
//===----------------------------------------------------------------------===//

NodePtr makePlanar(Call &call, int64_t dim) {
  std::optional<int64_t> condDim = call.optionalInteger("cond_dim");
  if (call.failed())
    return nullptr;
  std::optional<Shape> condShape = condDim ? std::optional<Shape>({*condDim}) : std::nullopt;
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
    network.width = call.integer("width_size");
    network.depth = call.integer("depth", 0, maxNetworkDepth);
    network.activation = call.activation("activation");
    node->fields.push_back(Child{"conditioner", makeNetwork(call, network)});
  } else {
    Init init;
    init.kind = Init::Kind::Normal;
    init.scale = 0.01;
    node->fields.push_back(arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, "params", {2 * dim + 1}, init));
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
       buildPlanar},
      {"numerical_inverse",
       {{"bijection"}, {"inverter", none}, {"use_implicit_differentation", true}},
       buildNumericalInverse},
      {"newton", {{"tolerance", none}}, buildNewton},
      {"bisection", {{"lower"}, {"upper"}, {"tolerance", none}}, buildBisection},
      {"root_finder_to_inverter", {{"root_finder"}}, buildInverter},
      {"bisect_check_expand_search",
       {{"midpoint"},
        {"width", number(2)},
        {"atol", none},
        {"max_steps", number(5000)},
        {"throw", true},
        {"max_width", none}},
       buildBisectCheckExpandSearch},
      {"bisection_search",
       {{"lower"}, {"upper"}, {"atol", none}, {"max_steps", number(1000)}, {"throw", true}},
       buildBisectionSearch},
      {"elementwise_autoregressive_bisection",
       {{"lower"}, {"upper"}, {"atol", none}, {"max_steps", number(1000)}, {"throw", true}},
       buildBisectionSearch},
  };
  return table;
}

} // namespace flowc
