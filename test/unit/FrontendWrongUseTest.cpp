//===- FrontendWrongUseTest.cpp - Every argument of every constructor -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table names all constructors with good arguments. Arguments are then taken
// away, given twice, and replaced by values of the wrong kind: the message has to
// stand at the argument and to say what was found and what was expected. Values of
// the right kind that are wrong in another way are in the tests of the constructors.
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"

#include <gtest/gtest.h>

namespace flowc {
namespace {

using namespace test;

/// What an argument takes.
enum class Kind {
  Whole,
  Number,
  Array,
  Shape,
  Size, ///< A shape, or a number that stands for one.
  Flag,
  Activation,
  BlockActivation, ///< The name of a function, or a bijection.
  Initialiser,
  Bijection,
  Bijections,
  BijectionOrList,
  Distribution,
  DistributionOrList,
  Conditional,
  Embedding,
  Triangular,
  Network,
  Tree,
  Inverter,
  Indices,
};

/// A good value, whether the argument can be left out, and whether it can be none.
struct Argument {
  std::string name, value;
  Kind kind;
  bool isRequired = true, canBeNone = false;
};

Argument optional(std::string name, std::string value, Kind kind) { return {name, value, kind, false, false}; }
Argument orNone(std::string name, std::string value, Kind kind) { return {name, value, kind, false, true}; }

/// Where a constructor can stand: `@` is the call.
const std::string inBijection = "bijection b = @", inFlow = "flow f = @",
                  asNetwork = "bijection b = additive_condition(@, [3], [2])",
                  asInverter = "bijection b = numerical_inverse(planar(3), @)", asArray = "bijection b = loc(@)",
                  asMatrix = "bijection b = triangular_affine(0, @)", asPermutation = "bijection b = permute(@)",
                  asIndices = "bijection b = indexed(tanh([2]), @, [3])";

struct Constructor {
  std::string name, context;
  std::vector<Argument> arguments;
};

std::vector<Constructor> getConstructors() {
  using enum Kind;
  const std::string masked = "masked_autoregressive(affine(), dim = 2, cond_dim = 3, nn_width = 4, nn_depth = 1)";
  std::vector<Constructor> table = {
      {"affine", inBijection, {optional("loc", "[1, 2]", Array), optional("scale", "[1, 2]", Array)}},
      {"bounded_affine",
       inBijection,
       {optional("loc", "[1, 2]", Array), optional("log_scale", "[1, 2]", Array), optional("bound", "2", Number)}},
      {"bounded_spline",
       inBijection,
       {{"bins", "4", Whole}, {"interval", "3", Array}, optional("min_slope", "0.001", Number)}},
      {"ordered", inBijection, {{"n", "3", Whole}}},
      {"loc", inBijection, {{"loc", "[1, 2]", Array}}},
      {"scale", inBijection, {{"scale", "[1, 2]", Array}}},
      {"leaky_tanh", inBijection, {{"max_val", "2", Number}, optional("shape", "[2]", Shape)}},
      {"power", inBijection, {{"exponent", "2", Number}, optional("shape", "[2]", Shape)}},
      {"permute", inBijection, {{"permutation", "[1, 0]", Array}}},
      {"rational_quadratic_spline",
       inBijection,
       {{"knots", "4", Whole},
        {"interval", "3", Array},
        optional("min_derivative", "0.001", Number),
        optional("min_width", "0.001", Number)}},
      {"triangular_affine",
       inBijection,
       {{"loc", "[1, 2]", Array}, {"arr", "eye(2)", Array}, optional("lower", "true", Flag)}},
      {"weight_normalized", inBijection, {{"bijection", "triangular_affine(0, eye(2))", Triangular}}},
      {"householder", inBijection, {{"params", "[1, 2]", Array}}},
      {"discrete_cosine", inBijection, {{"shape", "[4]", Shape}, optional("axis", "-1", Whole)}},
      {"additive_condition",
       inBijection,
       {{"module", "linear(2, 3)", Network}, {"shape", "[3]", Shape}, {"cond_shape", "[2]", Shape}}},
      {"coupling",
       inBijection,
       {{"transformer", "affine()", Bijection},
        {"untransformed_dim", "1", Whole},
        {"dim", "3", Whole},
        orNone("cond_dim", "2", Whole),
        {"nn_width", "4", Whole},
        {"nn_depth", "1", Whole},
        optional("nn_activation", "tanh", Activation)}},
      {"masked_autoregressive",
       inBijection,
       {{"transformer", "affine()", Bijection},
        {"dim", "3", Whole},
        orNone("cond_dim", "2", Whole),
        {"nn_width", "4", Whole},
        {"nn_depth", "1", Whole},
        optional("nn_activation", "tanh", Activation)}},
      {"planar",
       inBijection,
       {{"dim", "3", Whole},
        orNone("cond_dim", "2", Whole),
        orNone("negative_slope", "0.1", Number),
        orNone("width_size", "4", Whole),
        orNone("depth", "1", Whole),
        optional("activation", "tanh", Activation)}},
      {"block_autoregressive_network",
       inBijection,
       {{"dim", "2", Whole},
        orNone("cond_dim", "2", Whole),
        {"depth", "1", Whole},
        {"block_dim", "3", Whole},
        orNone("activation", "tanh", BlockActivation)}},
      {"chain", inBijection, {{"bijections", "[tanh([2]), affine([0, 0])]", Bijections}}},
      {"scan", inBijection, {{"bijection", "affine()", BijectionOrList}, orNone("layers", "3", Whole)}},
      {"invert", inBijection, {{"bijection", "tanh()", Bijection}}},
      {"numerical_inverse",
       inBijection,
       {{"bijection", "planar(3)", Bijection},
        orNone("inverter", "newton()", Inverter),
        optional("use_implicit_differentation", "true", Flag)}},
      {"embed_condition",
       inBijection,
       {{"bijection", masked, Conditional},
        {"embedding_net", "linear(2, 3)", Embedding},
        {"raw_cond_shape", "[2]", Shape}}},
      {"sandwich", inBijection, {{"inner", "tanh()", Bijection}, {"outer", "affine()", Bijection}}},
      {"concatenate",
       inBijection,
       {{"bijections", "[tanh([2]), affine([0])]", Bijections}, optional("axis", "0", Whole)}},
      {"stack", inBijection, {{"bijections", "[tanh(), affine()]", Bijections}, optional("axis", "-1", Whole)}},
      {"indexed",
       inBijection,
       {{"bijection", "tanh([2])", Bijection}, {"idxs", "[0, 2]", Indices}, {"shape", "[3]", Shape}}},
      {"reshape",
       inBijection,
       {{"bijection", masked, Bijection}, orNone("shape", "[1, 2]", Shape), orNone("cond_shape", "[3, 1]", Shape)}},
      {"vmap",
       inBijection,
       {{"bijection", masked, BijectionOrList},
        orNone("in_axes", "0", Whole),
        orNone("axis_size", "2", Whole),
        orNone("in_axes_condition", "0", Whole)}},
      {"non_trainable", inBijection, {{"tree", "affine()", Tree}}},
      {"cubic", inBijection, {optional("shape", "[2]", Shape)}},
      {"linear", asNetwork, {{"in", "2", Whole}, {"out", "3", Whole}, optional("use_bias", "true", Flag)}},
      {"mlp",
       asNetwork,
       {{"in_size", "2", Whole},
        {"out_size", "3", Whole},
        {"width_size", "4", Whole},
        {"depth", "1", Whole},
        optional("activation", "tanh", Activation)}},
      {"newton", asInverter, {orNone("tolerance", "1e-6", Number)}},
      {"bisection", asInverter, {{"lower", "-1", Array}, {"upper", "1", Array}, orNone("tolerance", "1e-6", Number)}},
      {"root_finder_to_inverter", asInverter, {{"root_finder", "newton()", Inverter}}},
      {"bisect_check_expand_search",
       asInverter,
       {{"midpoint", "zeros(3)", Array},
        optional("width", "5", Array),
        orNone("atol", "1e-6", Number),
        optional("max_steps", "10", Whole),
        optional("throw", "true", Flag),
        orNone("max_width", "10", Array)}},
      {"multivariate_normal", inFlow, {{"loc", "[1, 2]", Array}, {"covariance", "eye(2)", Array}}},
      {"uniform", inFlow, {{"minval", "[1, 2]", Array}, {"maxval", "[3, 4]", Array}}},
      {"student_t",
       inFlow,
       {{"df", "[3, 4]", Array}, optional("loc", "[1, 2]", Array), optional("scale", "[1, 2]", Array)}},
      {"exponential", inFlow, {optional("rate", "2", Array)}},
      {"gamma", inFlow, {{"concentration", "2", Array}, {"scale", "1", Array}}},
      {"beta", inFlow, {{"alpha", "2", Array}, {"beta", "1", Array}}},
      {"vmap_mixture", inFlow, {{"dist", "normal()", DistributionOrList}, {"weights", "[1, 2]", Array}}},
      {"transformed", inFlow, {{"base_dist", "normal()", Distribution}, {"bijection", "tanh()", Bijection}}},
      {"block_neural_autoregressive_flow",
       inFlow,
       {{"base_dist", "standard_normal([3])", Distribution},
        orNone("cond_dim", "2", Whole),
        optional("nn_depth", "1", Whole),
        optional("nn_block_dim", "2", Whole),
        optional("flow_layers", "1", Whole),
        optional("invert", "true", Flag),
        orNone("activation", "tanh", BlockActivation),
        orNone("inverter", "newton()", Inverter),
        optional("use_implicit_differentation", "true", Flag)}},
      {"triangular_spline_flow",
       inFlow,
       {{"base_dist", "standard_normal([3])", Distribution},
        orNone("cond_dim", "2", Whole),
        optional("flow_layers", "2", Whole),
        optional("knots", "4", Whole),
        optional("tanh_max_val", "3", Number),
        optional("invert", "true", Flag),
        orNone("init", "he_normal", Initialiser)}},
      {"planar_flow",
       inFlow,
       {{"base_dist", "standard_normal([3])", Distribution},
        orNone("cond_dim", "2", Whole),
        optional("flow_layers", "2", Whole),
        optional("invert", "true", Flag),
        orNone("negative_slope", "0.1", Number),
        orNone("width_size", "4", Whole),
        orNone("depth", "1", Whole),
        optional("activation", "tanh", Activation)}},
      {"full", asArray, {{"shape", "[2]", Size}, {"fill_value", "3", Array}}},
      {"arange", asArray, {{"n", "2", Whole}}},
      {"eye", asMatrix, {{"n", "2", Whole}}},
      {"shuffled", asPermutation, {{"n", "2", Whole}}},
      {"glorot_uniform", asMatrix, {{"shape", "[2, 2]", Shape}}},
      {"random_normal", asArray, {{"shape", "[2]", Size}, optional("scale", "1", Number)}},
      {"slice",
       asIndices,
       {{"start", "0", Whole, true, true}, {"stop", "2", Whole, true, true}, orNone("step", "1", Whole)}},
  };
  for (const char *name : {"identity", "exp", "sigmoid", "softplus", "tanh", "flip"})
    table.push_back({name, inBijection, {optional("shape", "[2]", Shape)}});
  for (const char *name : {"normal", "log_normal", "gumbel", "cauchy", "laplace", "logistic"})
    table.push_back({name, inFlow, {optional("loc", "[1, 2]", Array), optional("scale", "[1, 2]", Array)}});
  for (const char *name : {"bisection_search", "elementwise_autoregressive_bisection"})
    table.push_back({name,
                     asInverter,
                     {{"lower", "-1", Array},
                      {"upper", "1", Array},
                      orNone("atol", "1e-6", Number),
                      optional("max_steps", "10", Whole),
                      optional("throw", "true", Flag)}});
  for (const char *name : {"coupling_flow", "masked_autoregressive_flow"})
    table.push_back({name,
                     inFlow,
                     {{"base_dist", "standard_normal([3])", Distribution},
                      orNone("transformer", "affine()", Bijection),
                      orNone("cond_dim", "2", Whole),
                      optional("flow_layers", "2", Whole),
                      optional("nn_width", "4", Whole),
                      optional("nn_depth", "1", Whole),
                      optional("nn_activation", "tanh", Activation),
                      optional("invert", "true", Flag)}});
  table.push_back({"unconstrained", inFlow, {{"flow", "log_normal([1, 2])", Distribution}}});
  table.push_back({"support_map", inBijection, {{"flow", "log_normal([1, 2])", Distribution}}});
  table.push_back({"after_base",
                   inFlow,
                   {{"flow", "log_normal([1, 2])", Distribution}, {"bijection", "scale([1, 2])", Bijection}}});
  for (const char *name : {"zeros", "ones"})
    table.push_back({name, asArray, {{"shape", "[2]", Size}}});
  table.push_back({"standard_normal", inFlow, {optional("shape", "[2]", Shape)}});
  return table;
}

/// A wrong value, and what the message says of it after the name of the argument.
struct Wrong {
  std::string value, message;
};

std::string getExpected(Kind kind) {
  switch (kind) {
  case Kind::Whole:
    return "a whole number";
  case Kind::Number:
    return "a number";
  case Kind::Array:
    return "a number or an array";
  case Kind::Shape:
  case Kind::Size:
    return "a shape such as [3]";
  case Kind::Flag:
    return "`true` or `false`";
  case Kind::Activation:
    return "the name of an activation";
  case Kind::Initialiser:
    return "the name of an initialiser, such as glorot_uniform, or a matrix";
  case Kind::BlockActivation:
  case Kind::Bijection:
  case Kind::BijectionOrList:
    return "a bijection";
  case Kind::Bijections:
    return "a list of bijections such as [affine(), tanh()]";
  case Kind::Distribution:
  case Kind::DistributionOrList:
    return "a distribution";
  case Kind::Conditional:
    return "a bijection or a conditional distribution";
  case Kind::Embedding:
    return "a network or an unconditional elementwise bijection";
  case Kind::Triangular:
    return "a `triangular_affine(...)`";
  case Kind::Network:
    return "a network";
  case Kind::Tree:
    return "a bijection, a distribution or a network";
  case Kind::Inverter:
    return "a method to find roots, such as newton()";
  case Kind::Indices:
    return "a whole number, an array of them, an array of `true` and `false`, or `slice(start, stop)`";
  }
  return "";
}

std::vector<Wrong> getWrongValues(const Argument &argument) {
  std::string expected = getExpected(argument.kind);
  auto found = [&](const std::string &value, const std::string &what) {
    return Wrong{value, "must be " + expected + ", found " + what};
  };
  std::vector<Wrong> wrong;
  bool isFlag = argument.kind == Kind::Flag, takesNumbers = argument.kind <= Kind::Size;
  if (!isFlag)
    wrong.push_back(found("true", "`true`"));
  if (!argument.canBeNone)
    wrong.push_back(found("none", "`none`"));
  if (!takesNumbers && argument.kind != Kind::Indices && argument.kind != Kind::Initialiser)
    wrong.push_back(found("3.5", "the number 3.5"));
  if (takesNumbers || isFlag || argument.kind == Kind::Initialiser)
    wrong.push_back(found("normal(0, 1)", "the distribution `normal`"));
  if (argument.kind == Kind::Whole)
    wrong.push_back(found("2.5", "the number 2.5"));
  if (argument.kind == Kind::Whole || argument.kind == Kind::Number)
    wrong.push_back(found("[1, 2]", "an array of shape [2]"));
  if (argument.kind == Kind::Array)
    wrong.push_back({"[]", "has no elements"});
  if (argument.kind == Kind::Shape)
    wrong.push_back({"3", "is a shape: write `[3]` for a vector, `[]` for a scalar"});
  if (argument.kind == Kind::Bijection || argument.kind == Kind::BijectionOrList)
    wrong.push_back(found("normal()", "the distribution `normal`"));
  if (argument.kind == Kind::Distribution || argument.kind == Kind::DistributionOrList)
    wrong.push_back(found("tanh()", "the bijection `tanh`"));
  if (argument.kind == Kind::Bijections || argument.kind == Kind::BijectionOrList)
    wrong.push_back({"[]", "needs at least one bijection"});
  return wrong;
}

class WrongUse : public ::testing::TestWithParam<Constructor> {
protected:
  /// The text with these values of arguments, without those that are empty; sets the
  /// column of value `marked`.
  std::string write(const std::vector<std::string> &values, size_t marked, unsigned &column) const {
    const auto &[name, context, arguments] = GetParam();
    std::string call = name + "(";
    size_t place = 0;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (values[i].empty())
        continue;
      call += (call.back() == '(' ? "" : ", ") + arguments[i].name + " = ";
      place = i == marked ? call.size() : place;
      call += values[i];
    }
    size_t at = context.find('@');
    column = static_cast<unsigned>(at + place + 1);
    return std::string(context).replace(at, 1, call + ")");
  }

