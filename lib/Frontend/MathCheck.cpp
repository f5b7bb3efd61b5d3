//===- MathCheck.cpp - Names in formulas ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenStream.h"

#include "flowc/Frontend/Formula.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace flowc {

using ast::MathExpr;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// A function of formulas and the number of its arguments.
struct MathFunction {
  StringRef name;
  unsigned least, most;
};

class FormulaChecker {
public:
  FormulaChecker(const SourceText &source, const ast::Item &item) : source(source), item(item) {
    names.push_back(item.variable);
    for (const ast::FormulaParameter &parameter : item.parameters)
      names.push_back(parameter.name);
  }

  Expected<void> check(const MathExpr &formula);

private:
  Expected<void> checkName(const MathExpr &name);
  Expected<void> checkCall(const MathExpr &call);
  Expected<void> checkAccess(const MathExpr &access);

  const SourceText &source;
  const ast::Item &item;
  /// The variable, the parameters and the `let`s around the current place.
  llvm::SmallVector<StringRef> names;
};

} // namespace

static constexpr MathFunction mathFunctions[] = {
    {"abs", 1, 1},   {"asinh", 1, 1}, {"atan", 1, 1}, {"atanh", 1, 1},     {"cos", 1, 1},      {"cosh", 1, 1},
    {"dot", 2, 2},   {"erf", 1, 1},   {"exp", 1, 1},  {"expm1", 1, 1},     {"lgamma", 1, 1},   {"log", 1, 1},
    {"log1p", 1, 1}, {"max", 1, 2},   {"min", 1, 2},  {"logsumexp", 1, 1}, {"sigmoid", 1, 1},  {"sin", 1, 1},
    {"sinh", 1, 1},  {"sqrt", 1, 1},  {"sum", 1, 1},  {"tanh", 1, 1},      {"softplus", 1, 1}, {"where", 3, 3},
};

Expected<void> FormulaChecker::check(const MathExpr &formula) {
  switch (formula.kind) {
  case MathExpr::Kind::Name:
    return checkName(formula);
  case MathExpr::Kind::Call:
    if (Expected<void> result = checkCall(formula); !result)
      return result;
    break;
  case MathExpr::Kind::Index:
  case MathExpr::Kind::Slice:
    if (Expected<void> result = checkAccess(formula); !result)
      return result;
    break;
  case MathExpr::Kind::Array:
    if (formula.operands.empty())
      return source.error(formula.loc, "an array in a formula has at least one element");
    break;
  case MathExpr::Kind::Let: {
    if (Expected<void> result = check(formula.operands[0]); !result)
      return result;
    names.push_back(formula.text);
    Expected<void> result = check(formula.operands[1]);
    names.pop_back();
    return result;
  }
  default:
    break;
  }
  for (const MathExpr &operand : formula.operands)
    if (Expected<void> result = check(operand); !result)
      return result;
  return {};
}

Expected<void> FormulaChecker::checkName(const MathExpr &name) {
  if (name.text == "pi" || llvm::is_contained(names, name.text))
    return {};
  if (llvm::any_of(mathFunctions, [&](const MathFunction &function) { return function.name == name.text; }))
    return source.error(name.loc, "`" + name.text + "` is a function: write `" + name.text + "(...)`");
  llvm::SmallVector<StringRef> candidates(names);
  candidates.push_back("pi");
  return source.error(name.loc, "unknown name `" + name.text + "` in the formula of `" + item.name + "`" +
                                    suggestion(name.text, candidates));
}

Expected<void> FormulaChecker::checkCall(const MathExpr &call) {
  const auto *function = llvm::find_if(mathFunctions, [&](const MathFunction &f) { return f.name == call.text; });
  if (function == std::end(mathFunctions)) {
    if (llvm::is_contained(names, call.text))
      return source.error(call.loc, "`" + call.text + "` is no function; write `*` to multiply");
    llvm::SmallVector<StringRef> candidates;
    for (const MathFunction &known : mathFunctions)
      candidates.push_back(known.name);
    return source.error(call.loc, "unknown function `" + call.text + "`" + suggestion(call.text, candidates));
  }
  size_t given = call.operands.size();
  if (given >= function->least && given <= function->most)
    return {};
  std::string count = function->least == function->most
                          ? std::to_string(function->least)
                          : (Twine(function->least) + " or " + Twine(function->most)).str();
  return source.error(call.loc, "`" + call.text + "` takes " + count + (count == "1" ? " argument" : " arguments") +
                                    ", found " + Twine(given));
}

Expected<void> FormulaChecker::checkAccess(const MathExpr &access) {
  const MathExpr &object = access.operands[0];
  bool ofVariable = object.kind == MathExpr::Kind::Name && object.text == item.variable;
  if (!ofVariable)
    return {};
  if (item.kind == ast::Item::Kind::Formula)
    return source.error(access.loc, "`" + item.variable +
                                        "` is a scalar: a bijection defined by a formula acts on "
                                        "each element alone");
  const MathExpr &index = access.operands[1];
  bool outside = access.kind == MathExpr::Kind::Index && index.kind == MathExpr::Kind::Number &&
                 (index.number != std::floor(index.number) || index.number >= double(item.dim));
  if (outside)
    return source.error(index.loc, "`" + item.variable + "` has the elements 0 to " + Twine(item.dim - 1) +
                                       ", found the index " + formatNumber(index.number));
  return {};
}

Expected<void> checkFormula(const SourceText &source, const ast::Item &item) {
  Expected<void> result = FormulaChecker(source, item).check(item.formula);
  return result && item.kind == ast::Item::Kind::Density ? checkDensity(source, item) : result;
}

} // namespace flowc
