//===- Report.h - A model and its data on one page --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a person wants to know before relying on a model: its likelihood beside simpler
// ones, where its distribution differs from the rows, which rows surprise it. First the
// numbers, then a page of HTML that needs nothing but itself.
//
//   auto builder = flowc::ReportBuilder::create(**kernels, *model, record, {.seed = 1});
//   builder->add(x.data(), nullptr, x.rows());
//   auto report = builder->finish();
//   std::string page = report->toHtml();
//
// Rows pass in chunks; no result depends on their size, nor on the number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_REPORT_H
#define FLOWC_REPORT_H

#include "flowc/Evaluation.h"
#include "flowc/Training/Record.h"

#include <array>

namespace flowc {

/// Where values lie on an axis.
struct Scale {
  double low = 0, high = 1;
  bool logarithmic = false; ///< `low` is positive.

  /// From 0 at `low` to 1 at `high`; NaN of what a logarithm does not have.
  double position(double value) const;
  /// The value there.
  double valueAt(double position) const;
};

/// What a column of the rows holds. Quantiles and counts of values are those of the rows
/// that are compared (`Report::comparedRows`), the others of all rows.
struct ColumnDescription {
  std::string name;
  int64_t numbers = 0, missing = 0; ///< Missing: NaN.
  double mean = 0, deviation = 0, least = 0, most = 0;
  double lower = 0, median = 0, upper = 0; ///< Quantiles at 5 %, 50 % and 95 %.
  int64_t distinct = 0;
  double commonest = 0, commonestShare = 0;
};

/// How many rows and how many draws of the model lie in each of the same bins. The bins
/// of two columns are one after the other along the first, row by row of the second.
struct SharedBins {
  std::vector<int64_t> data, model;
  int64_t dataRows = 0, modelRows = 0; ///< In the bins or beside them.

  int64_t croppedData() const;
  int64_t croppedModel() const;
};

/// A quantile of the model and of the rows, and where 95 % of such quantiles of rows
/// would lie if the model were right (pointwise).
struct QuantilePair {
  double share = 0, model = 0, data = 0, low = 0, high = 0;
};

/// One column of the rows beside draws of the model.
struct MarginalReport {
  size_t column = 0;
  double modelMean = 0, modelDeviation = 0;
  Scale scale;
  SharedBins bins;
  std::vector<QuantilePair> quantiles;
  UniformityTest test; ///< Whether the two are from one distribution.
  double adjusted = 1; ///< Its p-value beside all tests of the report (Holm).
};

/// Two columns: their joint histograms, in `binsPerSide` bins of each.
struct PairReport {
  size_t across = 0, up = 0;
  SharedBins bins;
};

/// Spearman's rank correlation of two columns, in the rows and in draws of the model.
struct Dependence {
  size_t first = 0, second = 0;
  double data = 0, model = 0;
  double error = 0; ///< Standard error of the difference.
};

/// Values that are uniform on [0, 1] if the model is right.
struct UniformityReport {
  std::string label;
  std::vector<int64_t> counts; ///< In equal bins.
  int64_t rows = 0;
  UniformityTest test;
  double adjusted = 1;
};

/// How often intervals that should hold `level` of the rows do.
struct Coverage {
  double level = 0;
  int64_t inside = 0, rows = 0;

