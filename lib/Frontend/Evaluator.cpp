//===- Evaluator.cpp - From syntax trees to nodes -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>

namespace flowc {

using ast::Expr;
using ast::Item;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

static StringRef categoryName(Node::Category category) {
  switch (category) {
  case Node::Category::Distribution:
    return "distribution";
  case Node::Category::Bijection:
    return "bijection";
  case Node::Category::Density:
    return "density";
  case Node::Category::Inverter:
    return "inverter";
  case Node::Category::Network:
    break;
  }
  return "network";
}

std::string describe(const Node &node) {
  // A formula is known by the name that the user gave it.
  auto given = node.attributes.find("name");
  llvm::StringRef name = given == node.attributes.end() ? node.kind : std::get<std::string>(given->second);
  return ("the " + categoryName(node.category) + " `" + name + "`").str();
}

std::string describe(const Value::Data &data) {
  if (std::holds_alternative<std::monostate>(data))
    return "`none`";
  if (const bool *flag = std::get_if<bool>(&data))
    return *flag ? "`true`" : "`false`";
  if (const Word *word = std::get_if<Word>(&data))
    return ("the name `" + word->text.substr(0, 60) + "`").str();
  if (const NodePtr *node = std::get_if<NodePtr>(&data))
    return describe(**node);
  if (std::holds_alternative<NodeList>(data))
    return "a list of objects";
  if (std::holds_alternative<SliceValue>(data))
    return "a slice";
  const ArrayValue &array = std::get<ArrayValue>(data);
  if (array.shape.empty() && array.init.kind == Init::Kind::Values)
    return "the number " + formatNumber(array.init.values[0]);
  if (array.init.kind == Init::Kind::Shuffled)
    return "`shuffled(" + std::to_string(array.shape[0]) + ")`";
  if (array.isMask)
    return "an array of `true` and `false`";
  return (array.init.kind == Init::Kind::Values ? "an array of shape " : "a random array of shape ") +
         formatShape(array.shape);
}

std::vector<StringRef> Evaluator::knownNames() const {
  std::vector<StringRef> names(constructorNames());
  for (const auto &object : objects)
    names.push_back(object.getKey());
  for (const auto &formula : formulas)
    names.push_back(formula.getKey());
  return names;
}

void Evaluator::failUnknownName(StringRef word, SMLoc where) {
  auto item = llvm::find_if(file.items, [&](const Item &item) { return item.name == word; });
  if (item != file.items.end()) {
    bool isKnown = item->nameLoc.getPointer() < where.getPointer();
    if (isKnown && item->kind == Item::Kind::Formula)
      return fail(where, "`" + word + "` is defined by a formula; to construct an object write `" + word + "()`");
    if (isKnown && item->kind == Item::Kind::Data)
      return fail(where, "`" + word + "` is data, which only densities read");
    if (isKnown && item->kind == Item::Kind::Density)
      return fail(where, "`" + word + "` is a density, which is no part of a flow or a bijection");
    return fail(where, "`" + word + "` is defined in line " + Twine(source.locate(item->nameLoc).line) +
                           ": define it before it is used");
  }
  if (findConstructor(word))
    return fail(where,
                "`" + word + "` alone is the name of a function; to construct an object write `" + word + "(...)`");
  std::vector<StringRef> names = knownNames();
  llvm::append_values(names, "none", "true", "false");
  fail(where, "unknown name `" + word.substr(0, 60) + "`" + suggestion(word, names));
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

bool Evaluator::addElements(size_t count, SMLoc where) {
  // With copies 0.6 GB of memory before the array that is too much.
  constexpr size_t maxElements = size_t(3) << 23;
  arrayElements += count;
  if (arrayElements > maxElements && !hasTooManyElements)
    fail(where, "the arrays of this text have more than " + Twine(maxElements) +
                    " elements together; arrays drawn by `random_normal` are not counted");
  hasTooManyElements |= arrayElements > maxElements;
  return !hasTooManyElements;
}

bool Evaluator::checkSize(const Node &node, SMLoc where) {
  constexpr int64_t maxDepth = 300, maxFields = 200000;
  constexpr double maxElements = double(int64_t(1) << 28);
  Size size;
  auto addChild = [&](const Child &child, double copies) {
    const Size &part = sizes[child.node.get()];
    size.depth = std::max(size.depth, part.depth + 1);
    size.fields = std::min(size.fields + part.fields, maxFields + 1);
    size.elements += copies * part.elements;
  };
  for (const auto &field : node.fields) {
    if (const Child *child = std::get_if<Child>(&field)) {
      addChild(*child, std::max<double>(1, node.stack));
      continue;
    }
    const auto &leaf = std::get<Leaf>(field);
    if (!addElements(leaf.init.values.size(), where))
      return false;
    double elements = 1;
    for (int64_t extent : leaf.shape)
      elements *= extent;
    size.elements += elements;
    size.fields = std::min(size.fields + 1, maxFields + 1);
  }
  for (const Child &child : node.hidden)
    addChild(child, 1);
  sizes[&node] = size;
  if (size.depth > maxDepth)
    fail(where, "objects are nested more than " + Twine(maxDepth) + " levels deep here");
  else if (size.fields > maxFields)
    fail(where, "this object has more than " + Twine(maxFields) +
                    " parts; repeat layers with `scan(layer, layers = N)` instead");
  else if (size.elements > maxElements)
    fail(where, "this object has " + formatNumber(size.elements) + " parameters; at most " + formatNumber(maxElements) +
                    " are supported");
  return size.depth <= maxDepth && size.fields <= maxFields && size.elements <= maxElements;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

NodePtr Evaluator::define(const Item &item, NodePtr node) {
  if (!node)
    brokenNames.insert(item.name);
  else if (!item.isNameless)
    objects[item.name] = node;
  return node;
}

NodePtr Evaluator::evaluateItem(const Item &item) {
  Value value = evaluate(item.constructor);
  return define(item, std::holds_alternative<Mistaken>(value.data) ? nullptr : checkCategory(item, value));
}

NodePtr Evaluator::checkCategory(const Item &item, const Value &value) {
  bool isFlow = item.kind == Item::Kind::Flow;
  if (const Word *word = std::get_if<Word>(&value.data)) {
    failUnknownName(word->text, value.loc);
    return nullptr;
  }
  const NodePtr *node = std::get_if<NodePtr>(&value.data);
  auto category = isFlow ? Node::Category::Distribution : Node::Category::Bijection;
  if (node && (*node)->category == category)
    return *node;
  bool swapped =
      node && ((*node)->category == Node::Category::Distribution || (*node)->category == Node::Category::Bijection);
  StringRef hint = !swapped ? "" : isFlow ? ": write `bijection NAME = ...`" : ": write `flow NAME = ...`";
  fail(value.loc, "`" + Twine(isFlow ? "flow" : "bijection") + " " + item.name + "` must be a " +
                      categoryName(category) + ", found " + describe(value.data) + hint);
  return nullptr;
}

Value Evaluator::evaluate(const Expr &expr) {
  Value value;
  value.loc = expr.loc;
  value.data = Mistaken();
  // What would be made of more arrays is not worth its memory.
  if (diagnostics.isFull() || hasTooManyElements)
    return value;
  switch (expr.kind) {
  case Expr::Kind::Number:
    value.data = number(expr.number, expr.integral);
    break;
  case Expr::Kind::Word:
    value.data = evaluateWord(expr);
    break;
  case Expr::Kind::List:
    value.data = evaluateList(expr);
    break;
  case Expr::Kind::Call:
    value.data = evaluateCall(expr);
    break;
  }
  return value;
}

Value::Data Evaluator::evaluateWord(const Expr &expr) {
  if (expr.text == "none")
    return std::monostate();
  if (expr.text == "true" || expr.text == "false")
    return expr.text == "true";
  auto object = objects.find(expr.text);
  if (object != objects.end())
    return object->second;
  if (brokenNames.contains(expr.text))
    return Mistaken();
  return Word{expr.text};
}

static bool isMistaken(const Value &value) { return std::holds_alternative<Mistaken>(value.data); }

std::vector<Value> Evaluator::evaluateArguments(const Expr &expr) {
  std::vector<Value> values;
  values.reserve(expr.arguments.size());
  for (const ast::Argument &argument : expr.arguments)
    values.push_back(evaluate(argument.value));
  return values;
}

Value::Data Evaluator::evaluateList(const Expr &expr) {
  ArrayValue array;
  array.shape = {static_cast<int64_t>(expr.arguments.size())};
  auto isNumber = [](const ast::Argument &argument) { return argument.value.kind == Expr::Kind::Number; };
  if (llvm::all_of(expr.arguments, isNumber)) {
    array.init.values.reserve(expr.arguments.size());
    for (const ast::Argument &argument : expr.arguments) {
      array.init.values.push_back(argument.value.number);
      array.integral &= argument.value.integral;
    }
    return array;
  }

  std::vector<Value> elements = evaluateArguments(expr);
  for (Value &element : elements)
    if (const Word *word = std::get_if<Word>(&element.data)) {
      failUnknownName(word->text, element.loc);
      element.data = Mistaken();
    }
  if (llvm::any_of(elements, isMistaken))
    return Mistaken();
  for (const Value &element : elements)
    if (element.data.index() != elements[0].data.index()) {
      fail(element.loc, "the elements of a list are all numbers, all arrays or all objects: found " +
                            describe(element.data) + " after " + describe(elements[0].data));
      return Mistaken();
    }
  if (std::holds_alternative<NodePtr>(elements[0].data)) {
    NodeList nodes;
    for (const Value &element : elements)
      nodes.push_back(std::get<NodePtr>(element.data));
    return nodes;
  }
  if (std::holds_alternative<ArrayValue>(elements[0].data))
    return stackArrays(elements);
  if (std::holds_alternative<bool>(elements[0].data)) {
    array.isMask = true;
    for (const Value &element : elements)
      array.init.values.push_back(std::get<bool>(element.data));
    return array;
  }
  fail(elements[0].loc, "a list holds numbers, arrays or objects, found " + describe(elements[0].data));
  return Mistaken();
}

Value::Data Evaluator::stackArrays(const std::vector<Value> &elements) {
  constexpr size_t maxRank = 32;
  const ArrayValue &first = std::get<ArrayValue>(elements[0].data);
  ArrayValue array;
  array.shape = {static_cast<int64_t>(elements.size())};
  array.shape.insert(array.shape.end(), first.shape.begin(), first.shape.end());
  array.isMask = first.isMask;
  for (const Value &element : elements) {
    const ArrayValue &row = std::get<ArrayValue>(element.data);
    size_t mistakes = diagnostics.count();
    if (row.shape != first.shape || row.isMask != first.isMask)
      fail(element.loc, "the rows of an array have equal shapes: found " + describe(element.data) + " after " +
                            describe(elements[0].data));
    else if (row.init.kind != Init::Kind::Values)
      fail(element.loc, "a random array cannot be a row of another array");
    else if (array.shape.size() > maxRank)
      fail(element.loc, "arrays have at most " + Twine(maxRank) + " axes");
    else if (static_cast<int64_t>(array.init.values.size() + row.init.values.size()) > maxArrayElements)
      fail(element.loc, "arrays have at most " + Twine(maxArrayElements) + " elements");
    if (diagnostics.count() != mistakes)
      return Mistaken();
    array.init.values.insert(array.init.values.end(), row.init.values.begin(), row.init.values.end());
    array.integral &= row.integral;
  }
  return array;
}

const Constructor *Evaluator::resolve(const Expr &expr) {
  const Constructor *constructor = findConstructor(expr.text);
  if (constructor)
    return constructor;
  if (objects.contains(expr.text)) {
    fail(expr.loc, "`" + expr.text + "` is an object, not a constructor: write it without brackets");
    return nullptr;
  }
  if (llvm::any_of(file.items, [&](const Item &item) { return item.name == expr.text; })) {
    failUnknownName(expr.text, expr.loc);
    return nullptr;
  }
  if (llvm::is_contained(activationNames(), expr.text)) {
    fail(expr.loc, "`" + expr.text + "` is an activation: write it without brackets");
    return nullptr;
  }
  fail(expr.loc, "unknown constructor `" + expr.text.substr(0, 60) + "`" + suggestion(expr.text, knownNames()));
  return nullptr;
}

/// The names of the arguments of `constructor`.
static std::vector<StringRef> namesOf(const Constructor &constructor) {
  std::vector<StringRef> names;
  for (const Parameter &parameter : constructor.parameters)
    names.push_back(parameter.name);
  return names;
}

std::optional<size_t> Evaluator::findParameter(const Constructor &constructor, const Expr &expr, size_t position) {
  const ast::Argument &argument = expr.arguments[position];
  std::vector<StringRef> names = namesOf(constructor);
  std::string signature = llvm::join(names, ", ");
  size_t index = argument.name.empty() ? position : llvm::find(names, argument.name) - names.begin();
  if (index < names.size())
    return index;
  if (!argument.name.empty())
    fail(argument.nameLoc, "`" + expr.text + "` has no argument `" + argument.name.substr(0, 60) + "`" +
                               suggestion(argument.name, names) + " (its arguments: " + signature + ")");
  else if (position == names.size()) // those behind it are as many too many
    fail(argument.nameLoc, "`" + expr.text + "` takes at most " + Twine(names.size()) +
                               (names.size() == 1 ? " argument (" : " arguments (") + signature + ")");
  return std::nullopt;
}

bool Evaluator::bindArguments(const Constructor &constructor, const Expr &expr, std::vector<Value> &values) {
  const std::vector<Parameter> &parameters = constructor.parameters;
  std::vector<bool> given(parameters.size());
  values.assign(parameters.size(), Value());
  bool isRight = true;
  for (auto [position, value] : llvm::enumerate(evaluateArguments(expr))) {
    std::optional<size_t> index = findParameter(constructor, expr, position);
    isRight &= index && !isMistaken(value);
    if (!index)
      continue;
    if (given[*index]) {
      fail(expr.arguments[position].nameLoc,
           "the argument `" + parameters[*index].name + "` of `" + expr.text + "` is given twice");
      isRight = false;
    }
    given[*index] = true;
    values[*index] = std::move(value);
  }
  for (auto [index, parameter] : llvm::enumerate(parameters)) {
    if (given[index])
      continue;
    if (parameter.fallback) {
      values[index] = {*parameter.fallback, expr.loc};
      continue;
    }
    // One that has another name by mistake is not missing.
    if (isRight)
      fail(expr.loc, "`" + expr.text + "` needs its argument `" + parameter.name +
                         "` (its arguments: " + llvm::join(namesOf(constructor), ", ") + ")");
    isRight = false;
  }
  return isRight;
}

template <typename Build>
Value::Data Evaluator::makeCall(const Constructor &constructor, const Expr &expr, Build build) {
  std::vector<Value> values;
  if (!bindArguments(constructor, expr, values))
    return Mistaken();
  Call call(*this, constructor, expr.loc, std::move(values));
  Value::Data result = build(call);
  if (auto *array = std::get_if<ArrayValue>(&result);
      array && !call.failed() && !addElements(array->init.values.size(), expr.loc))
    return Mistaken();
  return call.failed() ? Value::Data(Mistaken()) : result;
}

Value::Data Evaluator::evaluateCall(const Expr &expr) {
  if (auto formula = formulas.find(expr.text); formula != formulas.end()) {
    return makeCall(getFormulaConstructor(expr.text), expr,
                    [&](Call &call) { return makeFormula(call, formula->second, call.shape("shape")); });
  }
  bool isBroken = brokenNames.contains(expr.text) && !findConstructor(expr.text);
  if (const Constructor *constructor = isBroken ? nullptr : resolve(expr))
    return makeCall(*constructor, expr, constructor->build);
  evaluateArguments(expr);
  return Mistaken();
}

} // namespace flowc
