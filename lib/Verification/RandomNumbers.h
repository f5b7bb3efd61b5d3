//===- RandomNumbers.h - Random numbers of the checks -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_VERIFICATION_RANDOMNUMBERS_H
#define FLOWC_LIB_VERIFICATION_RANDOMNUMBERS_H

#include "flowc/flowc.h"

namespace flowc::verification {

/// What random numbers are for; those of one seed differ between uses.
enum class Stream : uint32_t { Neighbour32, Neighbour64, Inputs, Moves, Directions, Steps };

/// Numbers of a seed, one after the other.
class RandomNumbers {
public:
  RandomNumbers(uint64_t seed, Stream stream) : seed(seed), stream(stream) {}

  /// Uniform on (0, 1).
  double uniform();
  /// Standard normal.
  double normal();

private:
  uint64_t seed, count = 0;
  Stream stream;
};

/// `value`, moved by at most one rounding of the type.
double moveByRounding(double value, DType rounding, RandomNumbers &random);

/// How rows move in one trial: differently in each call; not at all in trial 0.
class RowMoves {
public:
  explicit RowMoves(int trial, DType rounding = F64)
      : trial(trial), rounding(rounding), random(static_cast<uint64_t>(trial + 1) / 2, Stream::Moves) {}

  Rows<double> move(Rows<double> rows);

private:
  int trial;
  DType rounding;
  RandomNumbers random;
};

} // namespace flowc::verification

#endif // FLOWC_LIB_VERIFICATION_RANDOMNUMBERS_H
