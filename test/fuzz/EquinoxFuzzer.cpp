//===- EquinoxFuzzer.cpp - Models of FlowJAX ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any file is a model of the flow that it is said to be one of, or an error. Up to the
// first empty line an input is the text of the flow.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/flowc.h"

#include <map>
#include <optional>

using namespace flowc;

/// The flow of this text, or null. Most inputs have that of many others.
static const Flow *findFlow(const std::string &text) {
  static std::map<std::string, std::optional<Flow>> known;
  constexpr size_t most = 1000;
  if (known.size() == most)
    known.clear();
  auto [entry, isNew] = known.try_emplace(text);
  if (isNew)
    if (auto flow = Flow::parse(text))
      entry->second = std::move(*flow);
  return entry->second ? &*entry->second : nullptr;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 1 << 16;
  std::string input = fuzz::textOf(data, size);
  size_t end = input.find("\n\n");
  if (end == std::string::npos || size > longest)
    return 0;
  const Flow *flow = findFlow(input.substr(0, end));
  if (!flow)
    return 0;
  auto model = Model::importEquinox(*flow, fuzz::writeInput(std::string_view(input).substr(end + 2), ".eqx"));
  if (!model)
    fuzz::checkMessage(model.error().message);
  else
    fuzz::accept();
  return 0;
}
