//===- Call.cpp - Arguments of one call -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cassert>
#include <cmath>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

Value::Data number(double value, bool integral) {
  ArrayValue array;
  array.init.values = {value};
  array.integral = integral;
  return array;
}

Value::Data scalarShape() {
  ArrayValue empty;
  empty.shape = {0};
  return empty;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

void Call::failAt(llvm::SMLoc where, const Twine &message) {
  if (!hasFailed)
    evaluator.fail(where, message);
  hasFailed = true;
}

void Call::fail(const Twine &message) { failAt(loc, message); }

void Call::failAt(StringRef argument, const Twine &message) { failAt(value(argument).loc, message); }

void Call::failKind(StringRef argument, StringRef expected) {
  const Value &found = value(argument);
  if (const Word *word = std::get_if<Word>(&found.data); word && !hasFailed) {
    evaluator.failUnknownName(word->text, found.loc);
    hasFailed = true;
  }
  failAt(argument, "`" + argument + "` of `" + name() + "` must be " + expected + ", found " + describe(found.data));
}

const Value &Call::value(StringRef argument) const {
  const auto &parameters = constructor.parameters;
  auto found = llvm::find_if(parameters, [&](const Parameter &parameter) { return parameter.name == argument; });
  assert(found != parameters.end() && "undeclared argument");
  return values[found - parameters.begin()];
}

//===----------------------------------------------------------------------===//
// Numbers, flags and names
//===----------------------------------------------------------------------===//

bool Call::has(StringRef argument) const { return !std::holds_alternative<std::monostate>(value(argument).data); }

int64_t Call::integer(StringRef argument, int64_t least, int64_t most) {
  const ArrayValue *array = std::get_if<ArrayValue>(&value(argument).data);
  if (!array || !array->shape.empty() || array->init.kind != Init::Kind::Values) {
    failKind(argument, "a whole number");
    return least;
  }
  double given = array->init.values[0];
  if (given != std::floor(given)) {
    failKind(argument, "a whole number");
    return least;
  }
  if (given < double(least) || given > double(most)) {
    std::string bound = given < double(least) ? "at least " + std::to_string(least) : "at most " + std::to_string(most);
    failKind(argument, bound);
    return least;
  }
  return static_cast<int64_t>(given);
}

std::optional<int64_t> Call::optionalInteger(StringRef argument, int64_t least, int64_t most) {
  if (!has(argument))
    return std::nullopt;
  return integer(argument, least, most);
}

double Call::real(StringRef argument) {
  const ArrayValue *array = std::get_if<ArrayValue>(&value(argument).data);
  if (array && array->shape.empty() && array->init.kind == Init::Kind::Values)
    return array->init.values[0];
  failKind(argument, "a number");
  return 0;
}

bool Call::boolean(StringRef argument) {
  if (const bool *flag = std::get_if<bool>(&value(argument).data))
    return *flag;
  failKind(argument, "`true` or `false`");
  return false;
}

bool Call::isName(StringRef argument) const { return std::holds_alternative<Word>(value(argument).data); }

std::string Call::activation(StringRef argument) {
  const Value &given = value(argument);
  if (const Word *word = std::get_if<Word>(&given.data)) {
    if (llvm::is_contained(activationNames(), word->text))
      return word->text.str();
    failAt(argument, "unknown activation `" + word->text.substr(0, 60) + "`" +
                         suggestion(word->text, activationNames()) +
                         " (activations: " + llvm::join(activationNames(), ", ") + ")");
    return {};
  }
  const NodePtr *node = std::get_if<NodePtr>(&given.data);
  if (node && llvm::is_contained(activationNames(), (*node)->kind))
    failAt(argument, "`" + argument + "` is a function: write `" + (*node)->kind + "` without brackets");
  else
    failKind(argument, "the name of an activation");
  return {};
}

std::string Call::word(StringRef argument) {
  if (const Word *word = std::get_if<Word>(&value(argument).data))
    return word->text.str();
  failKind(argument, "the name of a function");
  return {};
}

//===----------------------------------------------------------------------===//
// Arrays and shapes
//===----------------------------------------------------------------------===//

ArrayValue Call::array(StringRef argument, StringRef expected) {
  const ArrayValue *array = std::get_if<ArrayValue>(&value(argument).data);
  if (!array) {
    failKind(argument, expected);
    return {};
  }
  if (llvm::is_contained(array->shape, 0)) {
    failAt(argument, "`" + argument + "` of `" + name() + "` has no elements");
    return {};
  }
  if (array->init.kind == Init::Kind::Shuffled || array->isMask) {
    failKind(argument, expected);
    return {};
  }
  return *array;
}

std::variant<SliceValue, ArrayValue> Call::indices(StringRef argument) {
  const Value::Data &data = value(argument).data;
  if (const SliceValue *slice = std::get_if<SliceValue>(&data))
    return *slice;
  const ArrayValue *array = std::get_if<ArrayValue>(&data);
  if (array && array->init.kind == Init::Kind::Values && !llvm::is_contained(array->shape, 0))
    return *array;
  failKind(argument, "a whole number, an array of them, an array of `true` and `false`, or `slice(start, stop)`");
  return {};
}

std::optional<int64_t> Call::shuffledSize(StringRef argument) const {
  const ArrayValue *array = std::get_if<ArrayValue>(&value(argument).data);
  if (array && array->init.kind == Init::Kind::Shuffled)
    return array->shape[0];
  return std::nullopt;
}

ArrayValue Call::positiveArray(StringRef argument) {
  ArrayValue result = array(argument);
  if (result.init.kind != Init::Kind::Values)
    failAt(argument, "`" + argument + "` of `" + name() + "` must be positive: a random array can have any sign");
  for (auto [index, entry] : llvm::enumerate(result.init.values)) {
    if (entry > 0)
      continue;
    std::string where = result.shape.empty() ? "" : " at index " + std::to_string(index);
    failAt(argument, "`" + argument + "` of `" + name() + "` must be positive, found " + formatNumber(entry) + where);
    break;
  }
  return result;
}

Shape Call::checkShape(StringRef argument, const ArrayValue &array) {
  constexpr size_t maxRank = 32;
  if (array.init.values.size() > maxRank) {
    failAt(argument, "a shape has at most " + Twine(maxRank) + " sizes");
    return {};
  }
  Shape result;
  double elements = 1;
  for (double size : array.init.values) {
    if (size != std::floor(size) || size < 1) {
      failAt(argument, "the sizes of a shape are whole numbers from 1, found " + formatNumber(size));
      return {};
    }
    elements *= size;
    if (elements > double(maxArrayElements)) {
      failAt(argument, "`" + argument + "` of `" + name() + "` has more than " + Twine(maxArrayElements) + " elements");
      return {};
    }
    result.push_back(static_cast<int64_t>(size));
  }
  return result;
}

Shape Call::shape(StringRef argument) {
  const ArrayValue *array = std::get_if<ArrayValue>(&value(argument).data);
  if (array && array->shape.size() == 1 && array->init.kind == Init::Kind::Values && !array->isMask)
    return checkShape(argument, *array);
  if (array && array->shape.empty() && array->init.kind == Init::Kind::Values)
    failAt(argument, "`" + argument + "` of `" + name() + "` is a shape: write `[" +
                         formatNumber(array->init.values[0]) + "]` for a vector, `[]` for a scalar");
  else
    failKind(argument, "a shape such as [3]");
  return {};
}

Shape Call::shapeOrSize(StringRef argument) {
  const ArrayValue *array = std::get_if<ArrayValue>(&value(argument).data);
  if (array && array->shape.empty() && array->init.kind == Init::Kind::Values)
    return checkShape(argument, *array);
  return shape(argument);
}

//===----------------------------------------------------------------------===//
// Objects
//===----------------------------------------------------------------------===//

NodePtr Call::nodeOf(StringRef argument, Node::Category category) {
  const NodePtr *node = std::get_if<NodePtr>(&value(argument).data);
  if (node && (*node)->category == category)
    return *node;
  failKind(argument, category == Node::Category::Bijection ? "a bijection" : "a distribution");
  return nullptr;
}

NodePtr Call::node(StringRef argument, StringRef expected) {
  if (const NodePtr *node = std::get_if<NodePtr>(&value(argument).data))
    return *node;
  failKind(argument, expected);
  return nullptr;
}

NodePtr Call::bijection(StringRef argument) { return nodeOf(argument, Node::Category::Bijection); }

NodePtr Call::distribution(StringRef argument) { return nodeOf(argument, Node::Category::Distribution); }

bool Call::isList(StringRef argument) const {
  const Value::Data &data = value(argument).data;
  const ArrayValue *array = std::get_if<ArrayValue>(&data);
  return std::holds_alternative<NodeList>(data) || (array && array->shape == Shape{0});
}

NodeList Call::listOf(StringRef argument, Node::Category category, StringRef example) {
  StringRef kind = category == Node::Category::Bijection ? "bijection" : "distribution";
  if (!isList(argument)) {
    failKind(argument, ("a list of " + kind + "s such as " + example).str());
    return {};
  }
  const NodeList *nodes = std::get_if<NodeList>(&value(argument).data);
  if (!nodes) {
    failAt(argument, "`" + argument + "` of `" + name() + "` needs at least one " + kind);
    return {};
  }
  for (auto [index, node] : llvm::enumerate(*nodes)) {
    if (node->category == category)
      continue;
    failAt(argument, "`" + argument + "` of `" + name() + "` must be " + kind + "s, found " + describe(*node) +
                         " at index " + Twine(index));
    return {};
  }
  return *nodes;
}

NodeList Call::bijections(StringRef argument) {
  return listOf(argument, Node::Category::Bijection, "[affine(), tanh()]");
}

NodeList Call::distributions(StringRef argument) {
  return listOf(argument, Node::Category::Distribution, "[normal(-1), normal(1)]");
}

std::shared_ptr<Node> Call::makeNode(Node::Category category, StringRef kind, Shape shape,
                                     std::optional<Shape> condShape) const {
  auto node = std::make_shared<Node>();
  node->category = category;
  node->kind = kind.str();
  node->location = evaluator.locate(loc);
  node->shape = std::move(shape);
  node->condShape = std::move(condShape);
  return node;
}

NodePtr Call::finish(std::shared_ptr<Node> node) {
  hasFailed = hasFailed || !evaluator.checkSize(*node, loc);
  if (hasFailed)
    return nullptr;
  return node;
}

std::optional<Shape> mergeCondShapes(Call &call, llvm::ArrayRef<NodePtr> parts) {
  std::optional<Shape> merged;
  const Node *conditional = nullptr;
  for (const NodePtr &part : parts) {
    if (!part->condShape)
      continue;
    if (!merged) {
      merged = part->condShape;
      conditional = part.get();
    } else if (*merged != *part->condShape) {
      call.fail("the parts of `" + call.name() + "` must take conditions of one shape: " + describe(*conditional) +
                " takes " + formatShape(*merged) + ", " + describe(*part) + " takes " + formatShape(*part->condShape));
      break;
    }
  }
  return merged;
}

} // namespace flowc
