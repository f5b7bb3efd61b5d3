//===- RestrictedDraws.h - Draws of which something is known ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a flow has to say of some coordinates when others are given, or of events within
// bounds: draws from the conditional distribution, and quantiles of them.
//
//   auto draws = flowc::RestrictedDraws::create(**kernels, *model,
//                                               {.given = {{0, 1.5}}, .within = {{2, {0, 1}}}});
//   auto rows = (*draws)->next(1000);
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_RESTRICTEDDRAWS_H
#define FLOWC_RESTRICTEDDRAWS_H

#include "flowc/flowc.h"

namespace flowc {

/// What is known of events, by coordinate of the flattened event.
struct Restriction {
  /// Values that coordinates have; the others follow their conditional distribution.
  std::map<int64_t, double> given = {};
  /// Ends, both allowed, between which coordinates lie.
  std::map<int64_t, std::pair<double, double>> within = {};
};

struct RestrictedDrawsOptions {
  uint64_t seed = 0, first = 0; ///< Draws that are looked at: `first` ... of the seed.
  /// Of a conditional flow: the condition of all draws.
  std::vector<double> condition = {};
  /// Whether a draw, `dim` numbers, is one of those wanted, beside the bounds; by default it is.
  std::function<bool(const double *row)> accepts = {};
  /// Gives up after so many draws in a row that are not within.
  int64_t mostRejections = 10000000;
  /// What messages call coordinates; by default x0, x1, ...
  std::vector<std::string> names = {};
};

/// Draws of a flow under a restriction; each is a function of the model, the options, and its
/// place. One object is for one thread at a time.
///
/// Given values are exact where the flow allows it: the numbers of the base distribution that
/// belong to the given coordinates are computed from them, all others are drawn. For that, as
/// many numbers of the base as there are given coordinates must depend on these alone, as
/// with one autoregressive layer whose first coordinates are given; that they do is found by
/// trying. Bounds are met by leaving out draws outside.
class RestrictedDraws {
public:
  virtual ~RestrictedDraws() = default;
  /// `kernels`, of a flow, and `model` must outlive it. Errors: coordinates or bounds that
  /// make no sense; a flow without this conditional distribution; given values of density 0.
  static Expected<std::unique_ptr<RestrictedDraws>> create(Kernels &kernels, const Model &model,
                                                           const Restriction &restriction,
                                                           const RestrictedDrawsOptions &options = {});
  /// The next `count` of them. Errors: none for a long time.
  virtual Expected<Rows<double>> next(int64_t count) = 0;
  /// Draws that were looked at up to the last one within, and those within.
  virtual int64_t tried() const = 0;
  virtual int64_t accepted() const = 0;
};

/// A quantile as draws estimate it, with half the distance of the order statistics one
/// standard error of the count before and behind it.
struct Quantile {
  double probability, value, error;
};

/// Those of `values`, between neighbours of which is interpolated as NumPy does; NaN of no values.
std::vector<Quantile> estimateQuantiles(std::vector<double> values, std::span<const double> probabilities);

} // namespace flowc

#endif // FLOWC_RESTRICTEDDRAWS_H
