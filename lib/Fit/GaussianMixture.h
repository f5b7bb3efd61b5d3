//===- GaussianMixture.h - Mixtures of normal distributions -----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_GAUSSIANMIXTURE_H
#define FLOWC_LIB_FIT_GAUSSIANMIXTURE_H

#include "flowc/flowc.h"

namespace flowc {

/// A mixture of normal distributions with full covariances, fitted by expectation
/// maximisation (A. P. Dempster, N. M. Laird, D. B. Rubin, 1977), as scikit-learn's
/// GaussianMixture does it.
struct GaussianMixture {
  struct Component {
    double weight = 0;
    Eigen::VectorXd mean;
    Eigen::MatrixXd factor; ///< Cholesky factor of the covariance.
  };
  std::vector<Component> components;

  /// Of rows whose columns have about the variance 1; at least as many rows as `count`
  /// components. Starts from k-means, itself begun by k-means++ (D. Arthur,
  /// S. Vassilvitskii, 2007), and ends when a step gains less than 0.001 nats per row.
  /// `leastVariance` is added to every variance, lest a component becomes a point.
  static GaussianMixture fit(ConstRows<double> rows, int count, uint64_t seed, double leastVariance = 1e-6);

  /// Of each row.
  Eigen::VectorXd logDensity(ConstRows<double> rows) const;
  /// The distribution of the columns from `first` on.
  GaussianMixture marginal(int64_t first) const;
  /// In the language, as an expression.
  std::string text() const;
};

} // namespace flowc

#endif // FLOWC_LIB_FIT_GAUSSIANMIXTURE_H
