//===- Evaluation.h - How good a flow is ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A flow q as an approximation of a target p (a log-density up to a constant):
// ELBO, evidence, effective sample size, Pareto k, importance resampling. A flow
// as a description of data: its log-likelihood, and whether what should be
// uniform is uniform.
//
//   auto target = flowc::compileLogDensity(*density);
//   auto result = flowc::evaluateTarget(**kernels, *model, *target, {.draws = 100000});
//   if (result->paretoK < flowc::paretoKThreshold(result->draws)) ...
//
// Draws and rows pass in chunks; no result depends on their size, nor on the
// number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EVALUATION_H
#define FLOWC_EVALUATION_H

#include "flowc/Support/RunningMoments.h"
#include "flowc/flowc.h"

#include <functional>
#include <span>

namespace flowc {

//===----------------------------------------------------------------------===//
// Pareto-smoothed importance sampling
//===----------------------------------------------------------------------===//
//
// A. Vehtari, D. Simpson, A. Gelman, Y. Yao, J. Gabry, "Pareto smoothed importance
// sampling", JMLR 25(72), 2024: a generalised Pareto distribution is fitted to the
// largest min(S / 5, 3 sqrt(S)) of S importance ratios, after J. Zhang and
// M. A. Stephens, "A new and efficient estimation method for the generalized Pareto
// distribution", Technometrics 51, 2009, with PSIS's weakly informative prior for k.
// Its shape k says how many moments the ratios have: fewer than 1 / k.

/// The shape k of the upper tail of exp(`logRatios`); -inf is a ratio of zero, NaN and
/// +inf are not allowed. 0 if the largest ratios are equal (a bounded tail), +inf
/// if fewer than five stand out or none is positive.
double paretoK(std::span<const double> logRatios);

/// Replaces the log-ratios of the tail by quantiles of the fitted distribution, at most
/// the largest ratio, and returns its k. Nothing changes where there is no fit.
double smoothLogRatios(std::span<double> logRatios);

/// Below this k, estimates from `draws` draws can be relied on: min(1 - 1 / log10(S), 0.7).
double paretoKThreshold(int64_t draws);

/// What `k` means for estimates from `draws` draws, in words.
std::string describeParetoK(double k, int64_t draws);

//===----------------------------------------------------------------------===//
// Against a target
//===----------------------------------------------------------------------===//

/// Writes the log-densities of `rows` events, row-major in `x`. May be called from
/// one thread at a time only.
using LogDensity = std::function<Expected<void>(const double *x, int64_t rows, double *result)>;

/// The log-density of a `density` or of an unconditional `flow` without parameters,
/// compiled in float64 (`options.dtype` and `options.target` have no meaning here).
Expected<LogDensity> compileLogDensity(const Flow &density, CompileOptions options = {});

/// Draws that a flow is judged by.
struct EvaluateTargetOptions {
  int64_t draws = 100000; ///< At least 100.
  uint64_t seed = 0;
  /// Of a conditional flow: the condition of all draws.
  std::vector<double> condition = {};
  /// Called now and then with the number of draws done.
  std::function<void(int64_t)> progress = {};
};

/// A flow q beside a target p = exp(log-density) / Z. Logarithms are natural; `Error` is
/// one standard error. With ratios w = p Z / q of draws from q:
struct TargetEvaluation {
  int64_t draws = 0;
  uint64_t seed = 0;
  /// Draws at which the target is 0. If there are some, the ELBO is -inf and its
  /// error NaN.
  int64_t outside = 0;
  double elbo = 0, elboError = 0;               ///< Mean of log w.
  double logEvidence = 0, logEvidenceError = 0; ///< log Z, as the logarithm of the mean of w.
  double effectiveSampleSize = 0;               ///< (sum w)^2 / sum w^2.
  double paretoK = 0;

