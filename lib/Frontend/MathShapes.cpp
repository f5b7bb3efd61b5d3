//===- MathShapes.cpp - Shapes in formulas of densities -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayFunctions.h"
#include "ShapeChecker.h"

#include "flowc/Frontend/Formula.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc {

using ast::MathExpr;
using Kind = MathExpr::Kind;
using llvm::StringRef;
using llvm::Twine;

std::optional<double> foldConstant(const MathExpr &formula) {
  auto fold = [&](size_t i) { return foldConstant(formula.operands[i]); };
  auto combine = [&](auto operation) -> std::optional<double> {
    std::optional<double> a = fold(0), b = a ? fold(1) : std::nullopt;
    return b ? std::optional<double>(operation(*a, *b)) : std::nullopt;
  };
  switch (formula.kind) {
  case Kind::Number:
    return formula.number;
  case Kind::Negate: {
    std::optional<double> a = fold(0);
    return a ? std::optional<double>(-*a) : std::nullopt;
  }
  case Kind::Add:
    return combine([](double a, double b) { return a + b; });
  case Kind::Subtract:
    return combine([](double a, double b) { return a - b; });
  case Kind::Multiply:
    return combine([](double a, double b) { return a * b; });
  case Kind::Divide:
    return combine([](double a, double b) { return a / b; });
  default:
    return std::nullopt;
  }
}

std::string PartShape::describe() const {
  auto count = [](int64_t number, const std::string &what) {
    return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
  };
  if (isMatrix())
    return "a matrix of " + count(length, "row") + " and " + count(columns, "column");
  std::string what = isCondition ? "condition" : "number";
  return isVector() ? "a vector of " + count(length, what) : "a " + what;
}

static bool isComparison(Kind kind) { return kind >= Kind::Less && kind <= Kind::NotEqual; }

/// Whether `shape` is one of numbers or vectors of them.
bool ShapeChecker::checkNumbersOnly(const MathExpr &part, const PartShape &shape, StringRef name) {
  if (shape.isCondition)
    fail(part.loc,
         "`" + name + "` needs numbers, found " + shape.describe() + "; write `where(CONDITION, 1, 0)` to count it");
  else if (shape.isMatrix())
    fail(part.loc, "`" + name + "` works on numbers and vectors, found " + shape.describe() +
                       "; multiply it with a vector by `dot`");
  return !shape.isCondition && !shape.isMatrix();
}

/// Checks that all operands (from the first after `start`, if that is given) are
/// numbers or vectors of one length.
std::optional<PartShape> ShapeChecker::checkNumbers(MathExpr &part, StringRef name, PartShape start) {
  PartShape result = start;
  bool skip = start.isCondition;
  result.isCondition = false;
  bool isRight = true;
  for (MathExpr &operand : llvm::drop_begin(part.operands, skip)) {
    std::optional<PartShape> shape = check(operand);
    if (!shape || !checkNumbersOnly(operand, *shape, name)) {
      isRight = false;
      continue;
    }
    if (result.isVector() && shape->isVector() && result.length != shape->length)
      return fail(part.loc, "`" + name + "` needs vectors of one length, found " + Twine(result.length) + " and " +
                                Twine(shape->length) + " elements");
    result.length = std::max(result.length, shape->length);
  }
  return isRight ? std::optional(result) : std::nullopt;
}

std::optional<PartShape> ShapeChecker::checkCall(MathExpr &call) {
  StringRef name = call.text;
  std::optional<symbolic::Function> function = getArrayFunction(call);
  if (function == symbolic::Function::Dot)
    return checkDot(call);
  if (name == "where") {
    std::optional<PartShape> condition = check(call.operands[0]);
    if (!condition)
      return std::nullopt;
    if (!condition->isCondition)
      return fail(call.operands[0].loc,
                  "`where` needs a comparison first, as in `where(x[0] > 0, a, b)`, found " + condition->describe());
    return checkNumbers(call, name, *condition);
  }
  std::optional<PartShape> shape = checkNumbers(call, name);
  if (!shape || !function)
    return shape;
  if (!shape->isVector())
    return fail(call.loc, "`" + name + "` needs a vector, found a number");
  bool keepsLength = function == symbolic::Function::Cumsum || function == symbolic::Function::Detach;
  return keepsLength ? shape : PartShape{};
}

