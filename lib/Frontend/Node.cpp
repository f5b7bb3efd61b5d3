//===- Node.cpp - A constructed flow or bijection -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Base.h"

#include "NodeKinds.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace flowc {

const Leaf &Node::leaf(const std::string &path) const {
  for (const auto &field : fields)
    if (const Leaf *leaf = std::get_if<Leaf>(&field); leaf && (leaf->path == path || leaf->path == path + ".tree"))
      return *leaf;
  assert(false && "no such leaf");
  __builtin_unreachable();
}

/// Whether the child at `index` has this path.
static bool isChild(const Node &node, size_t index, const std::string &path) {
  const Child *child = index < node.fields.size() ? std::get_if<Child>(&node.fields[index]) : nullptr;
  return child && child->path == path;
}

/// How far behind the first element of its list a path like `bijections[3]` is: 3.
static size_t getPlaceInList(const std::string &path) {
  size_t bracket = path.rfind('[');
  return bracket == std::string::npos ? 0 : std::strtoull(path.c_str() + bracket + 1, nullptr, 10);
}

const Node &Node::child(const std::string &path) const {
  // Elements of a list stand in a row: long ones are not searched from the front.
  size_t skipped = getPlaceInList(path);
  for (size_t i = 0; i < fields.size(); ++i)
    for (size_t index : {i + skipped, i})
      if (isChild(*this, index, path))
        return *std::get<Child>(fields[index]).node;
  for (const Child &child : hidden)
    if (child.path == path)
      return *child.node;
  assert(false && "no such child");
  __builtin_unreachable();
}

/// The entries of `init.values`, repeated to `count`.
static std::vector<double> repeatValues(const std::vector<double> &values, int64_t count) {
  if (static_cast<int64_t>(values.size()) == count)
    return values;
  std::vector<double> result;
  result.reserve(count);
  while (static_cast<int64_t>(result.size()) < count)
    result.insert(result.end(), values.begin(), values.end());
  return result;
}

namespace {

class Flattener {
public:
  explicit Flattener(bool withValues) : withValues(withValues) {}

  void visit(const Node &node, const std::string &path);
  std::vector<PlacedLeaf> leaves;

private:
  void place(const Node &owner, const Leaf &leaf, const std::string &path);

  bool withValues;
  /// Sizes of the enclosing scans and vmaps, outermost first.
  Shape stacks;
};

} // namespace

void Flattener::place(const Node &owner, const Leaf &leaf, const std::string &path) {
  PlacedLeaf placed;
  placed.path = path + "." + leaf.path;
  placed.leaf = &leaf;
  placed.owner = &owner;
  if (leaf.isArray)
    placed.shape = stacks;
  placed.shape.insert(placed.shape.end(), leaf.shape.begin(), leaf.shape.end());
  if (withValues && leaf.init.kind == Init::Kind::Values && !leaf.init.values.empty())
    placed.values = repeatValues(leaf.init.values, numElements(placed.shape));
  leaves.push_back(std::move(placed));
}

void Flattener::visit(const Node &node, const std::string &path) {
  for (const auto &field : node.fields) {
    if (const Leaf *leaf = std::get_if<Leaf>(&field)) {
      place(node, *leaf, path);
      continue;
    }
    const Child &child = std::get<Child>(field);
    if (node.stack)
      stacks.push_back(node.stack);
    visit(*child.node, path + "." + child.path);
    if (node.stack)
      stacks.pop_back();
  }
}

std::vector<PlacedLeaf> flattenLeaves(const Node &root, bool withValues) {
  Flattener flattener(withValues);
  flattener.visit(root, "");
  return std::move(flattener.leaves);
}

//===----------------------------------------------------------------------===//
// Base distributions
//===----------------------------------------------------------------------===//

const Node *findBase(const Node &distribution) { return findChild(distribution, "base_dist").get(); }

const Node &getInnermostBase(const Node &distribution) {
  const Node *node = &distribution;
  while (const Node *base = findBase(*node))
    node = base;
  return *node;
}

bool hasIndependentCoordinates(const Node &innermostBase) {
  return std::ranges::none_of(innermostBase.fields,
                              [](const auto &field) { return std::holds_alternative<Child>(field); });
}

} // namespace flowc
