//===- Format.cpp - Numbers as people write them --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Format.h"

#include <cmath>
#include <cstdio>

namespace flowc {

std::string formatNumber(double value) {
  if (value == 0)
    return "0"; // also for -0
  char text[40];
  bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  std::snprintf(text, sizeof(text), whole ? "%.0f" : "%.6g", value);
  return text;
}

} // namespace flowc
