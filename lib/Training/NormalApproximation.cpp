//===- NormalApproximation.cpp - Where chains start -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormalApproximation.h"

#include "flowc/Training/Standardize.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

using namespace flowc;

/// Coordinates up to which approximations have correlations.
static constexpr int64_t kMostCorrelated = 50;

CompileOptions StartPlace::compileOptions() const {
  return {.dtype = F64, .threads = options.threads, .useCache = options.useCache};
}

Expected<TargetFunction> StartPlace::function() const {
  auto function = target.function(compileOptions());
  if (!function || !isMapped())
    return function;
  return map->pullBack(std::move(*function));
}

//===----------------------------------------------------------------------===//
// A mode and its curvature
//===----------------------------------------------------------------------===//

namespace {

/// Minimises by L-BFGS until a step gains less than `tolerance`.
Expected<void> minimise(Model &model, Objective &objective, int threads, double tolerance,
                        std::function<Batch(int64_t)> batch) {
  OptimizeOptions options{.learningRate = 1, .maxIters = 200, .batch = std::move(batch), .threads = threads};
  options.update.optimizer = "lbfgs";
  options.update.maxRecoveries = 0;
  double last = std::numeric_limits<double>::infinity();
  options.hasConverged = [&](const StepStatistics &statistics, const Model &) {
    return std::abs(std::exchange(last, statistics.loss) - statistics.loss) < tolerance;
  };
  auto result = optimize(model, objective, options);
  return result ? Expected<void>() : Expected<void>(result.takeError());
}

/// A mode of `target`, from the origin.
Expected<Eigen::VectorXd> findMode(const TargetFunction &target, int64_t dim, int threads) {
  std::string n = std::to_string(dim);
  auto flow = Flow::parse("flow point = transformed(standard_normal([" + n + "]), loc(zeros(" + n + ")))");
  if (!flow)
    return flow.takeError();
  auto model = Model::initialise(*flow, {.dtype = F64});
  if (!model)
    return model.takeError();
  auto objective = makeObjective(
      "density", [&target](const Model &now, const Batch &, std::span<double> gradient) -> Expected<double> {
        std::vector<double> x = now.trainable();
        double logDensity = 0;
        if (auto ok = target(x.data(), 1, &logDensity, gradient.data()); !ok)
          return ok.takeError();
        for (double &slope : gradient)
          slope = -slope;
        return -logDensity;
      });
  if (auto ok = minimise(*model, *objective, threads, 1e-6, {}); !ok)
    return ok.takeError();
  std::vector<double> mode = model->trainable();
  return Eigen::VectorXd(Eigen::Map<Eigen::VectorXd>(mode.data(), dim));
}

/// Second derivatives of -`target` at `mode`, by central differences of slopes.
Expected<Eigen::MatrixXd> curvature(const TargetFunction &target, const Eigen::VectorXd &mode) {
  int64_t dim = mode.size();
  Rows<double> points(2 * dim, dim), slopes(2 * dim, dim);
  Eigen::VectorXd densities(2 * dim), steps(dim);
  for (int64_t d = 0; d < dim; ++d) {
    // Slopes have some twelve digits: half of them remain.
    steps[d] = 1e-5 * std::max(1.0, std::abs(mode[d]));
    for (int64_t side : {0, 1}) {
      points.row(2 * d + side) = mode.transpose();
      points(2 * d + side, d) += side ? steps[d] : -steps[d];
    }
  }
  if (auto ok = target(points.data(), 2 * dim, densities.data(), slopes.data()); !ok)
    return ok.takeError();
  Eigen::MatrixXd result(dim, dim);
  for (int64_t d = 0; d < dim; ++d)
    result.row(d) = (slopes.row(2 * d) - slopes.row(2 * d + 1)) / (2 * steps[d]);
  if (!result.allFinite())
    return Error{"the density has no curvature at its mode"};
  return Eigen::MatrixXd(0.5 * (result + result.transpose()));
}

/// The text of a normal distribution like the target at its mode.
Expected<std::string> describeMode(const TargetFunction &target, int64_t dim, int threads) {
  auto mode = findMode(target, dim, threads);
  if (!mode)
    return mode.takeError();
  auto bend = curvature(target, *mode);
  if (!bend)
    return bend.takeError();
  // Where it is flat, or bends upwards, the unit is as good as any.
  constexpr double flat = 1e-4;
  auto variance = [](double bend) { return bend > flat ? 1 / bend : 1; };
  std::vector<double> loc(mode->data(), mode->data() + dim);
  std::string start = "affine(" + arrayLiteral({dim}, loc) + ", ";
  if (dim > kMostCorrelated) {
    Eigen::VectorXd scale = bend->diagonal().unaryExpr(variance).cwiseSqrt();
    return start + arrayLiteral({dim}, {scale.data(), scale.data() + dim}) + ")";
  }
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(*bend);
  Eigen::MatrixXd axes = solver.eigenvectors();
  Eigen::MatrixXd covariance = axes * solver.eigenvalues().unaryExpr(variance).asDiagonal() * axes.transpose();
  Rows<double> factor = covariance.llt().matrixL();
  if (!factor.allFinite())
    return Error{"the density has no curvature at its mode"};
  return "triangular_" + start + arrayLiteral({dim, dim}, {factor.data(), factor.data() + dim * dim}) + ")";
}

//===----------------------------------------------------------------------===//
// Normal distributions of least ELBO
//===----------------------------------------------------------------------===//

/// A normal distribution, behind the map onto the flow's support if `withMap`.
Expected<Flow> placeNormal(const StartPlace &place, const std::string &bijection, bool withMap) {
  std::string n = std::to_string(place.flow.dim());
  std::string normal = "transformed(standard_normal([" + n + "]), " + bijection + ")";
  if (!withMap)
    return Flow::parse("flow start = " + normal);
  std::string map = "support_map(" + place.flow.name() + ")";
  if (place.flow.shape().size() != 1)
    map = "reshape(" + map + ", [" + n + "])";
  auto [text, name] = addItem(place.flow.text(), "start", "flow @ = transformed(" + normal + ", " + map + ")");
  return Flow::parse(text, name);
}

/// The given normal distributions, as models of one flow, and those of least ELBO that are
/// found from them.
Expected<std::vector<Model>> fitNormals(const StartPlace &place, const std::vector<std::string> &starts,
                                        uint64_t seed) {
  auto flow = placeNormal(place, starts.front(), /*withMap=*/false);
  auto mapped = placeNormal(place, starts.front(), place.isMapped());
  if (!flow || !mapped)
    return flow ? mapped.takeError() : flow.takeError();
  auto objective = place.target.makeObjective("elbo", *mapped, place.compileOptions());
  if (!objective)
    return objective.takeError();
  // Enough draws that the fit to these is one to all.
  int64_t draws = std::max<int64_t>(256, 8 * place.target.dim());
  std::vector<Model> result;
  auto add = [&](const std::vector<double> &parameters) {
    if (auto normal = Model::initialise(*flow, {.dtype = F64}); normal && normal->setTrainable(parameters))
      result.push_back(std::move(*normal));
  };
  for (const std::string &start : starts) {
    auto at = placeNormal(place, start, /*withMap=*/false);
    auto initial = at ? Model::initialise(*at, {.dtype = F64}) : Expected<Model>(at.takeError());
    auto model = Model::initialise(*mapped, {.dtype = F64});
    if (!initial || !model || !model->setTrainable(initial->trainable()))
      continue;
    // The least ELBO may be that of one mode, where the start covers several.
    add(initial->trainable());
    auto batch = [draws, seed](int64_t) { return Batch{.rows = draws, .seed = seed}; };
    if (minimise(*model, **objective, place.options.threads, 1e-4, batch))
      add(model->trainable());
  }
  return result;
}

/// `count` of the rows, in the shares of their weights.
Rows<double> resample(const Rows<double> &rows, const Eigen::VectorXd &logWeights, int64_t count) {
  Eigen::VectorXd weights = (logWeights.array() - logWeights.maxCoeff()).exp();
  // Few rows that outweigh all others would be the only ones.
  weights = weights.cwiseMin(weights.sum() / std::sqrt(static_cast<double>(count)));
  Rows<double> result(count, rows.cols());
  double step = weights.sum() / static_cast<double>(count), below = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    double place = (static_cast<double>(i) + 0.5) * step;
    while (at + 1 < rows.rows() && below + weights[at] < place)
      below += weights[at++];
    result.row(i) = rows.row(at);
  }
  return result;
}

} // namespace