  /// KL(q || p) as estimated: the evidence less the ELBO.
  double divergence() const { return logEvidence - elbo; }
  /// One JSON object; what is not finite is null.
  std::string toJson() const;
  /// Lines for people.
  std::string toText() const;
};

/// The first of the draws by which a flow is judged: far from those that `sample` and
/// training use with the same seed.
inline constexpr uint64_t kFirstEvaluationDraw = uint64_t(1) << 40;

/// Judges a flow by draws from it, from `kFirstEvaluationDraw` on. Errors: a log-density that is NaN or +inf at a
/// draw, which the message names.
Expected<TargetEvaluation> evaluateTarget(Kernels &kernels, const Model &model, const LogDensity &target,
                                          const EvaluateTargetOptions &options = {});

//===----------------------------------------------------------------------===//
// Importance resampling
//===----------------------------------------------------------------------===//

/// How draws are resampled from a pool of draws of the flow.
struct ResampleOptions {
  int64_t count = 1000; ///< How many to choose.
  int64_t pool = 0;     ///< From how many draws; 0: the larger of 10 `count` and 10,000.
  uint64_t seed = 0;    ///< Of the pool and of the choice.
  /// Whether a draw can be chosen more than once.
  bool replacement = true;
  std::vector<double> condition = {};
  std::function<void(int64_t)> progress = {};
};

/// Draws of the pool: those asked for, or the default.
int64_t resamplePool(const ResampleOptions &options);

/// Which draws were chosen.
struct Resampling {
  /// Numbers of draws of the pool's seed, ascending.
  std::vector<int64_t> chosen;
  int64_t distinct = 0;
  /// The pool as draws of the flow.
  TargetEvaluation pool;
};

/// Chooses draws of the flow in proportion to their Pareto-smoothed importance ratios
/// (sampling importance resampling): with replacement by systematic resampling, where
/// a draw is chosen its expected number of times, up to one; else by the largest
/// log-ratios with Gumbel noise. The result is a function of the arguments alone.
Expected<Resampling> resample(Kernels &kernels, const Model &model, const LogDensity &target,
                              const ResampleOptions &options);

/// Draws the chosen samples (in the kernels' element type) and gives them to `consume`,
/// some at a time.
Expected<void> drawChosen(Kernels &kernels, const Model &model, const Resampling &resampling,
                          const ResampleOptions &options,
                          const std::function<Expected<void>(const void *rows, int64_t count)> &consume);

//===----------------------------------------------------------------------===//
// Against data
//===----------------------------------------------------------------------===//

/// The test of Kolmogorov and Smirnov: the largest distance of two distribution
/// functions, and its probability if there is no difference. (Asymptotic, with the
/// correction of M. A. Stephens, JRSS B 32, 1970: within 0.002 from 10 rows on.)
struct UniformityTest {
  double statistic = 0, pValue = 1;
};

/// The test for `values` of the uniform distribution on [0, 1]. NaN is left out.
UniformityTest testUniformity(std::vector<double> values);
/// The test whether two sets of values are from one distribution.
UniformityTest testEquality(std::vector<double> first, std::vector<double> second);

struct EvaluateDataOptions {
  uint64_t seed = 0; ///< Of the samples that marginals are compared with.
  /// Tests see this many rows at most (fewer of very wide ones), a random choice.
  int64_t testRows = 100000;
};

/// A flow beside data.
struct DataEvaluation {
  int64_t rows = 0;
  /// Rows with density 0, and rows that hold a NaN. Neither take part in what follows.
  int64_t outside = 0, undefined = 0;
  double meanLogProb = 0, logProbError = 0; ///< In nats; the error is one standard error.
  int64_t testedRows = 0;
  /// For each coordinate: rows against samples of the flow, one for each row (under the
  /// row's condition, if there is one).
  std::vector<UniformityTest> marginal;
  /// For each coordinate of the base distribution: what the rows come from, against
  /// the base distribution.
  std::vector<UniformityTest> base;
  /// Whether `base` tests Phi(z) for uniformity (a standard normal base), else z
  /// against draws of the base distribution.
  bool exactBase = false;
  /// If the map to the base is triangular in some order of coordinates, `base` tests
  /// the Rosenblatt transform: entry i is the coordinate whose conditional distribution,
  /// given those that come before it in `rosenblattOrder`, base coordinate i tests.
  std::vector<int64_t> rosenblatt;
  std::vector<int64_t> rosenblattOrder; ///< Coordinates, first to last; empty if not triangular.

