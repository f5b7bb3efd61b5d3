//===- FrontendErrorsTest.cpp - Messages for wrong texts ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"

#include <gtest/gtest.h>

namespace flowc {
namespace {

using namespace test;

void check(const std::vector<Mistake> &mistakes) {
  for (const Mistake &mistake : mistakes)
    expectMistake(mistake);
}

TEST(Errors, ShowTheLineAndACaret) {
  EXPECT_EQ(messageFor("# a flow\nflow f = coupling_flw(standard_normal([2]))  # é\n"),
            "test.flow:2:10: error: unknown constructor `coupling_flw`; did you mean `coupling_flow`?\n"
            "flow f = coupling_flw(standard_normal([2]))  # é\n"
            "         ^");
  // A byte order mark, Windows line ends, a tab, a character of two columns.
  EXPECT_EQ(messageFor("\xEF\xBB\xBF# x\r\n\tflow f = standard_normal([2]) x\r\n").substr(0, 18), "test.flow:2:32: er");
  EXPECT_EQ(messageFor("flow f ="),
            "test.flow:1:9: error: expected a constructor, a name, a number or a list, found the end of the file\n"
            "flow f =\n"
            "        ^");
  EXPECT_EQ(messageFor("flow f = x\n\n"), "test.flow:1:10: error: unknown name `x`\nflow f = x\n         ^");
}

TEST(Errors, LongLinesAreCut) {
  std::string message = messageFor("bijection f = invert(" + std::string(100000, ' ') + "oops)");
  EXPECT_LT(message.size(), 400u);
  EXPECT_NE(message.find("...      "), std::string::npos);
  EXPECT_LT(messageFor("flow f = " + std::string(100000, 'x')).size(), 400u);
}

TEST(Errors, Characters) {
  check({
      {std::string("flow f = \0 x", 12), 1, 10, "the file holds a NUL byte: it is not text"},
      {"flow f = \xFF", 1, 10, "the file is not UTF-8 text (byte 0xff)"},
      {"# \xC3\x28\nflow f = standard_normal()", 1, 3, "the file is not UTF-8 text"},
      {"flow f = \xE2\x88\x92 3", 1, 10, "unexpected character `−`; did you mean `-`?"},
      {"flow f = affine(é)", 1, 17, "unexpected character `é`"},
      {"flow f = \"normal\"", 1, 10,
       "expected a constructor, a name, a number or a list, found `\"normal\"`; names stand without quotes"},
      {"flow f = affine{}", 1, 16, "unexpected character `{`"},
      {"flow f = \x01", 1, 10, "unexpected control character 0x1"},
      {"flow f = normal(1.5.2)", 1, 20, "unexpected `.` in the number 1.5"},
      {"flow f = normal(3abc)", 1, 18, "unexpected `a` in the number 3"},
      {"flow f = normal(1e999)", 1, 17, "the number 1e999 is out of the range of float64"},
      {"flow f = normal(1e+)", 1, 18, "unexpected `e` in the number 1"},
  });
}

TEST(Errors, Syntax) {
  check({
      {"flwo f = normal()", 1, 1,
       "expected `flow`, `bijection`, `density`, `objective` or `data`, found `flwo`; did you mean `flow`?"},
      {"flow = normal()", 1, 6, "expected a name for the item, found `=`"},
      {"flow f normal()", 1, 8, "expected `=` after `flow f`, found `normal`"},
      {"flow f = normal(", 1, 16, "this bracket is never closed: expected `)` before the end of the file"},
      {"bijection b = chain([affine()\n", 1, 21, "this bracket is never closed: expected `]`"},
      {"flow f = normal(1 2)", 1, 19, "expected `,` or `)`, found the number 2"},
      {"flow f = normal(1,,2)", 1, 19, "expected a constructor, a name, a number or a list, found `,`"},
      {"flow f = normal(loc = 1, 2)", 1, 26, "arguments of `normal` without a name come before those with one"},
      {"flow f = normal(-x)", 1, 18, "expected a number after `-`, found `x`"},
      {"flow f = normal(2*3)", 1, 18, "expected `,` or `)`, found `*`"},
      {"flow f = normal())", 1, 18, "expected `flow`, `bijection`, `density`, `objective` or `data`, found `)`"},
      {"flow f = normal()\nflow f = normal()", 2, 6, "`f` is already defined in line 1"},
      {"bijection tanh = affine()", 1, 11, "`tanh` is a name of the language; choose another"},
      {"bijection planar = affine()", 1, 11, "`planar` is a name of the language; choose another"},
      {"flow let = normal()", 1, 6, "`let` is a name of the language; choose another"},
      {"data d = tabel(\"x.csv\")", 1, 10,
       "expected `table(\"FILE\")`, whose columns have names, or `array(\"FILE\")`, found `tabel`; did you mean "
       "`table`?"},
      {"data d = (\"x.csv\")", 1, 10,
       "expected `table(\"FILE\")`, whose columns have names, or `array(\"FILE\")`, found `(`"},
      {"bijection f(x; a = (1)) = x + a", 1, 20,
       "expected a number, `positive(start)` or `interval(low, high, start)`, found `(`"},
      {"objective o(q, 3) = q.log_prob(x)", 1, 16,
       "expected a name for the flow, the event or the condition, found the number 3"},
  });
}

TEST(Errors, Names) {
  check({
      inFlow("StandardNormal([2])", 1, "unknown constructor `StandardNormal`; did you mean `standard_normal`?"),
      inFlow("zzz(3)", 1, "unknown constructor `zzz`\n"),
      inFlow("normal(lco = 3)", 8, "`normal` has no argument `lco`; did you mean `loc`? (its arguments: loc, scale)"),
      inFlow("normal(1, 2, 3)", 14, "`normal` takes at most 2 arguments (loc, scale)"),
      inFlow("normal(1, loc = 3)", 11, "the argument `loc` of `normal` is given twice"),
      inFlow("normal(loc = 1, loc = 3)", 17, "the argument `loc` of `normal` is given twice"),
      inFlow("transformed(standard_normal())", 1, "`transformed` needs its argument `bijection`"),
      inFlow("transformed(standard_normal(), affin)", 32, "unknown name `affin`; did you mean `affine`?"),
      inFlow("normal(None)", 8, "unknown name `None`; did you mean `none`?"),
      inFlow("coupling_flow(standard_normal([2]), invert = False)", 46, "unknown name `False`; did you mean `false`?"),
      inFlow("transformed(standard_normal(), affine)", 32, "`affine` alone is the name of a function"),
      {"bijection layer = tanh()\nbijection b = invert(lyaer)", 2, 22, "unknown name `lyaer`; did you mean `layer`?"},
      {"bijection layer = tanh()\nbijection b = invert(layer())", 2, 22, "`layer` is an object, not a constructor"},
      {"bijection b = invert(c)\nbijection c = tanh()", 1, 22, "`c` is defined in line 2: define it before it is used"},
      {"bijection b = invert(b)", 1, 22, "`b` is defined in line 1: define it before it is used"},
      inFlow("coupling_flow(standard_normal([2]), nn_activation = rellu)", 53,
             "unknown activation `rellu`; did you mean "
             "`relu`? (activations: relu, tanh, silu, "),
      inFlow("coupling_flow(standard_normal([2]), nn_activation = tanh())", 53,
             "`nn_activation` is a function: write "
             "`tanh` without brackets"),
      inFlow("coupling_flow(standard_normal([2]), nn_activation = relu())", 53, "`relu` is an activation"),
      inFlow("coupling_flow(standard_normal([2]), nn_activation = 3)", 53,
             "`nn_activation` of `coupling_flow` must be the name of an activation, found the number 3"),
  });
}

TEST(Errors, NamesOfFormulasAreConstructors) {
  check({
      {"bijection cubic(x) = x^3\nbijection b = invert(cubic)", 2, 22, "`cubic` is defined by a formula"},
  });
}

TEST(Errors, KindsOfArguments) {
  check({
      {"flow f = affine()", 1, 10, "`flow f` must be a distribution, found the bijection `affine`: write `bijection"},
      {"bijection b = normal()", 1, 15, "`bijection b` must be a bijection, found the distribution `normal`: write `f"},
      {"bijection b = linear(2, 3)", 1, 15, "`bijection b` must be a bijection, found the network `linear`\n"},
      {"flow f = 3", 1, 10, "`flow f` must be a distribution, found the number 3"},
      inBijection("invert(normal())", 8,
                  "`bijection` of `invert` must be a bijection, found the distribution `normal`"),
      inBijection("invert([tanh()])", 8, "`bijection` of `invert` must be a bijection, found a list of objects"),
      inBijection("affine(none)", 8, "`loc` of `affine` must be a number or an array, found `none`"),
      inBijection("affine(true)", 8, "`loc` of `affine` must be a number or an array, found `true`"),
      inBijection("affine(tanh())", 8, "`loc` of `affine` must be a number or an array, found the bijection `tanh`"),
      inBijection("affine(shuffled(3))", 8, "`loc` of `affine` must be a number or an array, found `shuffled(3)`"),
      inBijection("affine([])", 8, "`loc` of `affine` has no elements"),
      inBijection("tanh(4)", 6, "`shape` of `tanh` is a shape: write `[4]` for a vector, `[]` for a scalar"),
      inBijection("tanh([2.5])", 6, "the sizes of a shape are whole numbers from 1, found 2.5"),
      inBijection("tanh([0])", 6, "the sizes of a shape are whole numbers from 1, found 0"),
      inBijection("tanh([[2]])", 6, "`shape` of `tanh` must be a shape such as [3], found an array of shape [1, 1]"),
      inBijection("chain(tanh())", 7,
                  "`bijections` of `chain` must be a list of bijections such as [affine(), tanh()]"),
      inBijection("chain([])", 7, "`bijections` of `chain` needs at least one bijection"),
      inBijection("chain([tanh(), normal()])", 7, "`bijections` of `chain` must be bijections, found the distribution"),
      inBijection("chain([tanh(), 3])", 16,
                  "the elements of a list are all numbers, all arrays or all objects: found "
                  "the number 3 after the bijection `tanh`"),
      inBijection("affine([1, [2]])", 12, "the rows of an array have equal shapes: found an array of shape [1] after "),
      inBijection("affine([[1, 2], [3]])", 17, "the rows of an array have equal shapes"),
      inBijection("affine([none])", 9, "a list holds numbers, arrays or objects, found `none`"),
      inBijection("affine([zeros(2), random_normal(2)])", 19, "a random array cannot be a row of another array"),
      inBijection("mlp(2, 3, 4, 1.5)", 14, "`depth` of `mlp` must be a whole number, found the number 1.5"),
      inBijection("mlp(0, 3, 4, 1)", 5, "`in_size` of `mlp` must be at least 1, found the number 0"),
      inBijection("mlp(2, 3, 4, 1e9)", 14, "`depth` of `mlp` must be at most 1000, found the number 1000000000"),
      inFlow("coupling_flow(standard_normal([2]), invert = 1)", 46, "`invert` of `coupling_flow` must be `true` or "),
  });
}

TEST(Errors, SimpleBijections) {
  check({
      inBijection("affine(1, -1)", 11, "`scale` of `affine` must be positive, found -1"),
      inBijection("scale([1, 0])", 7, "`scale` of `scale` must be positive, found 0 at index 1"),
      inBijection("scale(random_normal([3]))", 7, "`scale` of `scale` must be positive: a random array can have any"),
      inBijection("affine(zeros(3), [1, 2])", 1, "`loc` and `scale` of `affine` do not fit: their shapes are [3] and "),
      inBijection("affine(random_normal(3), [[1], [2]])", 1, "a random `loc` of `affine` must have the shape of the"),
      inBijection("permute([0, 2, 2])", 9, "`permutation` of `permute` must hold each of 0 to 2 once, found 2 twice"),
      inBijection("permute([0, 3])", 9, "`permutation` of `permute` must hold each of 0 to 1 once, found 3"),
      inBijection("permute([0, -1])", 9, "`permutation` of `permute` must hold each of 0 to 1 once, found -1"),
      inBijection("permute([0.5, 1])", 9, "`permutation` of `permute` must hold each of 0 to 1 once, found 0.5"),
      inBijection("permute(2)", 9, "`permutation` of `permute` must be an array such as [1, 0, 2], found the number 2"),
      inBijection("permute(random_normal(3))", 9, "`permutation` of `permute` must be given numbers or `shuffled(n)`"),
      inBijection("bounded_spline(1, 4)", 16, "`bins` of `bounded_spline` must be at least 2"),
      inBijection("bounded_spline(8, 4, 1)", 22,
                  "`min_slope` of `bounded_spline` must be above 0 and below 1, found 1"),
      inBijection("rational_quadratic_spline(0, 4)", 27, "`knots` of `rational_quadratic_spline` must be at least 1"),
      inBijection("rational_quadratic_spline(8, 0)", 30, "`interval` of `rational_quadratic_spline` is empty: 0 is "),
      inBijection("rational_quadratic_spline(8, [1, -1])", 30, "`interval` of `rational_quadratic_spline` is empty: 1"),
      inBijection("rational_quadratic_spline(8, [1, 2, 3])", 30,
                  "`interval` of `rational_quadratic_spline` must be a "),
      inBijection("rational_quadratic_spline(8, 4, min_width = 1)", 1,
                  "the 9 bins of `rational_quadratic_spline` do n"),
      inBijection("rational_quadratic_spline(8, 4, min_width = 0)", 45,
                  "`min_width` of `rational_quadratic_spline` mus"),
      inBijection("rational_quadratic_spline(8, 4, min_derivative = 1)", 50, "`min_derivative` of `rational_quadratic"),
      inBijection("loc(glorot_uniform([3]))", 20, "`glorot_uniform` needs a shape with at least two sizes, found [3]"),
      inBijection("loc(random_normal([3], -1))", 24, "`scale` of `random_normal` must be positive, found -1"),
      inBijection("loc(full(3, [1, 2, 3]))", 13, "`fill_value` of `full` must be a number"),
  });
}

TEST(Errors, Combinators) {
  check({
      inBijection("chain([affine(zeros(3)), tanh([2])])", 1,
                  "the bijections of `chain` must have equal shapes: number "
                  "0, the bijection `affine`, has shape [3], number 1"),
      inBijection("scan(affine())", 1, "`scan` of one bijection needs the number of its copies"),
      inBijection("scan(affine(), layers = 0)", 25, "`layers` of `scan` must be at least 1"),
      inBijection("scan([affine(), affine()], layers = 3)", 37,
                  "`layers` of `scan` does not fit to the list, which has"),
      inBijection("scan([affine(), tanh()])", 6,
                  "the bijections of `scan` must have equal structure: number 0 and numbe"
                  "r 1 differ: the bijection `affine` and the bijection `tanh`"),
      inBijection("scan([loc(1), loc([1])])", 6,
                  "the bijections of `scan` must have equal structure: number 0 and "
                  "number 1 differ: shapes [] and [1]"),
      inBijection("scan([loc(1), non_trainable(loc(1))])", 6,
                  "the bijections of `scan` must have equal structure: number 0 and number 1 differ at .loc: one is "
                  "trainable, the other is not"),
      inBijection(
          "scan([rational_quadratic_spline(3, 2), rational_quadratic_spline(3, 4)])", 6,
          "the bijections of `scan` must have equal structure: number 0 and number 1 differ: the `interval` of"),
      inBijection("scan([planar(2), planar(2, negative_slope = 0.1)])", 6,
                  "the bijections of `scan` must have equal structure: number 0 and number 1 differ: the number of"),
      inBijection("scan([numerical_inverse(planar(2), newton(1e-3)), numerical_inverse(planar(2))])", 6,
                  "the bijections of `scan` must have equal structure: number 0 and number 1 differ: the `tolerance` "
                  "of the bijection `numerical_inverse`"),
      inBijection("scan([numerical_inverse(planar(2)), numerical_inverse(planar(2), newton(1e-3))])", 6,
                  "the bijections of `scan` must have equal structure: number 0 and number 1 differ: the `tolerance`"),
      inBijection(
          "scan([block_autoregressive_network(2, none, 1, 2, leaky_tanh(1)), "
          "block_autoregressive_network(2, none, 1, 2)])",
          6,
          "the bijections of `scan` must have equal structure: number 0 and number 1 differ at .activation: one "
          "is the bijection `leaky_tanh`, the other a number"),
      inBijection("scan([block_autoregressive_network(2, none, 1, 2), "
                  "block_autoregressive_network(2, none, 1, 2, leaky_tanh(1))])",
                  6,
                  "the bijections of `scan` must have equal structure: number 0 and number 1 differ at "
                  ".activation.min_grad: one is a number, the other the bijection `leaky_tanh`"),
      inBijection(
          "scan([coupling(affine(0), 1, 2, none, 3, 1), coupling(affine(1), 1, 2, none, 3, 1)])", 6,
          "the bijections of `scan` must have equal structure: number 0 and number 1 differ: the `transformer`"),
      inFlow("transformed(standard_normal([2]), tanh([3]))", 1,
             "the shapes of `base_dist` and `bijection` differ: the distribution `standard_normal` has shape [2], the "
             "bijection `tanh` has shape [3]"),
      inBijection("chain([coupling(affine(), 1, 2, 3, 4, 1), coupling(affine(), 1, 2, 2, 4, 1)])", 1,
                  "the parts of `chain` must take conditions of one shape: the bijection `coupling` takes [3], the "
                  "bijection `coupling` takes [2]"),
      inBijection("non_trainable(3)", 15, "`tree` of `non_trainable` must be a bijection, a distribution or a network"),
      inFlow("embed_condition(standard_normal([2]), mlp(2, 3, 4, 1), [2])", 1,
             "`embed_condition` needs a bijection or a conditional distribution, and "
             "the distribution `standard_normal` takes no condition"),
      inBijection("embed_condition(coupling(affine(), 1, 2, 3, 4, 1), linear(5, 3), [4])", 52,
                  "the network `linear` takes conditions of shape [5], but `raw_cond_shape` is [4]"),
      inBijection("embed_condition(coupling(affine(), 1, 2, 3, 4, 1), linear(5, 2), [5])", 52,
                  "the network `linear` makes conditions of shape [2], but the bijection `coupling` takes shape [3]"),
      inBijection("embed_condition(coupling(affine(), 1, 2, 3, 4, 1), flip([3]), [3])", 52,
                  "`embedding_net` must be a network or an unconditional elementwise bijection, found the bijection "),
  });
}

TEST(Errors, FlowsAndConditioners) {
  check({
      inFlow("coupling_flow(standard_normal([1]))", 1, "`coupling_flow` needs dim >= 2, found 1"),
      inBijection("coupling(affine(), 1, dim = 1, nn_width = 3, nn_depth = 1)", 1,
                  "`coupling` needs dim >= 2, found 1"),
      inBijection("coupling(affine(), 3, 3, nn_width = 3, nn_depth = 1)", 20,
                  "`untransformed_dim` of `coupling` must be "
                  "below dim = 3, found 3"),
      inBijection("coupling(affine(), 0, 3, nn_width = 3, nn_depth = 1)", 20,
                  "`untransformed_dim` of `coupling` must be "
                  "at least 1"),
      inBijection("coupling(affine(), 0, 1, nn_width = 3, nn_depth = 1)", 1,
                  "`coupling` needs dim >= 2, found 1; one coordinate can only depend on a condition, see `cond_dim`"),
      inBijection("coupling(affine(), 1, 1, 2, nn_width = 3, nn_depth = 1)", 20,
                  "`untransformed_dim` of `coupling` must be below dim = 1, found 1"),
      inFlow("coupling_flow(standard_normal([]))", 15, "`base_dist` of `coupling_flow` must be over vectors"),
      inFlow("coupling_flow(standard_normal([2, 2]))", 15, "`base_dist` of `coupling_flow` must be over vectors"),
      inFlow("coupling_flow(tanh([2]))", 15, "`base_dist` of `coupling_flow` must be a distribution"),
      inFlow("coupling_flow(standard_normal([2]), tanh())", 37,
             "the bijection `tanh` has no parameters that a network"),
      inFlow("coupling_flow(standard_normal([2]), affine([1, 2]))", 37,
             "`transformer` of `coupling_flow` must be an unconditional bijection of shape [], found the bijection "
             "`affine` of shape [2]"),
      inFlow("coupling_flow(standard_normal([2]), loc(random_normal([])))", 37,
             "the parameters of a transformer start at given numbers, and .loc is random"),
      inFlow("coupling_flow(standard_normal([2]), flow_layers = 0)", 51,
             "`flow_layers` of `coupling_flow` must be at "),
      inFlow("coupling_flow(standard_normal([2]), cond_dim = 0)", 48,
             "`cond_dim` of `coupling_flow` must be at least 1"),
      inFlow("masked_autoregressive_flow(standard_normal([2]), nn_width = 0)", 61,
             "`nn_width` of `masked_autoregressi"),
      inFlow("coupling_flow(coupling_flow(standard_normal([2]), cond_dim = 2), cond_dim = 3)", 77,
             "`cond_dim` of `coupling_flow` must agree with `base_dist`: the distribution `transformed` takes "
             "conditions of shape [2], the layers of shape [3]"),
  });
}

TEST(Errors, Formulas) {
  check({
      {"density d(y[3]) = y[3]", 1, 21, "`y` has the elements 0 to 2, found the index 3"},
      {"density d(y[3]) = z", 1, 19, "unknown name `z` in the formula of `d`"},
      {"density d(y[3]) = summ(y)", 1, 19, "unknown function `summ`; did you mean `sum`?"},
      {"density d(y[3]) = sum(y, y)", 1, 19, "`sum` takes 1 argument, found 2"},
      {"density d(y[3]) = min()", 1, 19, "`min` takes 1 or 2 arguments, found 0"},
      {"density d(y[3]) = sum", 1, 19, "`sum` is a function: write `sum(...)`"},
      {"density d(y[3]) = y(2)", 1, 19, "`y` is no function; write `*` to multiply"},
      {"density d(y[3]) = 2 y", 1, 21, "expected an operator or the end of the formula, found `y`"},
      {"density d(y[3]) = 1 < 2 < 3", 1, 25, "comparisons cannot be chained: write brackets"},
      {"density d(y[3]) = let a = 1", 1, 28, "expected `in` after the value of `let a`, found the end of the file"},
      {"density d(y[3]) = let a = a in a", 1, 27, "unknown name `a` in the formula"},
      {"density d(y[3]) = (1 + 2", 1, 19, "this bracket is never closed"},
      {"density d(y[3]) = sum(y[0:2)", 1, 28, "expected `:` or `]`, found `)`"},
      {"density d(y[3]) = []", 1, 19, "an array in a formula has at least one element"},
      {"density d(y[0]) = 1", 1, 13, "the dimension of `y` is a whole number from 1 to 16777216, found 0"},
      {"density d(y) = 1", 1, 12, "expected `[` and the dimension after `y`, as in `y[2]`, found `)`"},
      {"bijection c(x) = x[0]", 1, 19, "`x` is a scalar"},
      {"bijection c(x; x = 1) = x", 1, 16, "the name `x` occurs twice"},
      {"bijection c(x; a = positve(1)) = x", 1, 20,
       "unknown domain `positve` of the parameter `a`; did you mean `posi"},
      {"bijection c(x; a = positive(-1)) = x", 1, 20,
       "the start value -1 of the parameter `a` is not inside its domain"},
      {"bijection c(x; a = interval(0, 1, 2)) = x", 1, 20,
       "the start value 2 of the parameter `a` is not inside its do"},
      {"bijection c(x; a = interval(1, 0, 0.5)) = x", 1, 20,
       "the interval of the parameter `a` is empty: 1 is not below 0"},
      {"bijection c(x) = x**3", 1, 20, "expected a number, a name or a bracket in a formula, found `*`; write `^` for"},
      {"bijection c(x) = x/0", 1, 20, "a bijection cannot divide by 0"},
      {"bijection c(x) = 1/(2 - 2)*x", 1, 23, "a bijection cannot divide by 0"},
      {"bijection c(x; a) = x", 1, 17, "expected `=` and a start value after the parameter `a`, found `)`"},
  });
}

TEST(Errors, HoldNothingThatATerminalWouldObey) {
  for (const std::string text :
       {"bijection f = \"a\x1b[2Jb\"", "bijection f = affine(\x1b)", "flow \x7f", "data d = table(\"\x1b\") f"}) {
    auto flow = parseFlow(text, "<text>", "");
    ASSERT_FALSE(flow);
    EXPECT_EQ(flow.error().message.find_first_of("\x1b\x7f"), std::string::npos) << flow.error().message;
  }
}

TEST(Errors, Selection) {
  EXPECT_EQ(messageFor(""), "test.flow: error: expected a `flow` or a `bijection`, as in `flow f = "
                            "coupling_flow(standard_normal([2]))`, found no item");
  EXPECT_EQ(messageFor("density d(y[1]) = y[0]"), "no error");
  Expected<ParsedItem> item = parseFlow("flow galaxies = normal()", "g.flow", "galaxis");
  ASSERT_FALSE(item);
  EXPECT_EQ(item.error().message,
            "g.flow: error: there is no item `galaxis`; did you mean `galaxies`? (items: galaxies)");
  item = parseFlow("density d(y[1]) = y[0]\nflow f = normal()", "g.flow", "d");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->category, Node::Category::Density);
}

} // namespace
} // namespace flowc
