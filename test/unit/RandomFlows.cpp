//===- RandomFlows.cpp - Random programs in the language ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomFlows.h"

#include <numeric>

namespace flowc::test {

static constexpr const char *kActivations[] = {"relu", "tanh",     "silu",    "gelu",
                                               "elu",  "softplus", "sigmoid", "leaky_relu"};

/// a, b, ... The elements of a braced list are made in order, which a sum of
/// strings does not promise.
static std::string join(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

static std::string call(const std::string &name, const std::vector<std::string> &arguments) {
  return name + "(" + join(arguments) + ")";
}

static std::string chain(const std::vector<std::string> &bijections) { return "chain([" + join(bijections) + "])"; }

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

void RandomFlow::chooseShape() {
  double kind = random.uniform(0, 1);
  if (kind < 0.08)
    shape = {};
  else if (kind < 0.16)
    shape = {2 + random.below(2), 1 + random.below(4)};
  else
    shape = {1 + random.below(12)};
  condDim = shape.size() == 1 && random.chance(0.3) ? 1 + random.below(3) : 0;
}

std::string RandomFlow::bijection() {
  chooseShape();
  return "bijection f = " + compose(1 + static_cast<int>(random.below(4)), Domain::ForwardOnly) + "\n";
}

std::string RandomFlow::distribution() {
  chooseShape();
  if (shape.size() == 1 && random.chance(0.35))
    return "flow f = " + premadeFlow() + "\n";
  std::string text = call("transformed", {base(), compose(static_cast<int>(random.below(4)), Domain::ForwardOnly)});
  if (random.chance(0.2))
    text = call("transformed", {text, compose(1, Domain::ForwardOnly)});
  return "flow f = " + text + "\n";
}

std::string RandomFlow::base() {
  if (random.chance(0.6))
    return call("standard_normal", {shapeText()});
  return call("normal", {array(-1, 1), array(0.5, 2)});
}

std::string RandomFlow::premadeFlow() {
  bool coupling = shape[0] > 1 && random.chance(0.5);
  std::string text = coupling ? "coupling_flow(" : "masked_autoregressive_flow(";
  text += "base_dist = " + base();
  if (random.chance(0.6))
    text += ", transformer = " + scalarTransformer(1);
  text += ", flow_layers = " + std::to_string(1 + random.below(4));
  if (random.chance(0.4))
    text += ", invert = false";
  return text + ", " + networkOptions() + ")";
}

//===----------------------------------------------------------------------===//
// Compositions
//===----------------------------------------------------------------------===//

std::string RandomFlow::compose(int depth, Domain domain) {
  if (depth == 0)
    return simple(domain);
  switch (random.below(6)) {
  case 0:
    return call("invert", {compose(depth - 1, Domain::All)});
  case 1:
    return call("scan", {compose(depth - 1, domain), "layers = " + std::to_string(1 + random.below(3))});
  case 2:
    return stackedList();
  case 3:
    return simple(domain);
  default: {
    std::vector<std::string> parts;
    for (int64_t count = 2 + random.below(2); count > 0; --count)
      parts.push_back(compose(depth - 1, domain));
    return chain(parts);
  }
  }
}

std::string RandomFlow::simple(Domain domain) {
  if (domain == Domain::ForwardOnly && random.chance(0.12))
    return (random.chance(0.5) ? "tanh(" : "softplus(") + shapeText() + ")";
  if (random.chance(0.45))
    return conditioner();
  switch (random.below(7)) {
  case 0:
    return call("loc", {array(-1, 1)});
  case 1:
    return call("scale", {array(0.4, 1.8)});
  case 2:
    return sandwich();
  case 3:
    return call("identity", {shapeText()});
  case 4:
  case 5:
    return permutation();
  default:
    return call("affine", {array(-1, 1), array(0.4, 1.8)});
  }
}

std::string RandomFlow::stackedList() {
  std::vector<std::string> layers;
  for (int64_t count = 2 + random.below(2); count > 0; --count)
    layers.push_back(call("affine", {array(-1, 1), array(0.4, 1.8)}));
  return "scan([" + join(layers) + "])";
}

std::string RandomFlow::sandwich() {
  std::string all = "(" + shapeText() + ")";
  if (random.chance(0.5))
    return chain({"softplus" + all, call("scale", {array(0.5, 1.5)}), "invert(softplus" + all + ")"});
  return chain({"tanh" + all, "flip" + all, "invert(tanh" + all + ")"});
}

std::string RandomFlow::permutation() {
  if (shape.empty() || random.chance(0.3))
    return "flip(" + shapeText() + ")";
  if (shape.size() == 1 && random.chance(0.5))
    return "permute(shuffled(" + std::to_string(shape[0]) + "))";
  int64_t count = numElements(shape), columns = shape.back();
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(order[i], order[random.below(i + 1)]);
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    if (shape.size() == 2 && i % columns == 0)
      text += i ? "], [" : "[";
    else if (i)
      text += ", ";
    text += std::to_string(order[i]);
  }
  return "permute([" + text + (shape.size() == 2 ? "]])" : "])");
}

//===----------------------------------------------------------------------===//
// Conditioners and transformers
//===----------------------------------------------------------------------===//

std::string RandomFlow::networkOptions() {
  std::string text = "nn_width = " + std::to_string(1 + random.below(12));
  text += ", nn_depth = " + std::to_string(random.below(4));
  text += std::string(", nn_activation = ") + kActivations[random.below(8)];
  if (condDim)
    text += ", cond_dim = " + std::to_string(condDim);
  return text;
}

std::string RandomFlow::conditioner() {
  if (shape.empty())
    return spline();
  if (shape.size() != 1)
    return call("affine", {array(-1, 1), array(0.4, 1.8)});
  std::string dim = std::to_string(shape[0]);
  std::vector<std::string> arguments = {"transformer = " + scalarTransformer(1), "dim = " + dim, networkOptions()};
  if (shape[0] == 1 || random.chance(0.5))
    return call("masked_autoregressive", arguments);
  arguments.push_back("untransformed_dim = " + std::to_string(1 + random.below(shape[0] - 1)));
  return call("coupling", arguments);
}

std::string RandomFlow::scalarTransformer(int depth) {
  switch (random.below(depth > 0 ? 8 : 4)) {
  case 0:
    return "affine()";
  case 1:
    return call("affine", {number(-1, 1), number(0.5, 1.5)});
  case 2:
  case 3:
    return spline();
  case 4:
    return call("invert", {scalarTransformer(depth - 1)});
  case 5:
    return call("scan", {scalarTransformer(depth - 1), "layers = 2"});
  case 6:
    return chain({scalarTransformer(depth - 1), scalarTransformer(depth - 1)});
  default:
    return "chain([softplus(), scale(" + number(0.5, 1.5) + "), invert(softplus())])";
  }
}

std::string RandomFlow::spline() {
  std::string text = "rational_quadratic_spline(knots = " + std::to_string(1 + random.below(9)) + ", interval = ";
  if (random.chance(0.5))
    text += number(1, 5);
  else
    text += "[" + number(-4, -0.5) + ", " + number(0.5, 4) + "]";
  if (random.chance(0.3))
    text += ", min_derivative = " + number(1e-3, 0.1) + ", min_width = " + number(1e-3, 0.05);
  return text + ")";
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string RandomFlow::shapeText() const {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string RandomFlow::number(double lo, double hi) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4f", random.uniform(lo, hi));
  return text;
}

std::string RandomFlow::array(double lo, double hi) {
  if (shape.empty())
    return number(lo, hi);
  std::string text = "[";
  int64_t columns = shape.back();
  for (int64_t i = 0, count = numElements(shape); i < count; ++i) {
    if (shape.size() == 2 && i % columns == 0)
      text += i ? "], [" : "[";
    else if (i)
      text += ", ";
    text += number(lo, hi);
  }
  return text + (shape.size() == 2 ? "]]" : "]");
}

} // namespace flowc::test