  std::vector<std::string> getGoodValues() const {
    std::vector<std::string> values;
    for (const Argument &argument : GetParam().arguments)
      values.push_back(argument.value);
    return values;
  }

  /// The item before the text under test.
  static inline const std::string before = "bijection cubic(x; a = positive(1)) = x^3 + a*x\n";

  static void expectError(const std::string &text, unsigned column, const std::string &message) {
    expectMistake({before + text, 2, column, message});
  }
};

TEST_P(WrongUse, GoodArgumentsAreGood) {
  unsigned column = 0;
  EXPECT_EQ(messageFor(before + write(getGoodValues(), 0, column)), "no error");
}

TEST_P(WrongUse, ArgumentsOfTheWrongKind) {
  const auto &arguments = GetParam().arguments;
  for (size_t i = 0; i < arguments.size(); ++i)
    for (const auto &[value, message] : getWrongValues(arguments[i])) {
      unsigned column = 0;
      std::vector<std::string> values = getGoodValues();
      values[i] = value;
      std::string text = write(values, i, column);
      expectError(text, column, "`" + arguments[i].name + "` of `" + GetParam().name + "` " + message);
    }
}

TEST_P(WrongUse, ArgumentsThatAreMissingOrTooMany) {
  const auto &[name, context, arguments] = GetParam();
  unsigned column = 0, start = static_cast<unsigned>(context.find('@') + 1);
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::vector<std::string> values = getGoodValues();
    values[i].clear();
    std::string text = write(values, i, column);
    if (arguments[i].isRequired)
      expectError(text, start, "`" + name + "` needs its argument `" + arguments[i].name + "` (its arguments: ");
  }
  std::string first = arguments[0].name + " = " + arguments[0].value, many;
  for (const Argument &argument : arguments)
    many += argument.value + ", ";
  auto call = [&, context = context, name = name](const std::string &text) {
    return std::string(context).replace(start - 1, 1, name + "(" + text + ")");
  };
  unsigned inside = start + static_cast<unsigned>(name.size()) + 1;
  expectError(call(first + ", unheard_of = 1"), inside + static_cast<unsigned>(first.size()) + 2,
              "`" + name + "` has no argument `unheard_of`");
  expectError(call(first + ", " + first), inside + static_cast<unsigned>(first.size()) + 2,
              "the argument `" + arguments[0].name + "` of `" + name + "` is given twice");
  expectError(call(many + "1"), inside + static_cast<unsigned>(many.size()),
              "`" + name + "` takes at most " + std::to_string(arguments.size()) + " argument");
}

INSTANTIATE_TEST_SUITE_P(All, WrongUse, ::testing::ValuesIn(getConstructors()),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace flowc
