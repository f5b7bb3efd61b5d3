//===- GaussianMixture.cpp - Mixtures of normal distributions -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GaussianMixture.h"

#include "flowc/Support/Philox.h"
#include "flowc/Training/Standardize.h"

#include <Eigen/Cholesky>

#include <cmath>
#include <limits>
#include <numbers>

using namespace flowc;

namespace {

/// Uniform numbers between 0 and 1, by number.
class Uniform {
public:
  explicit Uniform(uint64_t seed) : key{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {}
  double operator()() { return (philox4x32({++count, 0, 0, 0x6d6978U}, key)[0] + 0.5) * 0x1p-32; }

private:
  std::array<uint32_t, 2> key;
  uint32_t count = 0;
};

Eigen::VectorXd squaredDistances(ConstRows<double> rows, const Eigen::VectorXd &centre) {
  return (rows.rowwise() - centre.transpose()).rowwise().squaredNorm();
}

/// k-means++: each centre is a row, drawn in proportion to the squared distance to those
/// before it.
std::vector<Eigen::VectorXd> drawCentres(ConstRows<double> rows, int count, Uniform &uniform) {
  std::vector<Eigen::VectorXd> centres;
  Eigen::VectorXd nearest = Eigen::VectorXd::Ones(rows.rows());
  for (int k = 0; k < count; ++k) {
    double left = uniform() * nearest.sum();
    int64_t row = 0;
    while (row + 1 < rows.rows() && (left -= nearest[row]) > 0)
      ++row;
    centres.emplace_back(rows.row(row));
    Eigen::VectorXd distances = squaredDistances(rows, centres.back());
    nearest = k == 0 ? distances : nearest.cwiseMin(distances);
  }
  return centres;
}

/// Which centre each row belongs to after some steps of k-means: 1 there, else 0.
Eigen::MatrixXd assignToMeans(ConstRows<double> rows, int count, uint64_t seed) {
  constexpr int mostSteps = 50;
  Uniform uniform(seed);
  std::vector<Eigen::VectorXd> centres = drawCentres(rows, count, uniform);
  Eigen::MatrixXd distances(rows.rows(), count), member(rows.rows(), count);
  for (int step = 0; step < mostSteps; ++step) {
    for (int k = 0; k < count; ++k)
      distances.col(k) = squaredDistances(rows, centres[k]);
    Eigen::MatrixXd before = std::exchange(member, Eigen::MatrixXd::Zero(rows.rows(), count));
    for (int64_t row = 0; row < rows.rows(); ++row) {
      Eigen::Index nearest;
      distances.row(row).minCoeff(&nearest);
      member(row, nearest) = 1;
    }
    if (step > 0 && before == member)
      break;
    for (int k = 0; k < count; ++k)
      if (double size = member.col(k).sum(); size > 0)
        centres[k] = rows.transpose() * member.col(k) / size;
  }
  return member;
}

/// Maximisation: components of rows that belong to them to these degrees.
GaussianMixture componentsOf(ConstRows<double> rows, const Eigen::MatrixXd &member, double leastVariance) {
  GaussianMixture mixture;
  for (Eigen::Index k = 0; k < member.cols(); ++k) {
    double size = member.col(k).sum() + 10 * std::numeric_limits<double>::epsilon();
    GaussianMixture::Component component;
    component.weight = size / static_cast<double>(rows.rows());
    component.mean = rows.transpose() * member.col(k) / size;
    Rows<double> centred = rows.rowwise() - component.mean.transpose();
    Eigen::MatrixXd covariance = centred.transpose() * member.col(k).asDiagonal() * centred / size;
    covariance.diagonal().array() += leastVariance;
    component.factor = Eigen::LLT<Eigen::MatrixXd>(covariance).matrixL();
    mixture.components.push_back(std::move(component));
  }
  return mixture;
}

/// log(weight density) of each component (columns) at each row.
Eigen::MatrixXd weightedDensities(const GaussianMixture &mixture, ConstRows<double> rows) {
  Eigen::MatrixXd result(rows.rows(), std::ssize(mixture.components));
  Eigen::MatrixXd columns = rows.transpose();
  double constant = static_cast<double>(rows.cols()) * std::log(2 * std::numbers::pi);
  for (Eigen::Index k = 0; k < result.cols(); ++k) {
    const auto &[weight, mean, factor] = mixture.components[k];
    Eigen::MatrixXd z = columns.colwise() - mean;
    factor.triangularView<Eigen::Lower>().solveInPlace(z);
    double logScale = std::log(weight) - factor.diagonal().array().log().sum() - 0.5 * constant;
    result.col(k) = (logScale - 0.5 * z.colwise().squaredNorm().array()).transpose();
  }
  return result;
}

/// Logarithm of the sum of exponentials of each row.
Eigen::VectorXd logSums(const Eigen::MatrixXd &logs) {
  Eigen::VectorXd most = logs.rowwise().maxCoeff();
  return most.array() + (logs.colwise() - most).array().exp().rowwise().sum().log();
}

} // namespace

GaussianMixture GaussianMixture::fit(ConstRows<double> rows, int count, uint64_t seed, double leastVariance) {
  constexpr int mostSteps = 200;
  constexpr double leastGain = 1e-3;
  GaussianMixture mixture = componentsOf(rows, assignToMeans(rows, count, seed), leastVariance);
  double before = -std::numeric_limits<double>::infinity();
  for (int step = 0; step < mostSteps && count > 1; ++step) {
    Eigen::MatrixXd logs = weightedDensities(mixture, rows);
    Eigen::VectorXd density = logSums(logs);
    Eigen::MatrixXd member = (logs.colwise() - density).array().exp();
    mixture = componentsOf(rows, member, leastVariance);
    double mean = density.mean();
    if (mean - before < leastGain)
      break;
    before = mean;
  }
  return mixture;
}

Eigen::VectorXd GaussianMixture::logDensity(ConstRows<double> rows) const {
  return logSums(weightedDensities(*this, rows));
}

GaussianMixture GaussianMixture::marginal(int64_t first) const {
  GaussianMixture result;
  for (const Component &component : components) {
    Eigen::MatrixXd covariance = component.factor * component.factor.transpose();
    Eigen::Index count = component.mean.size() - first;
    Eigen::MatrixXd factor = Eigen::LLT<Eigen::MatrixXd>(covariance.bottomRightCorner(count, count)).matrixL();
    result.components.push_back({component.weight, component.mean.tail(count), std::move(factor)});
  }
  return result;
}

std::string GaussianMixture::text() const {
  std::string parts;
  std::vector<double> weights;
  for (const auto &[weight, mean, factor] : components) {
    Rows<double> rows = factor;
    std::string dim = "[" + std::to_string(mean.size()) + "]";
    parts += (parts.empty() ? "" : ",\n    ") + ("transformed(standard_normal(" + dim + "), triangular_affine(") +
             arrayLiteral({mean.size()}, {mean.begin(), mean.end()}) + ", " +
             arrayLiteral({rows.rows(), rows.cols()}, {rows.data(), rows.data() + rows.size()}) + "))";
    weights.push_back(weight);
  }
  return "vmap_mixture([\n    " + parts + "],\n    weights = " + arrayLiteral({std::ssize(weights)}, weights) + ")";
}
