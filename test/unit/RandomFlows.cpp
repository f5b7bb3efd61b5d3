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

std::string join(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts)
    if (!part.empty())
      text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string call(const std::string &name, const std::vector<std::string> &arguments) {
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
  condDim = shape.size() == 1 && random.chance(0.4) ? 1 + random.below(3) : 0;
}

std::string RandomFlow::bijection() {
  chooseShape();
  std::string text = compose(1 + static_cast<int>(random.below(4)), Domain::ForwardOnly);
  return items + "bijection f = " + text + "\n";
}

std::string RandomFlow::distribution() {
  chooseShape();
  std::string text;
  if (shape.size() == 1 && random.chance(0.35)) {
    text = premadeFlow();
  } else {
    text = base();
    text = call("transformed", {text, compose(static_cast<int>(random.below(4)), Domain::ForwardOnly)});
    if (random.chance(0.2))
      text = call("transformed", {text, compose(1, Domain::ForwardOnly)});
  }
  return items + "flow f = " + text + "\n";
}

std::string RandomFlow::premadeFlow() {
  auto some = [&](const char *name, int64_t from, int64_t count) {
    return name + (" = " + std::to_string(from + random.below(count)));
  };
  std::string cond = condDim > 0 ? "cond_dim = " + std::to_string(condDim) : "";
  std::vector<std::string> arguments{"base_dist = " + base(), random.chance(0.4) ? "invert = false" : ""};
  auto with = [&](const char *name, const std::vector<std::string> &more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return call(name, arguments);
  };
  switch (random.below(6)) {
  case 0:
    return with("triangular_spline_flow",
                {some("flow_layers", 1, 3), some("knots", 1, 8), "tanh_max_val = " + number(1, 4), cond,
                 random.chance(0.3) ? "init = lecun_normal" : ""});
  case 1:
    return with("planar_flow", {some("flow_layers", 1, 3), planarOptions()});
  case 2:
    return with("block_neural_autoregressive_flow",
                {some("flow_layers", 1, 2), some("nn_depth", 0, 3), some("nn_block_dim", 1, 4), cond});
  default:
    bool isCoupling = shape[0] > 1 && random.chance(0.5);
    return with(isCoupling ? "coupling_flow" : "masked_autoregressive_flow",
                {random.chance(0.6) ? "transformer = " + scalarTransformer(1) : "", some("flow_layers", 1, 4),
                 networkOptions()});
  }
}

//===----------------------------------------------------------------------===//
// Compositions
//===----------------------------------------------------------------------===//

