//===- ConstructorsFlows.cpp - FlowJAX's premade flows --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"

namespace flowc {

/// FlowJAX's `_affine_with_min_scale`, the transformer of flows that name none:
/// the identity, with scales that stay above 0.01.
static NodePtr makeDefaultTransformer(Call &call) {
  ArrayValue zero = std::get<ArrayValue>(number(0)), one = std::get<ArrayValue>(number(1));
  return makeAffine(call, zero, one, /*minScale=*/0.01);
}

/// FlowJAX's `_add_default_permute`: a layer followed by a permutation.
static NodePtr addPermutation(Call &call, const NodePtr &bijection) {
  if (call.failed() || bijection->shape == Shape{1})
    return bijection;
  int64_t dim = bijection->shape[0];
  NodePtr permutation =
      dim == 2 ? makeShaped(call, Node::Category::Bijection, "flip", bijection->shape) : makeShuffledPermute(call, dim);
  return makeChain(call, {bijection, permutation});
}

/// The base transformed by `flow_layers` copies of a layer.
static NodePtr makeFlow(Call &call, const NodePtr &base, const NodePtr &layer) {
  constexpr int64_t maxLayers = 1000000;
  NodePtr bijection = makeScan(call, addPermutation(call, layer), call.integer("flow_layers", 1, maxLayers));
  if (call.boolean("invert"))
    bijection = makeInvert(call, bijection);
  return makeTransformed(call, base, bijection);
}

/// `base_dist`, which must be a distribution over vectors.
static NodePtr readBase(Call &call) {
  NodePtr base = call.distribution("base_dist");
  if (base && base->shape.size() != 1)
    call.failAt("base_dist", "`base_dist` of `" + call.name() + "` must be over vectors, a shape such as [3]; " +
                                 describe(*base) + " has shape " + formatShape(base->shape));
  return base;
}

/// The options of a layer with a conditioner, from the flow's arguments.
static ConditionerOptions readOptions(Call &call, const NodePtr &base) {
  ConditionerOptions options;
  options.transformer = call.has("transformer") ? call.bijection("transformer") : makeDefaultTransformer(call);
  options.condDim = call.optionalInteger("cond_dim");
  options.width = call.integer("nn_width");
  options.depth = call.integer("nn_depth", 0, maxNetworkDepth);
  options.activation = call.activation("nn_activation");
  if (!call.failed())
    options.dim = base->shape[0];
  return options;
}

static Value::Data buildCouplingFlow(Call &call) {
  NodePtr base = readBase(call);
  ConditionerOptions options = readOptions(call, base);
  return makeFlow(call, base, makeCoupling(call, options, options.dim / 2));
}

static Value::Data buildMaskedAutoregressiveFlow(Call &call) {
  NodePtr base = readBase(call);
  return makeFlow(call, base, makeMaskedAutoregressive(call, readOptions(call, base)));
}

llvm::ArrayRef<Constructor> flowConstructors() {
  static const std::vector<Parameter> conditionerFlow = {{"base_dist"},
                                                         {"transformer", std::monostate()},
                                                         {"cond_dim", std::monostate()},
                                                         {"flow_layers", number(8)},
                                                         {"nn_width", number(50)},
                                                         {"nn_depth", number(1)},
                                                         {"nn_activation", Word{"relu"}},
                                                         {"invert", true}};
  static const std::vector<Constructor> table = {
      {"coupling_flow", conditionerFlow, buildCouplingFlow},
      {"masked_autoregressive_flow", conditionerFlow, buildMaskedAutoregressiveFlow},
  };
  return table;
}

} // namespace flowc