  double share() const;
  /// The standard error of `share`, if `level` is right.
  double error() const;
};
inline constexpr std::array<double, 5> kCoverageLevels = {0.5, 0.8, 0.9, 0.95, 0.99};

struct CoverageReport {
  std::string label;
  std::vector<Coverage> levels;
};

/// A row that the model finds unlikely.
struct SurprisingRow {
  int64_t number = 0; ///< From 1.
  double logProb = 0, tail = 1;
  std::vector<double> values, conditions, residuals;
};

/// A column against a condition: quantiles at 10 %, 50 % and 90 % of rows, and of draws
/// under their conditions, in bins of equal numbers of rows.
struct BandReport {
  struct Bin {
    double from = 0, to = 0, middle = 0; ///< Of the condition; the median.
    int64_t rows = 0;
    std::array<double, 3> data = {}, model = {};
  };
  size_t column = 0, condition = 0;
  Scale x, y;
  std::vector<Bin> bins;
  std::vector<std::array<double, 2>> points; ///< Some rows.
};

/// Closed forms that were fitted to the same rows, and by how many others they are judged.
struct BaselinesReport {
  std::vector<Contestant> forms;
  int64_t rows = 0, heldOutRows = 0, parts = 1;
  std::string problem; ///< Why there are none.
};

/// Where a report comes from, as its page says it; nothing of it is opened.
struct ReportSource {
  /// A file; without a name, none.
  struct File {
    std::string name;
    int64_t bytes = 0;
    uint64_t hash = 0;
  };
  std::string version, command;
  File model, data, condition;
};

struct Report {
  ReportSource source;
  uint64_t seed = 0;
  // The flow.
  std::string flowName, flowText, mathematics, dtype;
  int64_t parameters = 0, macsPerRow = 0;
  TrainingRecord record;
  // The rows.
  std::vector<ColumnDescription> columns, conditions;
  int64_t rows = 0;
  /// Rows of density 0, and rows that hold a NaN; neither take part in what follows.
  int64_t outside = 0, undefined = 0;
  std::vector<int64_t> outsideNumbers; ///< The first of them, from 1.
  double meanLogProb = 0, logProbError = 0;
  int64_t comparedRows = 0; ///< A random choice, of more than `ReportOptions::rows`.
  int64_t draws = 0;        ///< Of the model, which they are compared with.
  BaselinesReport baselines;
  // Comparisons.
  std::vector<MarginalReport> marginals;
  std::vector<size_t> pairColumns;
  int64_t binsPerSide = 0;
  std::vector<PairReport> pairs;
  std::vector<Dependence> dependence;
  /// Whether `uniform` and `coverage` are about conditional distributions in a triangular
  /// order of the columns (Rosenblatt), and whether `uniform` is exact.
  bool isRosenblatt = false, isExact = false;
  std::vector<UniformityReport> uniform;
  std::vector<CoverageReport> coverage;
  int64_t coverageDraws = 0; ///< For each row; 0: intervals are exact, or those of all draws.
  int64_t coverageRows = 0;
  std::vector<SurprisingRow> leastLikely, mostSurprising; ///< The second of conditional flows.
  int64_t scoreDraws = 0;
  std::vector<BandReport> bands;

  bool isConditional() const { return !conditions.empty(); }
  /// Tests that are reported, and how many tell the rows from the model at 1 %, of all
  /// together.
  int64_t numTests() const;
  int64_t numRejected() const;
  std::string toHtml() const;
};

struct ReportOptions {
  uint64_t seed = 0;    ///< Of everything that is drawn or chosen.
  int64_t rows = 20000; ///< Comparisons see this many rows at most, at least 100.
  int threads = 0;      ///< For baselines; 0: all processors.
  /// Names of columns; default: those of the record, or x0, x1, ... and c0, c1, ...
  std::vector<std::string> columns = {}, conditions = {};
  std::function<void(const std::string &what)> progress = {};
};

/// Takes rows in chunks.
class ReportBuilder {
public:
  virtual ~ReportBuilder() = default;
  /// `kernels`, of a flow, and `model` must outlive it. Errors: no flow; too few rows to compare.
  static Expected<std::unique_ptr<ReportBuilder>>
  create(Kernels &kernels, const Model &model, const TrainingRecord &record, const ReportOptions &options = {});
  /// `x`, and `condition` for a conditional flow: row-major, in the kernels' type.
  virtual Expected<void> add(const void *x, const void *condition, int64_t rows) = 0;
  /// The report on all rows. Errors: none of them has a density.
  virtual Expected<Report> finish() = 0;
};

} // namespace flowc

#endif // FLOWC_REPORT_H
