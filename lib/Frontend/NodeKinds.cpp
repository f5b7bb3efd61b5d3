//===- NodeKinds.cpp - What is known of a kind of node --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeKinds.h"

#include "flowc/Frontend/Base.h"

#include "llvm/ADT/StringMap.h"

namespace flowc {

using llvm::ArrayRef;

//===----------------------------------------------------------------------===//
// The tables
//===----------------------------------------------------------------------===//

ArrayRef<const NodeKind *> allKinds() {
  static const std::vector<const NodeKind *> kinds = [] {
    std::vector<const NodeKind *> all;
    for (ArrayRef<const NodeKind *> table :
         {bijectionKinds(), elementwiseKinds(), formulaKinds(), linearKinds(), combinatorKinds(), partKinds(),
          inverseKinds(), networkKinds(), blockKinds(), conditionerKinds(), distributionKinds()})
      all.insert(all.end(), table.begin(), table.end());
    return all;
  }();
  return kinds;
}

const NodeKind &getKind(const Node &node) {
  static const llvm::StringMap<const NodeKind *> byName = [] {
    llvm::StringMap<const NodeKind *> map;
    for (const NodeKind *kind : allKinds())
      map[kind->name] = kind;
    return map;
  }();
  static constexpr NodeKind other = {};
  const NodeKind *kind = byName.lookup(node.kind);
  return kind ? *kind : other;
}

bool hasStandardNormalBase(const Node &distribution) {
  return &getKind(getInnermostBase(distribution)) == &standardNormalKind;
}

//===----------------------------------------------------------------------===//
// Children
//===----------------------------------------------------------------------===//

std::vector<NodePtr> getChildren(const Node &node) {
  std::vector<NodePtr> children;
  for (const auto &field : node.fields)
    if (const Child *child = std::get_if<Child>(&field))
      children.push_back(child->node);
  return children;
}

NodePtr findChild(const Node &node, llvm::StringRef path) {
  for (const auto &field : node.fields)
    if (const Child *child = std::get_if<Child>(&field); child && child->path == path)
      return child->node;
  return nullptr;
}

std::vector<Step> stepThroughPart(const Node &node) { return {{findChild(node, "bijection")}}; }

bool isFalling(const Node &bijection) {
  if (auto falls = getKind(bijection).falls)
    return falls(bijection);
  bool result = false;
  for (const NodePtr &part : getChildren(bijection))
    result ^= isFalling(*part);
  return result;
}

} // namespace flowc