Expected<Rows<double>> flowc::drawNormalApproximations(const StartPlace &place, const TargetFunction &target,
                                                       int64_t count, uint64_t seed) {
  int64_t dim = place.target.dim();
  std::string n = std::to_string(dim);
  std::vector<std::string> starts = {dim > kMostCorrelated ? "affine(zeros(" + n + "), ones(" + n + "))"
                                                           : "triangular_affine(zeros(" + n + "), eye(" + n + "))"};
  if (auto mode = describeMode(target, dim, place.options.threads))
    starts.push_back(std::move(*mode));
  auto normals = fitNormals(place, starts, seed);
  if (!normals)
    return normals.takeError();
  auto kernels = compile(normals->front().flow(), place.compileOptions());
  if (!kernels)
    return kernels.takeError();
  // Twice as many of each as are needed; weights are those of their mixture.
  auto parts = static_cast<int64_t>(normals->size()), each = 2 * count;
  Rows<double> draws(parts * each, dim);
  for (int64_t i = 0; i < parts; ++i) {
    auto part = (*kernels)->sample<double>((*normals)[i], each, seed + static_cast<uint64_t>(i) + 1);
    if (!part)
      return part.takeError();
    draws.middleRows(i * each, each) = *part;
  }
  Eigen::VectorXd logWeights(draws.rows());
  if (auto ok = target(draws.data(), draws.rows(), logWeights.data(), nullptr); !ok)
    return ok.takeError();
  Eigen::MatrixXd logDensities(draws.rows(), parts);
  for (int64_t i = 0; i < parts; ++i) {
    auto logProb = (*kernels)->logProb<double>((*normals)[i], draws);
    if (!logProb)
      return logProb.takeError();
    logDensities.col(i) = *logProb;
  }
  Eigen::VectorXd most = logDensities.rowwise().maxCoeff();
  logWeights -= most + (logDensities.colwise() - most).array().exp().rowwise().sum().log().matrix();
  logWeights = logWeights.unaryExpr([](double weight) { return std::isfinite(weight) ? weight : -HUGE_VAL; }).eval();
  if (logWeights.maxCoeff() == -HUGE_VAL)
    return Error{"the density '" + place.target.name() + "' is 0 or infinite wherever it is looked for"};
  return resample(draws, logWeights, count);
}
