//===- Builder.cpp - From rows to a report --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include "flowc/Explain/Explain.h"
#include "flowc/Fit.h"
#include "flowc/IO/Rows.h"
#include "flowc/Support/Reservoir.h"
#include "flowc/Support/WithType.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace flowc;
using namespace flowc::report;

namespace {

constexpr int64_t kFewestDraws = 10000; ///< That rows are compared with.
constexpr size_t kListed = 10;          ///< Rows of a list.

/// Rows that are compared: fewer of wide ones, which are held several times.
int64_t comparedRows(int64_t wanted, int64_t columns) {
  constexpr int64_t elements = 8'000'000, fewest = 1000;
  return std::min(wanted, std::max(fewest, elements / columns));
}

/// A row with its place in the file, from 1.
struct NumberedRow {
  int64_t number;
  double logProb;
  Eigen::VectorXd x, condition;
};

class ReportBuilderImpl final : public ReportBuilder {
public:
  ReportBuilderImpl(Kernels &kernels, const Model &model, const TrainingRecord &record, const ReportOptions &options)
      : flow(kernels, model, options.seed), options(options), dim(flow.flow().dim()), condDim(flow.flow().condDim()),
        reservoir(comparedRows(options.rows, dim + condDim), options.seed) {
    report.record = record;
    report.seed = options.seed;
    auto describe = [](std::vector<std::string> names, const std::vector<std::string> &recorded, const char *prefix,
                       int64_t count) {
      if (std::ssize(names) != count)
        names = std::ssize(recorded) == count ? recorded : defaultColumnNames(prefix, count);
      std::vector<ColumnDescription> columns;
      for (const std::string &name : names)
        columns.push_back({.name = name,
                           .least = std::numeric_limits<double>::infinity(),
                           .most = -std::numeric_limits<double>::infinity()});
      return columns;
    };
    report.columns = describe(options.columns, record.columns, "x", dim);
    report.conditions = describe(options.conditions, record.conditionColumns, "c", condDim);
    columnMoments.resize(report.columns.size());
    conditionMoments.resize(report.conditions.size());
  }

  Expected<void> add(const void *x, const void *condition, int64_t rows) override;
  Expected<Report> finish() override;

private:
  void keep(NumberedRow row);
  void describeFlow();
  void describeColumns();
  Expected<void> compare();
  Expected<void> drawRows();
  Expected<void> scoreRows(const SharesUnderCondition *shares);
  Expected<std::vector<SurprisingRow>> score(const std::vector<NumberedRow> &chosen) const;
  void judgeBaselines();
  void adjustTests();
  void tell(const std::string &what) const {
    if (options.progress)
      options.progress(what);
  }

  const FlowRows flow;
  const ReportOptions options;
  const int64_t dim, condDim;
  Reservoir reservoir;
  std::vector<NumberedRow> kept, leastLikely;
  Compared compared;
  Report report;
  RunningMoments inside; ///< Of log-densities.
  std::vector<RunningMoments> columnMoments, conditionMoments;
};

} // namespace

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Counts one number of a column.
static void addTo(ColumnDescription &column, RunningMoments &moments, double value) {
  if (std::isnan(value)) {
    ++column.missing;
    return;
  }
  moments.add(value);
  column.least = std::min(column.least, value);
  column.most = std::max(column.most, value);
}

/// Rows as the table that the model was made from has them: rounded, and within bounds.
static Rows<double> asInTable(Rows<double> rows, const std::optional<TableSchema> &table) {
  if (table && table->width() == rows.cols())
    for (int64_t row = 0; row < rows.rows(); ++row)
      table->snap(rows.row(row).data());
  return rows;
}

void ReportBuilderImpl::keep(NumberedRow row) {
  auto isLess = [](const NumberedRow &a, const NumberedRow &b) {
    return std::pair(a.logProb, a.number) < std::pair(b.logProb, b.number);
  };
  if (leastLikely.size() < kListed || isLess(row, leastLikely.back())) {
    leastLikely.insert(std::ranges::upper_bound(leastLikely, row, isLess), row);
    leastLikely.resize(std::min(leastLikely.size(), kListed));
  }
  int64_t place = reservoir.placeNext();
  if (place == std::ssize(kept))
    kept.push_back(std::move(row));
  else if (place >= 0)
    kept[static_cast<size_t>(place)] = std::move(row);
}

