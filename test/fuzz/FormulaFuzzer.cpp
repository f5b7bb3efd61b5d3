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

#include <array>

using namespace flowc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 400;
  if (size > longest)
    return 0;
  std::string formula = fuzz::textOf(data, size);
  // One of them for each input: derivations take their time.
  static const std::array<std::string, 4> heads = {
      "bijection f(x; a = positive(1.5), b = 0.3) = ", "density f(x[2]) = ", "bijection f(x; a = positive(1.5)) = ",
      "bijection f(x) = "};
  auto flow = Flow::parse(heads[size % heads.size()] + formula);
  if (!flow)
    fuzz::checkMessage(flow.error().message);
  else
    fuzz::accept();
  return 0;
}
