//===- RandomFlows.h - Random programs in the language ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_RANDOMFLOWS_H
#define FLOWC_TEST_UNIT_RANDOMFLOWS_H

#include "FlowTesting.h"

namespace flowc::test {

/// Writes random compositions of the working constructors: at most 4 deep, at
/// most 12 elements, with and without a condition, over scalars, vectors and
/// matrices. The item is named `f`; the same seed gives the same text.
class RandomFlow {
public:
  explicit RandomFlow(uint64_t seed) : random(seed * 7919 + 11) {}

  /// A `flow` item.
  std::string distribution();
  /// A `bijection` item.
  std::string bijection();

private:
  /// How much of the real line a bijection must take, in both directions.
  enum class Domain {
    All,         ///< Everything: it may be inverted.
    ForwardOnly, ///< Its image may be a part.
  };

  void chooseShape();
  std::string compose(int depth, Domain domain);
  std::string simple(Domain domain);
  std::string stackedList();
  /// softplus ... softplus^-1 and the like, which need a positive number or one
  /// in (-1, 1) between them.
  std::string sandwich();
  std::string permutation();
  std::string conditioner();
  std::string scalarTransformer(int depth);
  std::string spline();
  std::string premadeFlow();
  std::string base();
  std::string networkOptions();

  std::string shapeText() const;
  /// An array of the event's shape with entries on [lo, hi).
  std::string array(double lo, double hi);
  std::string number(double lo, double hi);

  Random random;
  std::vector<int64_t> shape;
  int64_t condDim = 0;
};

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_RANDOMFLOWS_H