std::optional<PartShape> ShapeChecker::checkLet(MathExpr &let) {
  std::optional<PartShape> value = check(let.operands[0]);
  names.push_back({let.text, value, &let.operands[0], std::nullopt});
  std::optional<PartShape> result = check(let.operands[1]);
  names.pop_back();
  return value ? result : std::nullopt;
}

std::optional<PartShape> ShapeChecker::check(MathExpr &part) {
  if (diagnostics.isFull())
    return std::nullopt;
  switch (part.kind) {
  case Kind::Number:
    return PartShape{};
  case Kind::Name:
    return checkName(part);
  case Kind::Column:
    return checkColumn(part);
  case Kind::Array:
    return checkArray(part);
  case Kind::Call:
    return checkCall(part);
  case Kind::Index:
  case Kind::Slice:
    return checkAccess(part);
  case Kind::Let:
    return checkLet(part);
  case Kind::Scan:
    return checkScan(part);
  default:
    break;
  }
  std::optional<PartShape> shape = checkNumbers(part, part.kind == Kind::Negate ? StringRef("-") : part.text);
  if (shape)
    shape->isCondition = isComparison(part.kind);
  return shape;
}

/// Whether the name is in `part`, as whatever it is there.
static bool mentions(const MathExpr &part, StringRef name) {
  return (part.kind == Kind::Name && part.text == name) ||
         llvm::any_of(part.operands, [&](const MathExpr &operand) { return mentions(operand, name); });
}

/// Leaves out what is bound to names that nothing needs any more: values of which
/// positions were computed.
static void dropUnusedNames(MathExpr &part) {
  for (MathExpr &operand : part.operands)
    dropUnusedNames(operand);
  if (part.kind == Kind::Let && !mentions(part.operands[1], part.text)) {
    MathExpr body = std::move(part.operands[1]);
    part = std::move(body);
  }
}

/// Calls `visit` for every use of data in `part`.
static void forEachUse(MathExpr &part, llvm::function_ref<void(int64_t &)> visit) {
  if (part.data >= 0)
    visit(part.data);
  for (MathExpr &operand : part.operands)
    forEachUse(operand, visit);
}

/// Leaves out the arrays of which only positions were computed: kernels take the
/// positions.
static void dropUnusedData(ast::Item &item) {
  std::vector<int64_t> places(item.data.size(), -1);
  forEachUse(item.formula, [&](int64_t &use) { places[use] = 0; });
  decltype(item.data) kept;
  for (auto [place, array] : llvm::zip(places, item.data))
    if (place == 0) {
      place = int64_t(kept.size());
      kept.push_back(std::move(array));
    }
  item.data = std::move(kept);
  llvm::erase_if(item.positionData, [&](const auto &array) { return llvm::is_contained(item.data, array); });
  forEachUse(item.formula, [&](int64_t &use) { use = places[use]; });
}

bool checkDensity(Diagnostics &diagnostics, ast::Item &item, DataReader &reader) {
  ShapeChecker checker(diagnostics, item, reader);
  std::optional<PartShape> shape = checker.check(item.formula);
  if (!shape)
    return false;
  if (shape->length > 0 || shape->isCondition) {
    diagnostics.report(item.formula.loc,
                       "a log-density is a number, but the formula of `" + item.name + "` is " + shape->describe() +
                           (shape->isVector() && !shape->isCondition ? "; add its elements up with `sum(...)`" : ""));
    return false;
  }
  dropUnusedNames(item.formula);
  dropUnusedData(item);
  return true;
}

} // namespace flowc
