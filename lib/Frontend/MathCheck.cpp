//===- MathCheck.cpp - Names in formulas ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenStream.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/Symbolic/Functions.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace flowc {

using ast::MathExpr;
using llvm::StringRef;
using llvm::Twine;

namespace {

class FormulaChecker {
public:
  FormulaChecker(Diagnostics &diagnostics, const ast::File &earlier, const ast::Item &item)
      : diagnostics(diagnostics), item(item), brokenNames(earlier.brokenNames) {
    for (const ast::Item &known : earlier.items)
      if (known.kind == ast::Item::Kind::Data && !known.isBroken && !known.isNameless)
        data.push_back(known.name);
    names.push_back(item.variable);
    llvm::append_range(names, item.terms);
    if (item.kind == ast::Item::Kind::Objective)
      names.push_back("rows");
    for (const ast::FormulaParameter &parameter : item.parameters)
      names.push_back(parameter.name);
  }

  /// False if the formula, all of which is checked, cannot be used.
  bool check(const MathExpr &formula);

private:
  bool checkName(const MathExpr &name);
  bool checkCall(const MathExpr &call);
  bool checkAccess(const MathExpr &access);
  bool checkLet(const MathExpr &let);
  bool checkScan(const MathExpr &scan);
  bool fail(llvm::SMLoc where, const Twine &message) {
    diagnostics.report(where, message);
    return false;
  }

  Diagnostics &diagnostics;
  const ast::Item &item;
  const llvm::DenseSet<StringRef> &brokenNames;
  /// The variable, the parameters and the `let`s around the current place.
  llvm::SmallVector<StringRef> names;
  /// The data items, which a formula of a density may read.
  llvm::SmallVector<StringRef> data;
};

} // namespace

bool FormulaChecker::check(const MathExpr &formula) {
  if (diagnostics.isFull())
    return false;
  bool isRight = true;
  switch (formula.kind) {
  case MathExpr::Kind::Name:
    return checkName(formula);
  case MathExpr::Kind::Let:
    return checkLet(formula);
  case MathExpr::Kind::Scan:
    return checkScan(formula);
  case MathExpr::Kind::Call:
    isRight = checkCall(formula);
    break;
  case MathExpr::Kind::Index:
  case MathExpr::Kind::Slice:
    isRight = checkAccess(formula);
    break;
  case MathExpr::Kind::Array:
    if (formula.operands.empty())
      return fail(formula.loc, "an array in a formula has at least one element");
    break;
  default:
    break;
  }
  for (const MathExpr &operand : formula.operands)
    isRight &= check(operand);
  return isRight;
}

bool FormulaChecker::checkLet(const MathExpr &let) {
  bool isRight = check(let.operands[0]);
  names.push_back(let.text);
  isRight &= check(let.operands[1]);
  names.pop_back();
  return isRight;
}

bool FormulaChecker::checkScan(const MathExpr &scan) {
  size_t numNames = names.size();
  llvm::SmallVector<StringRef> inside = {scan.text};
  bool isRight = check(scan.operands.front());
  for (const MathExpr &over : llvm::drop_end(llvm::drop_begin(scan.operands))) {
    if (llvm::is_contained(inside, over.text))
      isRight = fail(over.loc, "the name `" + over.text + "` occurs twice");
    inside.push_back(over.text);
    isRight &= check(over.operands[0]);
  }
  llvm::append_range(names, inside);
  isRight &= check(scan.operands.back());
  names.truncate(numNames);
  return isRight;
}

bool FormulaChecker::checkName(const MathExpr &name) {
  if (name.text == "pi" || llvm::is_contained(names, name.text))
    return true;
  if (llvm::is_contained(data, name.text)) {
    if (item.kind == ast::Item::Kind::Density)
      return true;
    return fail(name.loc, "`" + name.text + "` is data, which only densities read");
  }
  if (brokenNames.contains(name.text))
    return false;
  if (symbolic::findFunction(name.text))
    return fail(name.loc, "`" + name.text + "` is a function: write `" + name.text + "(...)`");
  llvm::SmallVector<StringRef> candidates(names);
  candidates.push_back("pi");
  llvm::append_range(candidates, data);
  return fail(name.loc, "unknown name `" + name.text + "` in the formula of `" + item.name + "`" +
                            suggestion(name.text, candidates));
}

/// "1 argument", "1 or 2 arguments", "1 to 3 arguments (y, loc = 0, scale = 1)".
static std::string describeArguments(const symbolic::FunctionRow &function) {
  size_t least = function.vectorArity, most = function.arity;
  if (least == 0)
    least = function.getLeastArity();
  if (most == 0)
    most = least;
  std::string text = std::to_string(least);
  if (least != most)
    text += (least + 1 == most ? " or " : " to ") + std::to_string(most);
  text += text == "1" ? " argument" : " arguments";
  std::string names;
  for (const symbolic::FunctionArgument &argument : function.arguments) {
    names += (names.empty() ? " (" : ", ") + std::string(argument.name);
    if (argument.otherwise)
      names += " = " + formatNumber(*argument.otherwise);
  }
  return names.empty() ? text : text + names + ")";
}

bool FormulaChecker::checkCall(const MathExpr &call) {
  const symbolic::FunctionRow *function = symbolic::findFunction(call.text);
  if (!function) {
    if (llvm::is_contained(names, call.text))
      return fail(call.loc, "`" + call.text + "` is no function; write `*` to multiply");
    llvm::SmallVector<StringRef> candidates;
    for (const symbolic::FunctionRow &known : symbolic::getFunctions())
      if (known.scope != symbolic::Scope::Algebra)
        candidates.push_back(known.name);
    return fail(call.loc, "unknown function `" + call.text + "`" + suggestion(call.text, candidates));
  }
  size_t given = call.operands.size();
  if (function->takes(given))
    return true;
  return fail(call.loc, "`" + call.text + "` takes " + describeArguments(*function) + ", found " + Twine(given));
}

bool FormulaChecker::checkAccess(const MathExpr &access) {
  const MathExpr &object = access.operands[0];
  bool ofVariable = object.kind == MathExpr::Kind::Name && object.text == item.variable;
  if (!ofVariable || item.kind == ast::Item::Kind::Objective)
    return true;
  if (item.kind == ast::Item::Kind::Formula)
    return fail(access.loc, "`" + item.variable +
                                "` is a scalar: a bijection defined by a formula acts on "
                                "each element alone");
  const MathExpr &index = access.operands[1];
  bool outside = access.kind == MathExpr::Kind::Index && index.kind == MathExpr::Kind::Number &&
                 (index.number != std::floor(index.number) || index.number >= double(item.dim));
  if (outside)
    return fail(index.loc, "`" + item.variable + "` has the elements 0 to " + Twine(item.dim - 1) +
                               ", found the index " + formatNumber(index.number));
  return true;
}

bool checkFormula(Diagnostics &diagnostics, const ast::File &earlier, const ast::Item &item) {
  return FormulaChecker(diagnostics, earlier, item).check(item.formula);
}

} // namespace flowc
