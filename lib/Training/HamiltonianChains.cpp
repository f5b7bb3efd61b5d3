//===- HamiltonianChains.cpp - Draws from a density -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HamiltonianChains.h"

#include "flowc/Support/Philox.h"

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace flowc;

/// Steps of a trajectory: about a quarter of a period at usual step sizes.
static constexpr int kLeapfrogSteps = 8;
/// Where the step size settles.
static constexpr double kAcceptance = 0.8;

/// A uniform number in (0, 1) for a chain, a move and what it is for.
static double uniform(uint64_t seed, uint64_t chain, uint64_t move, uint32_t purpose) {
  auto words = philox4x32({static_cast<uint32_t>(chain), static_cast<uint32_t>(chain >> 32) ^ 0x686d63U,
                           static_cast<uint32_t>(move), purpose},
                          {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  uint64_t random = static_cast<uint64_t>(words[0]) << 32 | words[1];
  return (static_cast<double>(random >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t seed, uint64_t chain, uint64_t move, uint32_t purpose) {
  return std::sqrt(-2 * std::log(uniform(seed, chain, move, 2 * purpose))) *
         std::cos(2 * std::numbers::pi * uniform(seed, chain, move, 2 * purpose + 1));
}

Expected<void> HamiltonianChains::evaluate() {
  if (auto ok = target(x.data(), x.rows(), density.data(), slope.data()); !ok)
    return ok;
  // Where there is no slope, the chain goes straight on, and back if that was wrong.
  slope = slope.unaryExpr([](double value) { return std::isfinite(value) ? value : 0.0; }).eval();
  slope = (slope * factor).eval();
  return {};
}

Expected<void> HamiltonianChains::start(Rows<double> rows) {
  x = std::move(rows);
  slope.resize(x.rows(), x.cols());
  density.resize(x.rows());
  centre = Eigen::RowVectorXd::Zero(x.cols());
  factor = Eigen::MatrixXd::Identity(x.cols(), x.cols());
  if (auto ok = evaluate(); !ok)
    return ok;
  std::vector<int64_t> good;
  for (int64_t i = 0; i < x.rows(); ++i)
    if (std::isfinite(density[i]) && x.row(i).allFinite())
      good.push_back(i);
  if (good.empty())
    return Error{"the density '" + name + "' is 0 or infinite at all " + std::to_string(x.rows()) +
                 " points where its chains would start"};
  Rows<double> kept = x;
  for (int64_t i = 0; i < x.rows(); ++i)
    if (!std::isfinite(density[i]) || !x.row(i).allFinite())
      kept.row(i) = x.row(good[static_cast<size_t>(i) % good.size()]);
  x = std::move(kept);
  return evaluate();
}

void HamiltonianChains::whiten() {
  centre = x.colwise().mean();
  Rows<double> rest = x.rowwise() - centre;
  Eigen::MatrixXd covariance = rest.transpose() * rest / static_cast<double>(x.rows() - 1);
  // Few chains know little of correlations among many coordinates.
  if (x.cols() * 4 > x.rows())
    covariance = Eigen::MatrixXd(covariance.diagonal().asDiagonal());
  covariance.diagonal().array() += 1e-12 * covariance.diagonal().maxCoeff() + 1e-300;
  Eigen::LLT<Eigen::MatrixXd> cholesky(covariance);
  if (cholesky.info() == Eigen::Success)
    factor = cholesky.matrixL();
}

Expected<void> HamiltonianChains::move() {
  Rows<double> momentum(x.rows(), x.cols()), oldX = x, oldSlope = slope;
  Eigen::VectorXd oldDensity = density, step(x.rows());
  for (int64_t i = 0; i < x.rows(); ++i) {
    for (int64_t d = 0; d < x.cols(); ++d)
      momentum(i, d) = normal(seed, i, moves, static_cast<uint32_t>(d) + 1);
    // Trajectories of different lengths meet no period of the target.
    step[i] = stepSize * (0.5 + uniform(seed, i, moves, 0));
  }
  Eigen::VectorXd oldEnergy = 0.5 * momentum.rowwise().squaredNorm() - density;
  for (int i = 0; i < kLeapfrogSteps; ++i) {
    momentum += (step.asDiagonal() * slope) * 0.5;
    x += (step.asDiagonal() * momentum) * factor.transpose();
    if (auto ok = evaluate(); !ok)
      return ok;
    momentum += (step.asDiagonal() * slope) * 0.5;
  }
  double sum = 0;
  for (int64_t i = 0; i < x.rows(); ++i) {
    double change = oldEnergy[i] - (0.5 * momentum.row(i).squaredNorm() - density[i]);
    double probability = std::isfinite(change) && x.row(i).allFinite() ? std::min(1.0, std::exp(change)) : 0;
    sum += probability;
    if (uniform(seed, i, moves, 1) < probability)
      continue;
    x.row(i) = oldX.row(i);
    slope.row(i) = oldSlope.row(i);
    density[i] = oldDensity[i];
  }
  ++moves;
  accepted = sum / static_cast<double>(x.rows());
  stepSize = std::clamp(stepSize * std::exp(0.5 * (accepted - kAcceptance)), 1e-6, 2.0);
  return {};
}

Expected<void> HamiltonianChains::run(int iterations) {
  if (auto ok = evaluate(); !ok) // The coordinates may be new.
    return ok;
  for (int i = 0; i < iterations; ++i)
    if (auto ok = move(); !ok)
      return ok;
  return {};
}
