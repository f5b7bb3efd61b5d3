//===- RandomNumbers.cpp - Random numbers of the checks -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomNumbers.h"

#include "flowc/Support/Philox.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace flowc;
using namespace flowc::verification;

double RandomNumbers::uniform() {
  constexpr uint32_t domain = 0x76657266; // "verf": no other draw has it.
  auto words = philox4x32(
      {static_cast<uint32_t>(count), static_cast<uint32_t>(count >> 32), static_cast<uint32_t>(stream), domain},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  ++count;
  constexpr int bits = 53;
  uint64_t word = (static_cast<uint64_t>(words[0]) << 32 | words[1]) >> (64 - bits);
  return std::ldexp(static_cast<double>(word) + 0.5, -bits);
}

double RandomNumbers::normal() {
  double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

static double epsilonOf(DType type) {
  return type == F32 ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
}

double verification::moveByRounding(double value, DType rounding, RandomNumbers &random) {
  return value * (1 + (random.uniform() < 0.5 ? -1 : 1) * epsilonOf(rounding));
}

Rows<double> RowMoves::move(Rows<double> rows) {
  if (trial == 0)
    return rows;
  // Odd trials and the even ones behind them go in opposite directions.
  double direction = trial % 2 ? 1 : -1;
  for (double &value : rows.reshaped<Eigen::RowMajor>())
    value *= 1 + (random.uniform() < 0.5 ? -direction : direction) * epsilonOf(rounding);
  return rows;
}