  std::string toJson(const std::vector<std::string> &names) const;
  std::string toText(const std::vector<std::string> &names) const;
};

/// Takes rows in chunks.
class DataEvaluator {
public:
  virtual ~DataEvaluator() = default;
  /// `kernels` and `model` must outlive it.
  static std::unique_ptr<DataEvaluator> create(Kernels &kernels, const Model &model,
                                               const EvaluateDataOptions &options = {});
  /// `x`, and `condition` for a conditional flow: row-major, in the kernels' type.
  virtual Expected<void> add(const void *x, const void *condition, int64_t rows) = 0;
  /// The result for all rows. Errors: there were none.
  virtual Expected<DataEvaluation> finish() = 0;
};

/// The same for rows in memory.
Expected<DataEvaluation> evaluateData(Kernels &kernels, const Model &model, const RowsIn &rows,
                                      const EvaluateDataOptions &options = {});

//===----------------------------------------------------------------------===//
// Beside another flow
//===----------------------------------------------------------------------===//

/// Two flows on the same rows: mean log-likelihoods in nats, each with one standard error. That
/// of the difference, row by row, is much smaller than the errors of both where what is hard
/// for one is hard for the other.
struct ModelComparison {
  int64_t rows = 0;
  int64_t undefined = 0; ///< Rows whose log-density is NaN for one of them: left out.
  /// Rows where the first has density 0, and where the second has. The mean is then -inf.
  int64_t firstOutside = 0, secondOutside = 0;
  double first = 0, firstError = 0, second = 0, secondError = 0;
  /// The first less the second. Of the rows where both have a density.
  double difference = 0, differenceError = 0;
  double better = 0; ///< Share of these rows that are more likely for the first; half of ties.

  std::string toJson() const;
  /// Lines for people, in which the flows have these names.
  std::string toText(const std::string &firstName, const std::string &secondName) const;
};

/// Takes log-densities of rows in any portions.
class ModelComparer {
public:
  /// The log-densities of the same rows under both.
  void add(std::span<const double> first, std::span<const double> second);
  /// The result for all rows. Errors: there were none.
  Expected<ModelComparison> finish() const;

private:
  RunningMoments first, second, difference;
  ModelComparison counts;
};

//===----------------------------------------------------------------------===//
// Row by row
//===----------------------------------------------------------------------===//

struct ScoreRowsOptions {
  int64_t draws = 10000; ///< That rows are compared with, at least 10; of a conditional flow, for each row.
  uint64_t seed = 0;     ///< Of these.
};

/// How surprising rows are for a flow.
struct RowScores {
  Eigen::VectorXd logProb;
  /// The probability that the flow (under the row's condition) draws an event of no larger
  /// density, as estimated by draws: (1 + those) / (1 + all). Small for an anomaly.
  Eigen::VectorXd tail;
  /// For each row and coordinate i: how many standard deviations x[i] lies from where the
  /// others would have it, by the normal approximation of x[i] given all others at x: with
  /// slope g and curvature -h of log p along x[i], that is -g / sqrt(h). Where h is not
  /// positive, its median over draws stands for it (of a conditional flow, draws under the
  /// condition of the first row of all). Outside of the support 0.
  Rows<double> residuals;
};

/// Scores rows, in chunks; no result depends on their size, nor on the number of threads.
class RowScorer {
public:
  virtual ~RowScorer() = default;
  /// `kernels`, of a flow, and `model` must outlive it. Errors: too few draws.
  static Expected<std::unique_ptr<RowScorer>> create(Kernels &kernels, const Model &model,
                                                     const ScoreRowsOptions &options = {});
  /// `x`, and `condition` for a conditional flow: row-major, in the kernels' type. Rows that
  /// hold a NaN have NaN throughout.
  virtual Expected<RowScores> score(const void *x, const void *condition, int64_t rows) = 0;
};

} // namespace flowc

#endif // FLOWC_EVALUATION_H
