//===- MathArrays.cpp - Shapes of data, elements and scans ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayFunctions.h"
#include "ShapeChecker.h"

#include "flowc/Frontend/Formula.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace flowc {

using ast::MathExpr;
using Kind = MathExpr::Kind;
using llvm::StringRef;
using llvm::Twine;

std::optional<symbolic::Function> getArrayFunction(const MathExpr &part) {
  const symbolic::FunctionRow *row = part.kind == Kind::Call ? symbolic::findFunction(part.text) : nullptr;
  return row && row->isOfVectors(part.operands.size()) ? std::optional(row->function) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Names and data
//===----------------------------------------------------------------------===//

ShapeChecker::Name *ShapeChecker::findName(StringRef text, size_t numNames) {
  for (size_t i = numNames; i-- > 0;)
    if (names[i].text == text)
      return &names[i];
  return nullptr;
}

PartShape ShapeChecker::useData(MathExpr &part, DataReader::Array array) {
  auto it = llvm::find(item.data, array);
  part.data = it - item.data.begin();
  const Shape &shape = array->shape;
  PartShape result{shape.empty() ? 0 : shape[0], false, shape.size() == 2 ? shape[1] : 0};
  if (it == item.data.end())
    item.data.push_back(std::move(array));
  return result;
}

std::optional<PartShape> ShapeChecker::checkName(MathExpr &name) {
  if (const Name *known = findName(name.text, names.size()))
    return known->shape;
  const ast::Item *data = reader.find(name.text);
  if (!data)
    return PartShape{}; // `pi`
  if (data->isTable)
    return fail(name.loc, "`" + name.text + "` is a table: write `" + name.text + ".COLUMN` for one of its columns");
  DataReader::Array array = reader.readArray(*data);
  return array ? std::optional(useData(name, std::move(array))) : std::nullopt;
}

std::optional<PartShape> ShapeChecker::checkColumn(MathExpr &column) {
  const MathExpr &table = column.operands[0];
  const ast::Item *data =
      table.kind == Kind::Name && !findName(table.text, names.size()) ? reader.find(table.text) : nullptr;
  if (!data || !data->isTable)
    return fail(column.loc,
                "only tables have columns, as in `data t = table(\"FILE.csv\")` and then `t." + column.text + "`");
  DataReader::Array array = reader.readColumn(*data, column.text, column.loc);
  return array ? std::optional(useData(column, std::move(array))) : std::nullopt;
}

std::optional<PartShape> ShapeChecker::checkArray(MathExpr &array) {
  bool isRight = true;
  for (MathExpr &element : array.operands) {
    std::optional<PartShape> shape = check(element);
    if (shape && (shape->length > 0 || shape->isCondition))
      shape = fail(element.loc, "an array in a formula holds numbers, found " + shape->describe());
    isRight &= shape.has_value();
  }
  return isRight ? std::optional(PartShape{static_cast<int64_t>(array.operands.size())}) : std::nullopt;
}

/// Of two vectors, or of a matrix and a vector in either order.
std::optional<PartShape> ShapeChecker::checkDot(MathExpr &dot) {
  std::optional<PartShape> shapes[2];
  for (auto [operand, shape] : llvm::zip(dot.operands, shapes)) {
    shape = check(operand);
    if (shape && (shape->isCondition || (!shape->isVector() && !shape->isMatrix())))
      shape = fail(operand.loc, "`dot` needs vectors, found " + shape->describe());
  }
  if (!shapes[0] || !shapes[1])
    return std::nullopt;
  PartShape left = *shapes[0], right = *shapes[1];
  if (left.isMatrix() && right.isMatrix())
    return fail(dot.loc, "`dot` takes one matrix and a vector, found two matrices");
  if (left.isMatrix() && left.columns != right.length)
    return fail(dot.loc, "`dot` of " + left.describe() + " needs a vector of " + Twine(left.columns) +
                             " elements behind it, found " + Twine(right.length));
  if (right.isMatrix() && right.length != left.length)
    return fail(dot.loc, "`dot` of " + right.describe() + " needs a vector of " + Twine(right.length) +
                             " elements before it, found " + Twine(left.length));
  if (left.isMatrix() || right.isMatrix())
    return PartShape{left.isMatrix() ? left.length : right.columns};
  if (left.length != right.length)
    return fail(dot.loc, "`dot` needs vectors of one length, found " + Twine(left.length) + " and " +
                             Twine(right.length) + " elements");
  return PartShape{};
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

std::optional<int64_t> ShapeChecker::checkPosition(const MathExpr &bound, int64_t length, bool isEnd) {
  std::optional<ConstantPart> value = evaluate(bound, names.size());
  double position = value ? value->at(0) : 0;
  if (!value || position != std::floor(position))
    return fail(bound.loc, "an index is a whole number in the text, as in `x[2]`");
  int64_t least = -length, most = isEnd ? length : length - 1;
  if (position < double(least) || position > double(most))
    return fail(bound.loc, "a vector of " + Twine(length) + (length == 1 ? " element" : " elements") +
                               " has the positions " + Twine(least) + " to " + Twine(most) +
                               " (negative ones count from the end), found " + formatNumber(position));
  auto result = static_cast<int64_t>(position) + (position < 0 ? length : 0);
  if (!foldConstant(bound))
    item.dataPositions.push_back(result);
  return result;
}

std::optional<PartShape> ShapeChecker::checkAccess(MathExpr &access) {
  std::optional<PartShape> shape = check(access.operands[0]);
  if (!shape)
    return std::nullopt;
  if (!shape->isVector())
    return fail(access.loc, "only vectors have elements, found " + shape->describe());
  // Positions become plain numbers, which what reads the tree need not evaluate.
  auto setPosition = [](MathExpr &bound, int64_t position) {
    bound.kind = Kind::Number;
    bound.number = double(position);
    bound.data = -1;
    bound.operands.clear();
  };
  bool isIndex = access.kind == Kind::Index;
  int64_t positions[] = {0, shape->length};
  for (size_t i = 1; i < access.operands.size(); ++i) {
    MathExpr &bound = access.operands[i];
    std::optional<PartShape> found;
    if (bound.kind != Kind::Absent && !(found = check(bound)))
      return std::nullopt;
    if (found && isIndex && found->isVector() && !found->isCondition)
      return checkGather(access, *shape, *found);
    if (found && (found->length > 0 || found->isCondition))
      return fail(bound.loc, "an index is a whole number in the text, as in `x[2]`, found " + found->describe());
    std::optional<int64_t> position =
        found ? checkPosition(bound, shape->length, /*isEnd=*/!isIndex) : positions[i - 1];
    if (!position)
      return std::nullopt;
    positions[i - 1] = *position;
    setPosition(bound, *position);
  }
  if (isIndex)
    return PartShape{0, shape->isCondition};
  auto [begin, end] = positions;
  if (begin >= end)
    return fail(access.loc, "the slice from " + Twine(begin) + " to " + Twine(end) + " is empty");
  return PartShape{end - begin, shape->isCondition};
}

std::optional<PartShape> ShapeChecker::checkGather(MathExpr &access, const PartShape &vector,
                                                   const PartShape &positions) {
  const MathExpr &index = access.operands[1];
  std::optional<ConstantPart> constant = evaluate(index, names.size());
  if (!constant)
    return fail(index.loc, "an index vector is made of numbers in the text and of data, as in `x[t.group - 1]`");
  for (auto [i, position] : llvm::enumerate(constant->values))
    if (position != std::floor(position) || position < 0 || position >= double(vector.length))
      return fail(index.loc, "an index vector holds whole numbers from 0 to " + Twine(vector.length - 1) + ", found " +
                                 formatNumber(position) + " as its element " + Twine(i));
  auto array = std::make_shared<DataArray>();
  array->name = "positions" + std::to_string(item.data.size());
  array->shape = {positions.length};
  array->isPositions = true;
  array->values = std::move(constant->values);
  // Equal ones are one argument.
  DataReader::Array same = array;
  for (const DataReader::Array &known : item.data)
    if (known->isPositions && known->values == array->values)
      same = known;
  useData(access, same);
  access.kind = Kind::Gather;
  access.operands.pop_back();
  return PartShape{positions.length, vector.isCondition};
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

std::optional<PartShape> ShapeChecker::checkScan(MathExpr &scan) {
  auto checkNumber = [&](MathExpr &part, const Twine &what) {
    std::optional<PartShape> shape = check(part);
    if (shape && (shape->length > 0 || shape->isCondition))
      shape = fail(part.loc, what + " is a number, found " + shape->describe());
    return shape.has_value();
  };
  if (!checkNumber(scan.operands.front(), "the state `" + scan.text + "` of a scan"))
    return std::nullopt;
  std::vector<Name> inside = {{scan.text, PartShape{}, nullptr, std::nullopt}};
  int64_t length = 0;
  for (MathExpr &over : llvm::drop_end(llvm::drop_begin(scan.operands))) {
    std::optional<PartShape> shape = check(over.operands[0]);
    if (!shape)
      return std::nullopt;
    if (shape->length == 0 || shape->isCondition)
      return fail(over.operands[0].loc, "a scan runs over vectors, found " + shape->describe());
    if (length && shape->length != length)
      return fail(over.loc, "a scan runs over vectors of one length, found " + Twine(length) + " and " +
                                Twine(shape->length) + " elements");
    length = shape->length;
    inside.push_back({over.text, PartShape{shape->columns}, nullptr, std::nullopt});
  }
  size_t numNames = names.size();
  llvm::append_range(names, inside);
  bool isNumber = checkNumber(scan.operands.back(), "the next state `" + scan.text + "` of a scan");
  names.resize(numNames);
  return isNumber ? std::optional(PartShape{length}) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::optional<ConstantPart> ShapeChecker::evaluateName(const MathExpr &part, size_t numNames) {
  if (part.data >= 0) {
    const DataReader::Array &array = item.data[part.data];
    if (!llvm::is_contained(item.positionData, array))
      item.positionData.push_back(array);
    return ConstantPart{!array->shape.empty(), array->values};
  }
  Name *name = findName(part.text, numNames);
  if (!name || !name->definition)
    return std::nullopt;
  if (!name->constant)
    name->constant = evaluate(*name->definition, name - names.data());
  return name->constant;
}

std::optional<ConstantPart> ShapeChecker::evaluateArithmetic(const MathExpr &part, size_t numNames) {
  std::optional<ConstantPart> a = evaluate(part.operands[0], numNames);
  std::optional<ConstantPart> b = a && part.operands.size() == 2 ? evaluate(part.operands[1], numNames) : a;
  if (!a || !b)
    return std::nullopt;
  auto combine = [&](auto operation) {
    ConstantPart result{a->isVector || b->isVector, {}};
    size_t count = std::max(a->values.size(), b->values.size());
    for (size_t i = 0; i < count; ++i)
      result.values.push_back(operation(a->at(i), b->at(i)));
    return std::optional(result);
  };
  switch (part.kind) {
  case Kind::Negate:
    return combine([](double x, double) { return -x; });
  case Kind::Add:
    return combine([](double x, double y) { return x + y; });
  case Kind::Subtract:
    return combine([](double x, double y) { return x - y; });
  case Kind::Multiply:
    return combine([](double x, double y) { return x * y; });
  case Kind::Divide:
    return combine([](double x, double y) { return x / y; });
  default:
    return std::nullopt;
  }
}

std::optional<ConstantPart> ShapeChecker::evaluate(const MathExpr &part, size_t numNames) {
  auto evaluateVector = [&]() { return evaluate(part.operands[0], numNames); };
  switch (part.kind) {
  case Kind::Number:
    return ConstantPart{false, {part.number}};
  case Kind::Name:
  case Kind::Column:
    return evaluateName(part, numNames);
  case Kind::Array: {
    ConstantPart result{true, {}};
    for (const MathExpr &element : part.operands) {
      std::optional<ConstantPart> value = evaluate(element, numNames);
      if (!value)
        return std::nullopt;
      result.values.push_back(value->at(0));
    }
    return result;
  }
  case Kind::Index:
    if (auto vector = evaluateVector())
      return ConstantPart{false, {vector->values[size_t(part.operands[1].number)]}};
    return std::nullopt;
  case Kind::Slice:
    if (auto vector = evaluateVector())
      return ConstantPart{true,
                          {vector->values.begin() + int64_t(part.operands[1].number),
                           vector->values.begin() + int64_t(part.operands[2].number)}};
    return std::nullopt;
  case Kind::Gather:
    if (auto vector = evaluateVector()) {
      ConstantPart result{true, {}};
      for (double position : item.data[part.data]->values)
        result.values.push_back(vector->values[size_t(position)]);
      return result;
    }
    return std::nullopt;
  case Kind::Negate:
  case Kind::Add:
  case Kind::Subtract:
  case Kind::Multiply:
  case Kind::Divide:
    return evaluateArithmetic(part, numNames);
  default:
    return std::nullopt;
  }
}

} // namespace flowc
