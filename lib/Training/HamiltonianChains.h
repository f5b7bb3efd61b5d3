//===- HamiltonianChains.h - Draws from a density ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_HAMILTONIANCHAINS_H
#define FLOWC_LIB_TRAINING_HAMILTONIANCHAINS_H

#include "flowc/Targets.h"

namespace flowc {

/// Many chains of Hamiltonian Monte Carlo side by side (R. Neal, "MCMC using
/// Hamiltonian dynamics", 2011), in coordinates in which their draws have
/// covariance 1. All randomness is a function of the seed.
class HamiltonianChains {
public:
  /// `name` is for messages.
  HamiltonianChains(std::string name, TargetFunction target, uint64_t seed)
      : name(std::move(name)), target(std::move(target)), seed(seed) {}

  /// Starts from these rows; those of density 0 are replaced by others.
  Expected<void> start(Rows<double> rows);
  /// Takes the mean and the covariance of the chains as the new coordinates.
  void whiten();
  /// Moves every chain so often.
  Expected<void> run(int iterations);
  const Rows<double> &positions() const { return x; }
  /// Share of the moves of the last run that were accepted.
  double acceptance() const { return accepted; }

private:
  /// Density and slope at x, the slope in white coordinates.
  Expected<void> evaluate();
  Expected<void> move();

  std::string name;
  TargetFunction target;
  uint64_t seed, moves = 0;
  double stepSize = 0.3, accepted = 0;
  Eigen::RowVectorXd centre;
  Eigen::MatrixXd factor; ///< Lower triangle: x = centre + factor u.
  Rows<double> x, slope;
  Eigen::VectorXd density;
};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_HAMILTONIANCHAINS_H
