//===- MathShapes.cpp - Shapes in formulas of densities -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value in a formula is a number or a vector, of numbers or of conditions.
// Names and numbers of arguments have been checked (MathCheck.cpp).
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Formula.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

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

namespace {

/// What a part of a formula is: `length` elements (0: a single one).
struct PartShape {
  int64_t length = 0;
  bool isCondition = false;

  bool isVector() const { return length > 0; }
  std::string describe() const {
    std::string what = isCondition ? "condition" : "number";
    return isVector() ? "a vector of " + std::to_string(length) + " " + what + (length == 1 ? "" : "s") : "a " + what;
  }
};

class ShapeChecker {
public:
  ShapeChecker(const SourceText &source, const ast::Item &item) : source(source) {
    names.push_back({item.variable, {item.dim}});
  }

  std::optional<PartShape> check(const MathExpr &part);
  std::optional<Error> error;

private:
  std::optional<PartShape> checkCall(const MathExpr &call);
  std::optional<PartShape> checkArray(const MathExpr &array);
  std::optional<PartShape> checkAccess(const MathExpr &access);
  std::optional<PartShape> checkLet(const MathExpr &let);
  std::optional<PartShape> checkNumbers(const MathExpr &part, StringRef name, PartShape start = {},
                                        bool wantsVectors = false);
  /// The position that `bound` names in a vector; nothing after an error.
  std::optional<int64_t> checkPosition(const MathExpr &bound, int64_t length, bool isEnd);
  std::nullopt_t fail(const MathExpr &part, const Twine &message) {
    if (!error)
      error = source.error(part.loc, message);
    return std::nullopt;
  }

  const SourceText &source;
  /// The variable and the `let`s around the current place.
  std::vector<std::pair<StringRef, PartShape>> names;
};

} // namespace

static bool isComparison(Kind kind) { return kind >= Kind::Less && kind <= Kind::NotEqual; }

/// Checks that all operands (from the first after `start`, if that is given) are
/// numbers or vectors of one length.
std::optional<PartShape> ShapeChecker::checkNumbers(const MathExpr &part, StringRef name, PartShape start,
                                                    bool wantsVectors) {
  PartShape result = start;
  bool skip = start.isCondition;
  result.isCondition = false;
  for (const MathExpr &operand : llvm::drop_begin(part.operands, skip)) {
    std::optional<PartShape> shape = check(operand);
    if (!shape)
      return std::nullopt;
    if (shape->isCondition)
      return fail(operand, "`" + name + "` needs numbers, found " + shape->describe() +
                               "; write `where(CONDITION, 1, 0)` to count it");
    if (wantsVectors && !shape->isVector())
      return fail(operand, "`" + name + "` needs vectors, found " + shape->describe());
    if (result.isVector() && shape->isVector() && result.length != shape->length)
      return fail(part, "`" + name + "` needs vectors of one length, found " + Twine(result.length) + " and " +
                            Twine(shape->length) + " elements");
    result.length = std::max(result.length, shape->length);
  }
  return result;
}

std::optional<PartShape> ShapeChecker::checkCall(const MathExpr &call) {
  StringRef name = call.text;
  bool reduces =
      name == "sum" || name == "logsumexp" || ((name == "min" || name == "max") && call.operands.size() == 1);
  if (name == "where") {
    std::optional<PartShape> condition = check(call.operands[0]);
    if (!condition)
      return std::nullopt;
    if (!condition->isCondition)
      return fail(call.operands[0],
                  "`where` needs a comparison first, as in `where(x[0] > 0, a, b)`, found " + condition->describe());
    return checkNumbers(call, name, *condition);
  }
  std::optional<PartShape> shape = checkNumbers(call, name, {}, /*wantsVectors=*/name == "dot");
  if (!shape || name == "dot")
    return shape ? std::optional(PartShape{}) : std::nullopt;
  if (!reduces)
    return shape;
  if (!shape->isVector())
    return fail(call, "`" + name + "` needs a vector, found a number");
  return PartShape{};
}