Expected<void> ReportBuilderImpl::add(const void *x, const void *condition, int64_t rows) {
  if (rows < 0)
    return Error{"the number of rows is negative: " + std::to_string(rows)};
  DType dtype = flow.getKernels().dtype();
  Rows<double> events = toDoubles(dtype, x, rows, dim), conditions;
  if (condDim > 0)
    conditions = toDoubles(dtype, condition, rows, condDim);
  auto logProb = flow.logProb(events, conditions);
  if (!logProb)
    return logProb.takeError();
  Rows<double> cells = asInTable(events, report.record.table);
  for (int64_t row = 0; row < rows; ++row) {
    double value = (*logProb)[row];
    int64_t number = ++report.rows;
    for (int64_t column = 0; column < dim; ++column)
      addTo(report.columns[column], columnMoments[column], cells(row, column));
    for (int64_t column = 0; column < condDim; ++column)
      addTo(report.conditions[column], conditionMoments[column], conditions(row, column));
    if (std::isnan(value)) {
      ++report.undefined;
    } else if (!std::isfinite(value)) {
      ++report.outside;
      if (report.outsideNumbers.size() < kListed)
        report.outsideNumbers.push_back(number);
    } else {
      inside.add(value);
      keep({number, value, events.row(row), condDim > 0 ? Eigen::VectorXd(conditions.row(row)) : Eigen::VectorXd()});
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Descriptions
//===----------------------------------------------------------------------===//

void ReportBuilderImpl::describeFlow() {
  const Flow &text = flow.flow();
  report.flowName = text.name();
  report.flowText = text.text();
  report.dtype = flow.getKernels().dtype() == F32 ? "float32" : "float64";
  report.parameters = flow.getModel().numTrainable();
  if (auto macs = flow.getKernels().macsPerRow(Kernel::LogProb))
    report.macsPerRow = *macs;
  if (auto mathematics = explain(text))
    report.mathematics = std::move(*mathematics);
}

static void describeMoments(ColumnDescription &column, const RunningMoments &moments) {
  column.numbers = moments.count;
  column.mean = moments.mean;
  column.deviation = moments.deviation();
}

/// What only sorted values tell.
static void describeValues(ColumnDescription &column, const std::vector<double> &sorted) {
  column.lower = quantile(sorted, 0.05);
  column.median = quantile(sorted, 0.5);
  column.upper = quantile(sorted, 0.95);
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    auto end = std::upper_bound(begin, sorted.end(), *begin);
    double share = static_cast<double>(end - begin) / static_cast<double>(sorted.size());
    if (share > column.commonestShare) {
      column.commonest = *begin;
      column.commonestShare = share;
    }
    ++column.distinct;
    begin = end;
  }
}

void ReportBuilderImpl::describeColumns() {
  Rows<double> cells = asInTable(compared.x, report.record.table);
  for (int64_t column = 0; column < dim; ++column) {
    compared.sorted.push_back(sortedColumn(compared.x, column));
    describeMoments(report.columns[column], columnMoments[column]);
    describeValues(report.columns[column], sortedColumn(cells, column));
  }
  for (int64_t column = 0; column < condDim; ++column) {
    describeMoments(report.conditions[column], conditionMoments[column]);
    describeValues(report.conditions[column], sortedColumn(compared.condition, column));
  }
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

Expected<void> ReportBuilderImpl::drawRows() {
  auto rows = std::ssize(kept);
  compared.x.resize(rows, dim);
  compared.condition.resize(condDim > 0 ? rows : 0, condDim);
  compared.logProb.resize(rows);
  for (int64_t row = 0; row < rows; ++row) {
    compared.x.row(row) = kept[row].x;
    if (condDim > 0)
      compared.condition.row(row) = kept[row].condition;
    compared.logProb[row] = kept[row].logProb;
  }
  int64_t times = std::max<int64_t>(1, (kFewestDraws + rows - 1) / rows);
  compared.drawConditions = repeatEach(compared.condition, times);
  auto drawn = flow.draw(rows * times, compared.drawConditions);
  if (!drawn)
    return drawn.takeError();
  compared.draws = std::move(*drawn);
  for (int64_t column = 0; column < dim; ++column)
    compared.sortedDraws.push_back(sortedColumn(compared.draws.x, column));
  report.comparedRows = rows;
  report.draws = rows * times;
  return {};
}

Expected<std::vector<SurprisingRow>> ReportBuilderImpl::score(const std::vector<NumberedRow> &chosen) const {
  Kernels &kernels = flow.getKernels();
  auto scorer = RowScorer::create(kernels, flow.getModel(), {.draws = report.scoreDraws, .seed = options.seed});
  if (!scorer)
    return scorer.takeError();
  Rows<double> x(std::ssize(chosen), dim), condition(std::ssize(chosen), condDim);
  for (int64_t row = 0; row < x.rows(); ++row) {
    x.row(row) = chosen[row].x;
    condition.row(row) = chosen[row].condition;
  }
  auto scores = withType(kernels.dtype(), [&]<typename T>() {
    Rows<T> events = x.cast<T>(), conditions = condition.cast<T>();
    return (*scorer)->score(events.data(), conditions.data(), events.rows());
  });
  if (!scores)
    return scores.takeError();
  x = asInTable(std::move(x), report.record.table);
  std::vector<SurprisingRow> result;
  for (int64_t row = 0; row < x.rows(); ++row)
    result.push_back({chosen[row].number,
                      scores->logProb[row],
                      scores->tail[row],
                      {x.row(row).begin(), x.row(row).end()},
                      {condition.row(row).begin(), condition.row(row).end()},
                      {scores->residuals.row(row).begin(), scores->residuals.row(row).end()}});
  return result;
}

/// The least likely rows; and under conditions, where those need not be the most surprising,
/// these, too: candidates are compared with more draws.
Expected<void> ReportBuilderImpl::scoreRows(const SharesUnderCondition *shares) {
  report.scoreDraws = condDim > 0 ? 2000 : 10000;
  std::vector<NumberedRow> candidates = leastLikely;
  if (shares) {
    std::vector<int64_t> order(shares->rows.size());
    std::iota(order.begin(), order.end(), int64_t(0));
    std::ranges::sort(order, {},
                      [&](int64_t i) { return std::pair(shares->shares(i, dim), compared.logProb[shares->rows[i]]); });
    order.resize(std::min(order.size(), 4 * kListed));
    for (int64_t i : order)
      if (auto &row = kept[shares->rows[i]];
          std::ranges::find(leastLikely, row.number, &NumberedRow::number) == leastLikely.end())
        candidates.push_back(row);
  }
  auto scored = score(candidates);
  if (!scored)
    return scored.takeError();
  report.leastLikely.assign(scored->begin(), scored->begin() + std::ssize(leastLikely));
  if (!shares)
    return {};
  std::ranges::sort(*scored, {},
                    [](const SurprisingRow &row) { return std::tuple(row.tail, row.logProb, row.number); });
  scored->resize(std::min(scored->size(), kListed));
  report.mostSurprising = std::move(*scored);
  return {};
}

/// At most `most` rows, at equal distances.
static Rows<double> everyNth(const Rows<double> &rows, int64_t most) {
  Rows<double> result(std::min(most, rows.rows()), rows.cols());
  for (int64_t i = 0; i < result.rows(); ++i)
    result.row(i) = rows.row(i * rows.rows() / result.rows());
  return result;
}

/// Of a model that `fitTable` made, the record has them.
void ReportBuilderImpl::judgeBaselines() {
  constexpr int64_t most = 10000;
  if (!report.record.search.empty())
    return;
  Rows<double> x = everyNth(compared.x, most), condition = everyNth(compared.condition, most);
  FitTable table;
  table.x = RowsView(x.data(), x.rows(), dim);
  if (condDim > 0)
    table.condition = RowsView(condition.data(), condition.rows(), condDim);
  for (const ColumnDescription &column : report.columns)
    table.names.push_back(column.name);
  for (const ColumnDescription &column : report.conditions)
    table.conditionNames.push_back(column.name);
  auto scores = scoreBaselines(table, {.seed = options.seed, .dtype = F64, .threads = options.threads});
  report.baselines.rows = x.rows();
  if (!scores) {
    report.baselines.problem = scores.error().message;
    return;
  }
  report.baselines.forms = std::move(scores->forms);
  report.baselines.heldOutRows = scores->heldOutRows;
  report.baselines.parts = scores->folds;
}

/// p-values beside all others, by Holm's method.
void ReportBuilderImpl::adjustTests() {
  std::vector<double> values;
  for (const MarginalReport &marginal : report.marginals)
    values.push_back(marginal.test.pValue);
  for (const UniformityReport &uniform : report.uniform)
    values.push_back(uniform.test.pValue);
  std::vector<double> adjusted = adjustByHolm(values);
  for (size_t i = 0; i < report.marginals.size(); ++i)
    report.marginals[i].adjusted = adjusted[i];
  for (size_t i = 0; i < report.uniform.size(); ++i)
    report.uniform[i].adjusted = adjusted[report.marginals.size() + i];
}

Expected<void> ReportBuilderImpl::compare() {
  tell("drawing");
  if (auto ok = drawRows(); !ok)
    return ok;
  describeColumns();
  compareMarginals(compared, report);
  comparePairs(compared, report);
  std::optional<SharesUnderCondition> shares;
  if (condDim > 0) {
    tell("drawing under conditions");
    compareBands(compared, report);
    auto found = sharesUnderConditions(flow, compared);
    if (!found)
      return found.takeError();
    shares = std::move(*found);
  }
  tell("testing");
  if (auto ok = compareUniformity(flow, compared, shares ? &*shares : nullptr, report); !ok)
    return ok;
  adjustTests();
  tell("scoring rows");
  return scoreRows(shares ? &*shares : nullptr);
}

Expected<Report> ReportBuilderImpl::finish() {
  if (report.rows == 0)
    return Error{"there are no rows to report on"};
  if (inside.count == 0)
    return Error{"none of the " + std::to_string(report.rows) + " rows has a density under '" + flow.flow().name() +
                 "' (" + std::to_string(report.undefined) +
                 " hold a NaN, the others are outside of its support): " + "there is nothing to report"};
  report.meanLogProb = inside.mean;
  report.logProbError = inside.error();
  if (auto ok = compare(); !ok)
    return ok.takeError();
  tell("closed forms to compare with");
  judgeBaselines();
  tell("explaining the flow");
  describeFlow();
  return std::move(report);
}

int64_t Report::numTests() const { return std::ssize(marginals) + std::ssize(uniform); }

int64_t Report::numRejected() const {
  constexpr double level = 0.01;
  auto isRejected = [](const auto &test) { return test.adjusted < level; };
  return std::ranges::count_if(marginals, isRejected) + std::ranges::count_if(uniform, isRejected);
}

Expected<std::unique_ptr<ReportBuilder>> ReportBuilder::create(Kernels &kernels, const Model &model,
                                                               const TrainingRecord &record,
                                                               const ReportOptions &options) {
  constexpr int64_t fewest = 100;
  const Flow &flow = kernels.flow();
  if (!flow.isDistribution())
    return Error{"'" + flow.name() + "' is a " + (flow.isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions have samples"};
  if (options.rows < fewest)
    return Error{"rows are compared by a choice of " + std::to_string(options.rows) + ", expected at least " +
                 std::to_string(fewest)};
  return std::unique_ptr<ReportBuilder>(std::make_unique<ReportBuilderImpl>(kernels, model, record, options));
}
