//===- RandomLeaves.cpp - Parts of random programs ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Distributions, formulas, and bijections whose inverse is a root.
//
//===----------------------------------------------------------------------===//

#include "RandomFlows.h"

#include <algorithm>

namespace flowc::test {

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

std::string RandomFlow::base() {
  double kind = random.uniform(0, 1);
  std::string normal = call("standard_normal", {shapeText()}), positive = call("exp", {shapeText()});
  if (kind < 0.05)
    return call("unconstrained", {call("transformed", {normal, positive})});
  if (kind < 0.1)
    return call("transformed", {normal, call("support_map", {call("transformed", {normal, positive})})});
  if (kind < 0.15)
    return call("after_base", {normal, call("non_trainable", {call("scale", {call("full", {shapeText(), "0.75"})})})});
  if (kind < 0.4)
    return normal;
  if (kind < 0.6)
    return call("normal", {array(-1, 1), array(0.5, 2)});
  if (kind < 0.7)
    return mixture();
  if (kind < 0.8 && shape.size() == 1) {
    std::vector<std::string> rows(shape[0]);
    for (int64_t row = 0; row < shape[0]; ++row) {
      std::vector<std::string> entries(shape[0], "0.05");
      entries[row] = number(1, 2);
      rows[row] = "[" + join(entries) + "]";
    }
    return call("multivariate_normal", {array(-1, 1), "[" + join(rows) + "]"});
  }
  return marginals();
}

std::string RandomFlow::marginals() {
  static constexpr const char *moved[] = {"log_normal", "gumbel", "cauchy", "laplace", "logistic"};
  int64_t kind = random.below(10);
  switch (kind) {
  case 5:
    return call("student_t", {array(1, 9), array(-1, 1), array(0.5, 2)});
  case 6:
    return call("exponential", {array(0.5, 2)});
  case 7:
    return call("gamma", {array(0.5, 4), array(0.5, 2)});
  case 8:
    return call("beta", {array(0.5, 4), array(0.5, 4)});
  case 9:
    return call("uniform", {array(-3, -1), array(1, 4)});
  default:
    return call(moved[kind], {array(-1, 1), array(0.5, 2)});
  }
}

std::string RandomFlow::mixture() {
  std::string weights = "weights = [" + join({number(0.5, 2), number(0.5, 2)}) + "]";
  if (random.chance(0.5))
    return call("vmap_mixture", {marginals(), weights});
  std::vector<std::string> components{call("normal", {array(-2, 0), array(0.5, 2)}),
                                      call("normal", {array(0, 2), array(0.5, 2)})};
  return call("vmap_mixture", {"[" + join(components) + "]", weights});
}

//===----------------------------------------------------------------------===//
// Bijections
//===----------------------------------------------------------------------===//

std::string RandomFlow::planarOptions() {
  std::string slope = random.chance(0.4) ? "negative_slope = " + number(0.05, 0.9) : "";
  if (condDim == 0)
    return slope;
  return join({slope, "cond_dim = " + std::to_string(condDim), "width_size = " + std::to_string(1 + random.below(8)),
               "depth = " + std::to_string(random.below(3)), "activation = tanh"});
}

std::string RandomFlow::rooted() {
  std::string dim = "dim = " + std::to_string(shape[0]), text;
  if (random.chance(0.6))
    text = call("planar", {dim, planarOptions()});
  else
    text =
        call("block_autoregressive_network",
             {dim, "depth = " + std::to_string(random.below(3)), "block_dim = " + std::to_string(1 + random.below(3)),
              condDim > 0 ? "cond_dim = " + std::to_string(condDim) : "",
              random.chance(0.3) ? "activation = leaky_tanh(" + number(1, 3) + ")" : ""});
  static constexpr const char *inverters[] = {"newton()", "bisection(-10, 10)",
                                              "root_finder_to_inverter(bisection_search(-10, 10))",
                                              "root_finder_to_inverter(bisect_check_expand_search(0, width = 4))",
                                              "root_finder_to_inverter(elementwise_autoregressive_bisection(-10, 10))"};
  if (!random.chance(0.4))
    return text;
  return call("numerical_inverse", {text, std::string("inverter = ") + inverters[random.below(std::size(inverters))]});
}

std::string RandomFlow::embedded() {
  int64_t raw = condDim;
  if (shape[0] % raw == 0 && random.chance(0.4)) {
    // Each number of the condition moves a part of the event.
    std::string size = std::to_string(shape[0] / raw);
    std::string copy = call("additive_condition", {call("linear", {"1", size}), "[" + size + "]", "[1]"});
    std::string copies = call("vmap", {copy, "axis_size = " + std::to_string(raw), "in_axes_condition = 0"});
    return call("reshape", {copies, shapeText(), "cond_shape = " + textOf({raw})});
  }
  condDim = 1 + random.below(3);
  std::string inner =
      random.chance(0.5) ? conditioner() : call("planar", {"dim = " + std::to_string(shape[0]), planarOptions()});
  std::vector<std::string> sizes{std::to_string(raw), std::to_string(condDim)};
  std::string net =
      random.chance(0.5) ? call("linear", sizes) : call("mlp", {join(sizes), "width_size = 4, depth = 1"});
  condDim = raw;
  return call("embed_condition", {inner, net, "raw_cond_shape = [" + sizes[0] + "]"});
}

std::string RandomFlow::formula(bool isTransformer) {
  std::string name = "g" + std::to_string(std::count(items.begin(), items.end(), '\n'));
  std::string slope = number(0.5, 1.5), shift = number(-0.5, 0.5), body;
  switch (random.below(isTransformer ? 3 : 4)) {
  case 0: // inverted by a root
    body = "a = positive(" + slope + "), b = positive(1)) = a*x^3/4 + b*x";
    break;
  case 1:
    body = "a = interval(-0.9, 0.9, " + shift + ")) = x + a*sin(x)";
    break;
  case 2: // unwound
    body = "a = positive(" + slope + "), b = " + shift + ") = a*x + b";
    break;
  default:
    body = "a = positive(" + slope + "), b = " + shift + ") = asinh(a*x) + b";
  }
  items += "bijection " + name + "(x; " + body + "\n";
  return name;
}

} // namespace flowc::test