std::optional<PartShape> ShapeChecker::checkArray(const MathExpr &array) {
  for (const MathExpr &element : array.operands) {
    std::optional<PartShape> shape = check(element);
    if (!shape)
      return std::nullopt;
    if (shape->isVector() || shape->isCondition)
      return fail(element, "an array in a formula holds numbers, found " + shape->describe());
  }
  return PartShape{static_cast<int64_t>(array.operands.size())};
}

std::optional<int64_t> ShapeChecker::checkPosition(const MathExpr &bound, int64_t length, bool isEnd) {
  std::optional<double> value = foldConstant(bound);
  if (!value || *value != std::floor(*value))
    return fail(bound, "an index is a whole number in the text, as in `x[2]`");
  int64_t least = -length, most = isEnd ? length : length - 1;
  if (*value < double(least) || *value > double(most))
    return fail(bound, "a vector of " + Twine(length) + (length == 1 ? " element" : " elements") +
                           " has the positions " + Twine(least) + " to " + Twine(most) +
                           " (negative ones count from the end), found " + formatNumber(*value));
  return static_cast<int64_t>(*value) + (*value < 0 ? length : 0);
}

std::optional<PartShape> ShapeChecker::checkAccess(const MathExpr &access) {
  std::optional<PartShape> shape = check(access.operands[0]);
  if (!shape)
    return std::nullopt;
  if (!shape->isVector())
    return fail(access, "only vectors have elements, found " + shape->describe());
  auto position = [&](size_t i, int64_t otherwise, bool isEnd) -> std::optional<int64_t> {
    if (access.operands[i].kind == Kind::Absent)
      return otherwise;
    return checkPosition(access.operands[i], shape->length, isEnd);
  };
  std::optional<int64_t> begin = position(1, 0, access.kind == Kind::Slice);
  if (!begin)
    return std::nullopt;
  if (access.kind == Kind::Index)
    return PartShape{0, shape->isCondition};
  std::optional<int64_t> end = position(2, shape->length, /*isEnd=*/true);
  if (!end)
    return std::nullopt;
  if (*begin >= *end)
    return fail(access, "the slice from " + Twine(*begin) + " to " + Twine(*end) + " is empty");
  return PartShape{*end - *begin, shape->isCondition};
}

std::optional<PartShape> ShapeChecker::checkLet(const MathExpr &let) {
  std::optional<PartShape> value = check(let.operands[0]);
  if (!value)
    return std::nullopt;
  names.push_back({let.text, *value});
  std::optional<PartShape> result = check(let.operands[1]);
  names.pop_back();
  return result;
}

std::optional<PartShape> ShapeChecker::check(const MathExpr &part) {
  switch (part.kind) {
  case Kind::Number:
    return PartShape{};
  case Kind::Name: {
    auto known = llvm::find_if(llvm::reverse(names), [&](const auto &name) { return name.first == part.text; });
    return known == names.rend() ? PartShape{} : known->second; // else it is `pi`
  }
  case Kind::Array:
    return checkArray(part);
  case Kind::Call:
    return checkCall(part);
  case Kind::Index:
  case Kind::Slice:
    return checkAccess(part);
  case Kind::Let:
    return checkLet(part);
  default:
    break;
  }
  std::optional<PartShape> shape = checkNumbers(part, part.kind == Kind::Negate ? StringRef("-") : part.text);
  if (shape)
    shape->isCondition = isComparison(part.kind);
  return shape;
}

Expected<void> checkDensity(const SourceText &source, const ast::Item &item) {
  ShapeChecker checker(source, item);
  std::optional<PartShape> shape = checker.check(item.formula);
  if (!shape)
    return *checker.error;
  if (shape->isVector() || shape->isCondition)
    return source.error(item.formula.loc, "a log-density is a number, but the formula of `" + item.name + "` is " +
                                              shape->describe() +
                                              (shape->isCondition ? "" : "; add its elements up with `sum(...)`"));
  return {};
}

} // namespace flowc
