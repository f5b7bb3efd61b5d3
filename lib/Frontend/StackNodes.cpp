//===- StackNodes.cpp - Equal bijections as one ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `scan([b1, b2])` is FlowJAX's `Scan` of one bijection whose arrays hold those
// of b1 and b2 after each other, and `vmap([b1, b2])` likewise. The bijections must
// agree in everything else.
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc {

using llvm::Twine;

namespace {

class Stacker {
public:
  Stacker(Call &call, llvm::StringRef argument, llvm::StringRef what) : call(call), argument(argument), what(what) {}

  /// Copies at one place of all bijections; `inner` is the product of the
  /// scans inside the bijections around this place.
  NodePtr stack(const NodeList &copies, const std::string &path, int64_t inner);

private:
  bool matches(const Node &first, const Node &other, size_t index, const std::string &path);
  bool stackLeaf(Leaf &result, const NodeList &copies, size_t field, const std::string &path, int64_t inner);
  bool fail(const std::string &path, size_t index, const Twine &difference) {
    std::string place = path.empty() ? "" : " at " + path;
    call.failAt(argument, "the " + what + " of `" + call.name() + "` must have equal structure: number 0 and number " +
                              Twine(index) + " differ" + place + ": " + difference);
    return false;
  }

  Call &call;
  llvm::StringRef argument;
  /// What is stacked, for messages.
  llvm::StringRef what;
};

} // namespace

static const Leaf *leafAt(const NodePtr &node, size_t field) { return std::get_if<Leaf>(&node->fields[field]); }

static const Child *childAt(const NodePtr &node, size_t field) { return std::get_if<Child>(&node->fields[field]); }

/// Whether two hidden nodes are the same in every value: they are no
/// parameters, so that a scan cannot hold different ones.
static bool isSame(const Node &a, const Node &b) {
  if (a.kind != b.kind || a.attributes != b.attributes || a.fields.size() != b.fields.size())
    return false;
  auto [leavesA, leavesB] = std::pair(flattenLeaves(a), flattenLeaves(b));
  return llvm::equal(leavesA, leavesB, [](const PlacedLeaf &leafA, const PlacedLeaf &leafB) {
    return leafA.path == leafB.path && leafA.shape == leafB.shape && leafA.values == leafB.values &&
           leafA.leaf->kind == leafB.leaf->kind && leafA.owner->kind == leafB.owner->kind &&
           leafA.owner->attributes == leafB.owner->attributes;
  });
}

bool Stacker::matches(const Node &first, const Node &other, size_t index, const std::string &path) {
  if (first.kind != other.kind)
    return fail(path, index, describe(first) + " and " + describe(other));
  if (first.shape != other.shape)
    return fail(path, index, "shapes " + formatShape(first.shape) + " and " + formatShape(other.shape));
  if (first.condShape != other.condShape)
    return fail(path, index, "the shapes of their conditions");
  if (first.stack != other.stack || first.fields.size() != other.fields.size())
    return fail(path, index, "the number of their parts");
  for (const auto &[a, b] : {std::pair(&first, &other), std::pair(&other, &first)})
    for (const auto &[name, value] : a->attributes)
      if (auto found = b->attributes.find(name); found == b->attributes.end() || found->second != value)
        return fail(path, index, "the `" + name + "` of " + describe(first));
  for (auto [a, b] : llvm::zip_equal(first.hidden, other.hidden))
    if (!isSame(*a.node, *b.node))
      return fail(path, index, "the `" + a.path + "` of " + describe(first));
  return true;
}

bool Stacker::stackLeaf(Leaf &result, const NodeList &copies, size_t field, const std::string &path, int64_t inner) {
  std::string place = path + "." + result.path;
  bool anyDiffers = false;
  for (auto [index, copy] : llvm::enumerate(copies)) {
    const Leaf *leaf = leafAt(copy, field);
    if (!leaf)
      return fail(place, index, "one is a number, the other " + describe(*childAt(copy, field)->node));
    if (leaf->path != result.path || leaf->kind != result.kind)
      return fail(place, index, "one is trainable, the other is not");
    if (leaf->shape != result.shape)
      return fail(place, index, "shapes " + formatShape(result.shape) + " and " + formatShape(leaf->shape));
    if (leaf->init.kind != result.init.kind || leaf->init.scale != result.init.scale ||
        leaf->init.offset != result.init.offset)
      return fail(place, index, "how they are initialised");
    anyDiffers |= leaf->init.values != result.init.values;
  }
  if (!anyDiffers)
    return true;
  if (!result.isArray) {
    auto differs = [&](const NodePtr &copy) { return leafAt(copy, field)->init.values != result.init.values; };
    size_t index = llvm::find_if(copies, differs) - copies.begin();
    return fail(place, index,
                formatNumber(result.init.values[0]) + " and " +
                    formatNumber(leafAt(copies[index], field)->init.values[0]));
  }
  int64_t count = numElements(result.shape) * inner;
  result.init.values.clear();
  for (const NodePtr &copy : copies) {
    const std::vector<double> &values = leafAt(copy, field)->init.values;
    for (int64_t i = 0; i < count; ++i)
      result.init.values.push_back(values[i % values.size()]);
  }
  return true;
}

NodePtr Stacker::stack(const NodeList &copies, const std::string &path, int64_t inner) {
  for (auto [index, copy] : llvm::enumerate(copies))
    if (!matches(*copies[0], *copy, index, path))
      return nullptr;
  auto result = std::make_shared<Node>(*copies[0]);
  for (auto [index, field] : llvm::enumerate(result->fields)) {
    if (Leaf *leaf = std::get_if<Leaf>(&field)) {
      if (!stackLeaf(*leaf, copies, index, path, inner))
        return nullptr;
      continue;
    }
    Child &child = std::get<Child>(field);
    NodeList children;
    for (auto [number, copy] : llvm::enumerate(copies)) {
      const Child *other = childAt(copy, index);
      if (!other) {
        fail(path + "." + child.path, number, "one is " + describe(*child.node) + ", the other a number");
        return nullptr;
      }
      children.push_back(other->node);
    }
    child.node = stack(children, path + "." + child.path, inner * std::max<int64_t>(1, result->stack));
    if (!child.node)
      return nullptr;
  }
  return call.finish(result);
}

NodePtr stackNodes(Call &call, llvm::StringRef argument, const NodeList &nodes) {
  if (call.failed())
    return nullptr;
  bool areBijections = nodes[0]->category == Node::Category::Bijection;
  return Stacker(call, argument, areBijections ? "bijections" : "distributions").stack(nodes, "", 1);
}

} // namespace flowc
