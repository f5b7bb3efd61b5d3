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

using namespace flowc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 1 << 16;
  std::string input = fuzz::textOf(data, size);
  size_t end = input.find("\n\n");
  if (end == std::string::npos || size > longest)
    return 0;
  auto flow = Flow::parse(input.substr(0, end));
  if (!flow)
    return 0;
  auto model = Model::importEquinox(*flow, fuzz::writeInput(std::string_view(input).substr(end + 2), ".eqx"));
  if (!model)
    fuzz::checkMessage(model.error().message);
  return 0;
}