std::string RandomFlow::compose(int depth, Domain domain) {
  if (depth == 0)
    return simple(domain);
  if (random.chance(0.05))
    return call("non_trainable", {compose(depth - 1, domain)});
  if (random.chance(0.35))
    return parts(depth - 1, domain);
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

std::string RandomFlow::composeFor(std::vector<int64_t> partShape, int depth, Domain domain) {
  std::swap(shape, partShape);
  std::string text = compose(depth, domain);
  std::swap(shape, partShape);
  return text;
}

std::string RandomFlow::parts(int depth, Domain domain) {
  std::vector<int64_t> rest(shape.begin() + !shape.empty(), shape.end());
  switch (random.below(shape.empty() ? 2 : 7)) {
  case 0:
    return call("sandwich", {compose(depth, Domain::All), compose(depth, Domain::All)});
  case 1: {
    int64_t count = numElements(shape);
    std::vector<int64_t> other = count == 1 && random.chance(0.5) ? std::vector<int64_t>{} : std::vector{count};
    return call("reshape", {composeFor(other, depth, domain), shapeText()});
  }
  case 2:
    return call("vmap", {composeFor(rest, depth, domain), "axis_size = " + std::to_string(shape[0])});
  case 3: {
    // Copies with parameters of their own need some.
    if (random.chance(0.3)) {
      std::vector<std::string> copies(shape[0]);
      std::swap(shape, rest);
      for (std::string &copy : copies)
        copy = call("affine", {array(-1, 1), array(0.4, 1.8)});
      std::swap(shape, rest);
      return call("vmap", {"[" + join(copies) + "]"});
    }
    std::string copy = composeFor(rest, depth, domain);
    std::swap(shape, rest);
    copy = chain({call("affine", {array(-1, 1), array(0.4, 1.8)}), copy});
    std::swap(shape, rest);
    return call("vmap", {copy, "axis_size = " + std::to_string(shape[0]), "in_axes = 0"});
  }
  case 4: {
    auto axis = static_cast<size_t>(random.below(shape.size()));
    std::vector<std::string> texts;
    for (int64_t left = shape[axis]; left > 0;) {
      std::vector<int64_t> part = shape;
      part[axis] = 1 + random.below(left);
      left -= part[axis];
      texts.push_back(composeFor(part, depth, domain));
    }
    return call("concatenate", {"[" + join(texts) + "]", "axis = " + std::to_string(axis)});
  }
  case 5: {
    auto axis = static_cast<size_t>(random.below(shape.size()));
    std::vector<int64_t> part = shape;
    part.erase(part.begin() + axis);
    std::vector<std::string> texts;
    for (int64_t i = 0; i < shape[axis]; ++i)
      texts.push_back(composeFor(part, shape[axis] > 4 ? 0 : depth, domain));
    return call("stack", {"[" + join(texts) + "]", "axis = " + std::to_string(axis)});
  }
  default: {
    std::vector<int64_t> rows(shape[0]), part = shape;
    if (random.chance(0.3)) {
      int64_t start = random.below(shape[0]);
      part[0] = 1 + random.below(shape[0] - start);
      std::string range = call("slice", {std::to_string(start), std::to_string(start + part[0])});
      return call("indexed", {composeFor(part, depth, domain), range, shapeText()});
    }
    // Rows in any order, some of them from the back.
    std::iota(rows.begin(), rows.end(), 0);
    for (int64_t i = shape[0] - 1; i > 0; --i)
      std::swap(rows[i], rows[random.below(i + 1)]);
    part[0] = 1 + random.below(shape[0]);
    rows.resize(part[0]);
    for (int64_t &row : rows)
      row -= random.chance(0.3) ? shape[0] : 0;
    if (random.chance(0.3))
      return call("indexed", {composeFor(rest, depth, domain), std::to_string(rows[0]), shapeText()});
    return call("indexed", {composeFor(part, depth, domain), textOf(rows), shapeText()});
  }
  }
}

std::string RandomFlow::simple(Domain domain) {
  if (domain == Domain::ForwardOnly && random.chance(0.12)) {
    static constexpr const char *bounded[] = {"tanh(", "softplus(", "sigmoid(", "exp("};
    int64_t kind = random.below(shape.size() == 1 ? 6 : 5);
    if (kind == 5)
      return "ordered(" + std::to_string(shape[0]) + ")";
    if (kind == 4)
      return chain({call("softplus", {shapeText()}), call("power", {number(0.5, 2), shapeText()})});
    return bounded[kind] + shapeText() + ")";
  }
  if (condDim > 0 && shape.size() == 1 && random.chance(0.15))
    return embedded();
  if (shape.size() == 1 && random.chance(0.25))
    return condDim > 0 && random.chance(0.4) ? embedded() : rooted();
  if (random.chance(0.45))
    return conditioner();
  if (random.chance(0.3))
    return linear();
  if (random.chance(0.1))
    return call(formula(/*isTransformer=*/false), {"shape = " + shapeText()});
  switch (random.below(9)) {
  case 8:
    return call("bounded_affine", {array(-1, 1), array(-2, 2), "bound = " + number(0.3, 3)});
  case 7:
    return call("leaky_tanh", {number(0.5, 1.5), shapeText()});
  case 0:
    return call("loc", {random.chance(0.3) ? call("random_normal", {shapeText(), "scale = 0.3"}) : array(-1, 1)});
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

std::string RandomFlow::linear() {
  int64_t kind = random.below(condDim > 0 ? 6 : 4);
  if (shape.empty())
    return call("loc", {number(-1, 1)});
  if (shape.size() > 1 || kind == 0)
    return call("discrete_cosine", {shapeText(), "axis = " + std::to_string(random.below(int64_t(shape.size())))});
  std::string size = std::to_string(shape[0]);
  if (condDim > 0 && kind > 2)
    return call("additive_condition",
                {call("linear", {std::to_string(condDim), size}), shapeText(), "[" + std::to_string(condDim) + "]"});
  if (kind == 2)
    return call("householder", {array(0.5, 1)});
  std::string matrix = random.chance(0.3) ? call("eye", {size}) : "glorot_uniform([" + size + ", " + size + "])";
  std::string triangular =
      call("triangular_affine", {array(-1, 1), matrix, random.chance(0.5) ? "lower = false" : "lower = true"});
  return random.chance(0.5) ? triangular : call("weight_normalized", {triangular});
}

std::string RandomFlow::stackedList() {
  std::vector<std::string> layers;
  for (int64_t count = 2 + random.below(2); count > 0; --count)
    layers.push_back(call("affine", {array(-1, 1), array(0.4, 1.8)}));
  return "scan([" + join(layers) + "])";
}

std::string RandomFlow::sandwich() {
  std::string all = "(" + shapeText() + ")";
  if (random.chance(0.3)) {
    // On (0, inf), and on (0, 1).
    std::string outer = random.chance(0.5) ? "exp" + all : "sigmoid" + all;
    return chain({outer, call("power", {number(0.5, 2), shapeText()}), call("invert", {outer})});
  }
  if (random.chance(0.5))
    return chain({"softplus" + all, call("scale", {array(0.5, 1.5)}), "invert(softplus" + all + ")"});
  return chain({"tanh" + all, "flip" + all, "invert(tanh" + all + ")"});
}

std::string RandomFlow::permutation() {
  if (shape.empty() || random.chance(0.3))
    return "flip(" + shapeText() + ")";
  if (shape.size() == 1 && random.chance(0.5))
    return call("permute", {call(random.chance(0.6) ? "shuffled" : "arange", {std::to_string(shape[0])})});
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
  return join({"nn_width = " + std::to_string(1 + random.below(12)), "nn_depth = " + std::to_string(random.below(4)),
               std::string("nn_activation = ") + kActivations[random.below(8)],
               condDim > 0 ? "cond_dim = " + std::to_string(condDim) : ""});
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
  if (random.chance(0.1))
    return formula(/*isTransformer=*/true) + "()";
  if (random.chance(0.1))
    return call("bounded_affine", {number(-1, 1), number(-1, 1)});
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
  auto knots = static_cast<int64_t>(1 + random.below(9));
  bool isSymmetric = random.chance(0.5);
  std::string interval = isSymmetric ? number(1, 5) : "[" + number(-4, -0.5) + ", " + number(0.5, 4) + "]";
  std::vector<std::string> arguments = {"knots = " + std::to_string(knots), "interval = " + interval};
  if (random.chance(0.3)) {
    std::string slope = number(1e-3, 0.1), width = number(1e-3, 0.05);
    if (isSymmetric && knots % 2)
      return call("bounded_spline", {std::to_string(knots + 1), interval, "min_slope = " + slope});
    arguments.push_back("min_derivative = " + slope);
    arguments.push_back("min_width = " + width);
  }
  return call("rational_quadratic_spline", arguments);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string RandomFlow::textOf(const std::vector<int64_t> &shape) {
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
  if (lo > 0 && random.chance(0.1))
    return random.chance(0.5) ? call("ones", {shapeText()}) : call("full", {shapeText(), number(lo, hi)});
  if (lo == -1 && random.chance(0.1))
    return call("zeros", {shapeText()});
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

//===----------------------------------------------------------------------===//
// The suite
//===----------------------------------------------------------------------===//

/// Programs with constructors that are rare: one more for each of the first portions.
static constexpr uint64_t kRareSeeds[] = {664, 680, 711, 756, 1120, 549};

std::vector<uint64_t> seedsOf(int portion) {
  const char *first = std::getenv("FLOWC_FIRST_SEED");
  std::vector<uint64_t> seeds(kPerPortion);
  std::iota(seeds.begin(), seeds.end(), (first ? std::strtoull(first, nullptr, 10) : 0) + portion * kPerPortion);
  if (static_cast<size_t>(portion) < std::size(kRareSeeds))
    seeds.push_back(kRareSeeds[portion]);
  return seeds;
}

std::string programOf(uint64_t seed) {
  return isFlow(seed) ? RandomFlow(seed).distribution() : RandomFlow(seed).bijection();
}

} // namespace flowc::test
