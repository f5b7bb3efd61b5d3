//===- FormulaFuzzer.cpp - Formulas of bijections and densities -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A formula in x, a > 0 and b is a bijection, or it is none for a reason; it is a
// density of two coordinates or an error.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/flowc.h"

using namespace flowc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 400;
  if (size > longest)
    return 0;
  std::string formula = fuzz::textOf(data, size);
  for (std::string head : {"bijection f(x; a = positive(1.5), b = 0.3) = ", "bijection f(x; a = positive(1.5)) = ",
                           "bijection f(x) = ", "density f(x[2]) = "}) {
    auto flow = Flow::parse(head + formula);
    if (!flow)
      fuzz::checkMessage(flow.error().message);
  }
  return 0;
}
