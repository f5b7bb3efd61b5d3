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

/// `a, b, ...` and `name(a, b, ...)`; empty arguments are left out. The elements of
/// a braced list are made in order, which a sum of strings does not promise.
std::string join(const std::vector<std::string> &parts);
std::string call(const std::string &name, const std::vector<std::string> &arguments);

/// Writes random compositions of all constructors: at most 4 deep, at most 12
/// elements, with and without a condition, over scalars, vectors and matrices. The
/// last item is named `f`; the same seed gives the same text.
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
  /// Bijections of parts of the event, or the event in other coordinates.
  std::string parts(int depth, Domain domain);
  /// `compose` for an event of another shape.
  std::string composeFor(std::vector<int64_t> partShape, int depth, Domain domain);
  std::string stackedList();
  /// A matrix, or a shift by a function of the condition.
  std::string linear();
  /// softplus ... softplus^-1 and the like, which need a positive number or one
  /// in (-1, 1) between them.
  std::string sandwich();
  std::string permutation();
  /// A planar bijection, or a block autoregressive network.
  std::string rooted();
  std::string planarOptions();
  /// A conditional bijection behind a network on the condition.
  std::string embedded();
  /// The name of a bijection that a formula defines; a transformer should not have an
  /// inverse that grows exponentially.
  std::string formula(bool isTransformer);
  std::string conditioner();
  std::string scalarTransformer(int depth);
  std::string spline();
  std::string premadeFlow();
  std::string base();
  /// A distribution of independent coordinates other than the normal one.
  std::string marginals();
  std::string mixture();
  std::string networkOptions();

  std::string shapeText() const { return textOf(shape); }
  static std::string textOf(const std::vector<int64_t> &shape);
  /// An array of the event's shape with entries on [lo, hi).
  std::string array(double lo, double hi);
  std::string number(double lo, double hi);

  Random random;
  /// Items in front of `f`.
  std::string items;
  std::vector<int64_t> shape;
  int64_t condDim = 0;
};

/// Random compositions are tested in portions, so that tests can run beside each other.
inline constexpr uint64_t kPerPortion = 14, kPortions = 37;

/// The seeds of a portion: from the number in the environment variable
/// FLOWC_FIRST_SEED on, from 0 if there is none.
std::vector<uint64_t> seedsOf(int portion);
/// Odd seeds make flows, even ones bijections.
inline bool isFlow(uint64_t seed) { return seed % 2; }
std::string programOf(uint64_t seed);

/// Judges the programs of a portion's seeds, each with a `Judged` (see Judge.h) of its
/// own, by `check(judged, seed)`.
template <typename Judged, typename Check>
void judgePortion(int portion, Check check) {
  int64_t offered = 0, judged = 0;
  for (uint64_t seed : seedsOf(portion)) {
    Judged model(programOf(seed), seed);
    check(model, seed);
    offered += model.offered;
    judged += model.judged;
  }
  // Most of it must count, or the test would pass by skipping.
  EXPECT_GE(judged, offered * 8 / 10);
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_RANDOMFLOWS_H
