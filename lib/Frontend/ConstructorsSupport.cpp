//===- ConstructorsSupport.cpp - Flows without their supports -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `unconstrained(q)` and `support_map(q)`: the two parts of a flow whose outermost
// bijections map onto its support. Training puts the units of data between them.
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"

#include "flowc/Frontend/Support.h"

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

llvm::ArrayRef<Constructor> supportConstructors() {
  static const std::vector<Constructor> table = {
      {"unconstrained", {{"flow"}}, buildUnconstrained},
      {"support_map", {{"flow"}}, buildSupportMap},
  };
  return table;
}

} // namespace flowc
