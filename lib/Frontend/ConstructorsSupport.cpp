//===- ConstructorsSupport.cpp - Flows with a part more or less ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `unconstrained(q)` and `support_map(q)`: the two parts of a flow whose outermost
// bijections map onto its support. Training puts the units of data between them.
// `after_base(q, b)`: a flow with one bijection more where it begins.
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "flowc/Frontend/Support.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc {

/// The flow that is the argument, taken apart; nothing once the call has failed.
static std::optional<SupportSplit> splitArgument(Call &call) {
  NodePtr flow = call.distribution("flow");
  if (call.failed())
    return std::nullopt;
  std::optional<SupportSplit> split = splitSupport(flow);
  if (!split)
    call.failAt("flow", "`" + call.name() + "` needs a flow over all real numbers, or one whose last bijections map " +
                            "all real numbers onto its support and have nothing to train, as in `transformed(" +
                            "coupling_flow(standard_normal([2])), exp([2]))`; found " + describe(*flow));
  return split;
}

/// One bijection of several, which are not none.
static NodePtr join(Call &call, const NodeList &parts) { return parts.size() == 1 ? parts[0] : makeChain(call, parts); }

static Value::Data buildUnconstrained(Call &call) {
  std::optional<SupportSplit> split = splitArgument(call);
  if (!split || split->inner.empty())
    return split ? Value::Data(split->base) : Value::Data();
  return makeTransformed(call, split->base, join(call, split->inner));
}

static Value::Data buildSupportMap(Call &call) {
  std::optional<SupportSplit> split = splitArgument(call);
  if (!split)
    return {};
  return split->maps.empty() ? makeElementwise(call, "identity", {}, split->base->shape) : join(call, split->maps);
}

/// `flow` with `first` between its base, behind all levels of `transformed`, and the rest.
static NodePtr insertAfterBase(Call &call, const NodePtr &flow, const NodePtr &first) {
  if (&getKind(*flow) != &transformedKind || call.failed())
    return makeTransformed(call, flow, first);
  return makeTransformed(call, insertAfterBase(call, findChild(*flow, "base_dist"), first),
                         findChild(*flow, "bijection"));
}

static Value::Data buildAfterBase(Call &call) {
  NodePtr flow = call.distribution("flow"), bijection = call.bijection("bijection");
  if (call.failed())
    return {};
  return insertAfterBase(call, flow, bijection);
}

llvm::ArrayRef<Constructor> supportConstructors() {
  static const std::vector<Constructor> table = {
      {"unconstrained",
       {{"flow"}},
       buildUnconstrained,
       "A flow over all real numbers: `flow` without the last bijections, which map it onto its support and have "
       "nothing to train."},
      {"support_map",
       {{"flow"}},
       buildSupportMap,
       "The last bijections of `flow`, which map it onto its support and have nothing to train."},
      {"after_base",
       {{"flow"}, {"bijection"}},
       buildAfterBase,
       "`flow` with `bijection` between its base distribution and what follows."},
  };
  return table;
}

} // namespace flowc
