//===- ConstructorsDistributions.cpp - Distributions ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"

namespace flowc {

NodePtr makeTransformed(Call &call, const NodePtr &base, const NodePtr &bijection) {
  if (call.failed())
    return nullptr;
  if (base->shape != bijection->shape) {
    call.fail("the shapes of `base_dist` and `bijection` differ: " + describe(*base) + " has shape " +
              formatShape(base->shape) + ", " + describe(*bijection) + " has shape " + formatShape(bijection->shape));
    return nullptr;
  }
  auto node =
      call.makeNode(Node::Category::Distribution, "transformed", base->shape, mergeCondShapes(call, {base, bijection}));
  node->fields.push_back(Child{"base_dist", base});
  node->fields.push_back(Child{"bijection", bijection});
  return call.finish(node);
}

static Value::Data buildStandardNormal(Call &call) {
  return makeShaped(call, Node::Category::Distribution, "standard_normal", call.shape("shape"));
}

static Value::Data buildNormal(Call &call) {
  ArrayValue loc = call.array("loc"), scale = call.positiveArray("scale");
  NodePtr affine = makeAffine(call, loc, scale, /*minScale=*/0);
  if (!affine)
    return {};
  auto node = call.makeNode(Node::Category::Distribution, "normal", affine->shape);
  NodePtr base = makeShaped(call, Node::Category::Distribution, "standard_normal", affine->shape);
  node->fields.push_back(Child{"base_dist", base});
  node->fields.push_back(Child{"bijection", affine});
  return call.finish(node);
}

static Value::Data buildTransformed(Call &call) {
  NodePtr base = call.distribution("base_dist"), bijection = call.bijection("bijection");
  return makeTransformed(call, base, bijection);
}

llvm::ArrayRef<Constructor> distributionConstructors() {
  static const std::vector<Constructor> table = {
      {"standard_normal", {{"shape", scalarShape()}}, buildStandardNormal},
      {"normal", {{"loc", number(0)}, {"scale", number(1)}}, buildNormal},
      {"transformed", {{"base_dist"}, {"bijection"}}, buildTransformed},
  };
  return table;
}

} // namespace flowc
