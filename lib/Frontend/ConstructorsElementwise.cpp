//===- ConstructorsElementwise.cpp - Elementwise bijections ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constructors of the classes that FlowElementwise.td defines.
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "Elementwise.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

namespace flowc {

namespace elementwise {

#define GET_ElementwiseTable_IMPL
#include "flowc/Dialect/Flow/IR/ElementwiseTable.inc"

llvm::ArrayRef<ElementwiseClass> getClasses() { return ElementwiseTable; }

const ElementwiseClass *findClass(llvm::StringRef name) {
  const auto *found = llvm::find_if(getClasses(), [&](const ElementwiseClass &entry) { return entry.name == name; });
  return found == getClasses().end() ? nullptr : found;
}

} // namespace elementwise

using elementwise::Domain;
using elementwise::Field;

static bool hasTrainedFields(const elementwise::ElementwiseClass &entry) {
  return llvm::any_of(entry.fields(), [](const Field &field) { return field.kind == Field::Kind::Trained; });
}

/// Reads an argument that is a number of the field's domain.
static double readNumber(Call &call, const Field &field) {
  double value = call.real(field.name);
  auto check = [&](bool isInDomain, llvm::StringRef domain) {
    if (!isInDomain && !call.failed())
      call.failAt(field.name,
                  "`" + field.name + "` of `" + call.name() + "` must " + domain + ", found " + formatNumber(value));
  };
  if (field.domain == Domain::Positive)
    check(value > 0, "be positive");
  if (field.domain == Domain::NonZero)
    check(value != 0, "not be 0");
  if (field.domain == Domain::Exponent)
    check(value > 0 && value <= 80, "be positive and at most 80");
  return value;
}

/// An object of the class with these numbers and, by name, arrays.
static NodePtr makeObject(Call &call, const elementwise::ElementwiseClass &entry, elementwise::Numbers numbers,
                          const llvm::StringMap<ArrayValue> &arrays, const Shape &shape) {
  auto node = call.makeNode(Node::Category::Bijection, entry.name, shape);
  size_t next = 0;
  for (const Field &field : entry.fields()) {
    std::string name = field.name.str();
    switch (field.kind) {
    case Field::Kind::None:
      break;
    case Field::Kind::Shape:
      addShapes(*node);
      break;
    case Field::Kind::Number:
      node->attributes[name] = numbers[next];
      node->fields.push_back(numberLeaf(name, numbers[next++], Leaf::Type::Float));
      break;
    case Field::Kind::Derived:
      node->fields.push_back(numberLeaf(name, field.derive(numbers), Leaf::Type::Float));
      break;
    case Field::Kind::Trained: {
      ArrayValue array = arrays.lookup(name);
      if (field.domain == Domain::Positive)
        node->fields.push_back(trainableLeaf(name + ".args[0]", rawScale(array, /*minScale=*/0)));
      else
        node->fields.push_back(trainableLeaf(name, array));
      break;
    }
    }
  }
  return call.finish(node);
}

static Value::Data buildElementwise(Call &call) {
  const elementwise::ElementwiseClass &entry = *elementwise::findClass(call.name());
  std::vector<double> numbers;
  std::vector<NamedArray> arrays;
  for (const Field &field : entry.fields()) {
    if (field.kind == Field::Kind::Number)
      numbers.push_back(readNumber(call, field));
    if (field.kind == Field::Kind::Trained)
      arrays.push_back(
          {field.name, field.domain == Domain::Positive ? call.positiveArray(field.name) : call.array(field.name)});
  }
  std::optional<Shape> shape = arrays.empty() ? call.shape("shape") : broadcastAll(call, arrays);
  if (call.failed())
    return {};
  llvm::StringMap<ArrayValue> byName;
  for (NamedArray &array : arrays)
    byName[array.name] = std::move(array.value);
  return makeObject(call, entry, numbers, byName, *shape);
}

NodePtr makeElementwise(Call &call, llvm::StringRef kind, llvm::ArrayRef<double> numbers, const Shape &shape) {
  if (call.failed())
    return nullptr;
  return makeObject(call, *elementwise::findClass(kind), numbers, {}, shape);
}

llvm::ArrayRef<Constructor> elementwiseConstructors() {
  static const std::vector<Constructor> table = [] {
    std::vector<Constructor> result;
    for (const elementwise::ElementwiseClass &entry : elementwise::getClasses()) {
      Constructor constructor{entry.name, {}, buildElementwise, entry.summary};
      for (const Field &field : entry.fields()) {
        if (field.kind == Field::Kind::Number || field.kind == Field::Kind::Trained)
          constructor.parameters.push_back(
              {field.name, field.fallback ? std::optional(number(*field.fallback)) : std::nullopt});
        else if (field.kind == Field::Kind::Shape && !hasTrainedFields(entry))
          constructor.parameters.push_back({field.name, scalarShape()});
      }
      result.push_back(std::move(constructor));
    }
    return result;
  }();
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// The numbers of an object, in the order of its fields; NaN for those that can move.
static std::vector<double> getNumbers(const elementwise::ElementwiseClass &entry, const RangeStep &step) {
  std::vector<double> numbers;
  for (const Field &field : entry.fields()) {
    std::string name = field.name.str();
    if (field.kind == Field::Kind::Number)
      numbers.push_back(step.node.attribute<double>(name));
    if (field.kind == Field::Kind::Trained)
      numbers.push_back(field.domain == Domain::Positive ? softplus(getFixedNumber(step, name + ".args[0]"))
                                                         : getFixedNumber(step, name));
  }
  return numbers;
}

static void moveThroughElements(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  const elementwise::ElementwiseClass &entry = *elementwise::findClass(step.node.kind);
  moveThrough(entry.behaviour.map, getNumbers(entry, step), tracer, step, ranges);
}

static bool elementsFall(const Node &node) {
  const elementwise::ElementwiseClass &entry = *elementwise::findClass(node.kind);
  return entry.behaviour.falls && entry.behaviour.falls(getNumbers(entry, {node}));
}

static std::vector<NodeKind> makeElementwiseKinds() {
  std::vector<NodeKind> kinds;
  for (const elementwise::ElementwiseClass &entry : elementwise::getClasses())
    kinds.push_back({.name = entry.name,
                     .reach = Reach::Elements,
                     .isAffine = entry.behaviour.isAffine,
                     .squashes = entry.behaviour.squashes,
                     .keepsValues = entry.behaviour.keepsValues,
                     .moveRanges = moveThroughElements,
                     .falls = elementsFall});
  return kinds;
}

llvm::ArrayRef<const NodeKind *> elementwiseKinds() {
  static const std::vector<NodeKind> kinds = makeElementwiseKinds();
  static const std::vector<const NodeKind *> pointers = [] {
    std::vector<const NodeKind *> result;
    for (const NodeKind &kind : kinds)
      result.push_back(&kind);
    return result;
  }();
  return pointers;
}

} // namespace flowc
