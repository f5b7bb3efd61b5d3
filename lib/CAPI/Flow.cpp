//===- Flow.cpp - Flows for C ---------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

#include "flowc/Frontend/Formatter.h"
#include "flowc/Training/Standardize.h"
#include "flowc/Training/SupportMap.h"

using namespace flowc;
using namespace flowc::capi;

/// Both ways to parse.
template <typename Parse>
static flowc_error *parse(const char *function, Parse parseText, const char *text, const char *name, const char *file,
                          flowc_flow **result) {
  return make(function, {{"text", text}}, result,
              [&] { return parseText(text, orEmpty(name), file ? file : "<text>"); });
}

flowc_error *flowc_flow_parse(const char *text, const char *name, const char *file, flowc_flow **result) {
  return parse(__func__, Flow::parse, text, name, file, result);
}

flowc_error *flowc_flow_parse_density(const char *text, const char *name, const char *file, flowc_flow **result) {
  return parse(__func__, Flow::parseDensity, text, name, file, result);
}

flowc_error *flowc_flow_copy(const flowc_flow *flow, flowc_flow **result) {
  return make(__func__, {{"flow", flow}}, result, [&] { return *unwrap(flow); });
}

static Made<Flow> format(const Flow &flow) {
  auto text = formatText(flow.text());
  if (!text)
    return Outcome(text.takeError());
  return Flow::parse(*text, flow.name());
}

flowc_error *flowc_flow_format(const flowc_flow *flow, flowc_flow **result) {
  return make(__func__, {{"flow", flow}}, result, [&] { return format(*unwrap(flow)); });
}

void flowc_flow_free(flowc_flow *flow) { destroy(flow); }

flowc_flow_kind flowc_flow_get_kind(const flowc_flow *flow) {
  if (!flow || unwrap(flow)->isDistribution())
    return FLOWC_DISTRIBUTION;
  return unwrap(flow)->isDensity() ? FLOWC_DENSITY : FLOWC_BIJECTION;
}

const char *flowc_flow_name(const flowc_flow *flow) { return flow ? unwrap(flow)->name().c_str() : ""; }
const char *flowc_flow_text(const flowc_flow *flow) { return flow ? unwrap(flow)->text().c_str() : ""; }
int64_t flowc_flow_dim(const flowc_flow *flow) { return flow ? unwrap(flow)->dim() : 0; }
int64_t flowc_flow_cond_dim(const flowc_flow *flow) { return flow ? unwrap(flow)->condDim() : 0; }
const int64_t *flowc_flow_shape(const flowc_flow *flow, size_t *rank) {
  return giveShape(flow ? &unwrap(flow)->shape() : nullptr, rank);
}
const int64_t *flowc_flow_cond_shape(const flowc_flow *flow, size_t *rank) {
  return giveShape(flow && unwrap(flow)->condShape() ? &*unwrap(flow)->condShape() : nullptr, rank);
}

//===----------------------------------------------------------------------===//
// Units of data
//===----------------------------------------------------------------------===//

/// Statistics of the events where the flow's units are.
static Expected<ColumnStatistics> eventStatistics(const Flow &flow, const flowc_input &x) {
  auto map = SupportMap::create(flow);
  if (!map)
    return map.takeError();
  if (!*map)
    return Error{"'" + flow.name() +
                 "' does not cover all real numbers, nor do its last bijections map them onto its support without "
                 "parameters to train: train it on the data as it is"};
  auto rows = allRows(x.rows);
  auto invert = [&](Rows<double> block, int64_t) { return (*map)->invert(std::move(block)); };
  return (*map)->isIdentity() ? computeStatistics(viewOf(x), *rows, toDType(x.dtype), {})
                              : computeStatistics(viewOf(x), *rows, toDType(x.dtype), {}, invert);
}

static Made<Flow> standardizeTo(const Flow &flow, const flowc_input &x, const flowc_input &condition) {
  if (!flow.isDistribution())
    return Outcome::invalid("'" + flow.name() + "' is no distribution: only a 'flow' can be in units of data");
  if (Outcome ok = checkArray("x", x, -1, flow.dim()); !ok)
    return ok;
  if (Outcome ok = checkCondition(flow, condition, x.rows); !ok)
    return ok;
  if (x.rows == 0)
    return Outcome::invalid("'x' has no rows, expected data");
  if (Outcome ok = checkFinite("x", x); !ok)
    return ok;
  auto events = eventStatistics(flow, x);
  if (!events)
    return Outcome(events.takeError());
  if (!flow.condShape())
    return standardize(flow, &*events, nullptr);
  if (Outcome ok = checkFinite("condition", condition); !ok)
    return ok;
  auto conditions = computeStatistics(viewOf(condition), *allRows(x.rows), toDType(condition.dtype), {});
  if (!conditions)
    return Outcome(conditions.takeError());
  return standardize(flow, &*events, &*conditions);
}

flowc_error *flowc_flow_standardize(const flowc_flow *flow, flowc_input x, flowc_input condition, flowc_flow **result) {
  return make(__func__, {{"flow", flow}}, result, [&] { return standardizeTo(*unwrap(flow), x, condition); });
}
