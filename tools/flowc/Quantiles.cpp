//===- Quantiles.cpp - flowc quantiles ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Restrictions.h"
#include "Target.h"

#include "flowc/Support/Print.h"
#include "flowc/Table/TableSchema.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct QuantileOptions {
  ModelOptions model;
  DataOptions data;
  RestrictionOptions restriction;
  std::string output;
  std::vector<double> probabilities = {0.05, 0.25, 0.5, 0.75, 0.95};
  int64_t count = 100000;
  uint64_t seed = 0;
};

/// Columns that have quantiles: all, or of a table those of numbers and dates.
class QuantileColumns {
public:
  explicit QuantileColumns(const Loaded &loaded)
      : table(loaded.record.table ? &*loaded.record.table : nullptr), dtype(loaded.dtype()) {
    std::vector<std::string> all = table ? table->names() : eventColumnNames(loaded.flow(), loaded.record);
    for (size_t i = 0; i < all.size(); ++i)
      if (!table || table->columns[i].kind == ColumnKind::Real || table->columns[i].kind == ColumnKind::Grid) {
        names.push_back(all[i]);
        places.push_back(i);
      }
    values.resize(names.size());
    cells.resize(all.size());
  }

  std::vector<std::string> names;
  /// Those of draws, without missing ones, by column.
  std::vector<std::vector<double>> values;

  void add(const Rows<double> &rows) {
    for (int64_t row = 0; row < rows.rows(); ++row) {
      if (table)
        table->decode(&rows(row, 0), cells.data());
      else
        std::ranges::copy(rows.row(row), cells.begin());
      for (size_t i = 0; i < places.size(); ++i)
        if (!std::isnan(cells[places[i]]))
          values[i].push_back(cells[places[i]]);
    }
  }

  /// Writes a probability, then of each column a quantile, as the table's values are written
  /// if there is one, and its error.
  CellWriter cellWriter() const {
    CellWriter ofTable = table ? table->cellWriter(dtype) : CellWriter();
    return [ofTable, dtype = dtype, places = places](int64_t column, double value, std::string &text) {
      if (column == 0)
        return false;
      if (column % 2 == 0)
        text = print("%.2g", value);
      else if (!ofTable || !ofTable(static_cast<int64_t>(places[static_cast<size_t>(column / 2)]), value, text))
        text = formatNumber(value, dtype);
      return true;
    };
  }

private:
  const TableSchema *table;
  DType dtype;
  std::vector<size_t> places; ///< In the table.
  std::vector<double> cells;
};

Expected<void> draw(const Loaded &loaded, const QuantileOptions &options, QuantileColumns &columns) {
  auto condition = readOneCondition(loaded, options.data);
  if (!condition)
    return condition.takeError();
  RestrictedDrawsOptions draws{.seed = options.seed, .condition = *condition};
  return drawRestricted(loaded, options.restriction, draws, options.count,
                        [&](const Rows<double> &rows) -> Expected<void> {
                          columns.add(rows);
                          return {};
                        });
}

Expected<int> runQuantiles(const QuantileOptions &options) {
  auto loaded = loadKernels(options.model);
  if (!loaded)
    return loaded.takeError();
  if (!loaded->flow().isDistribution())
    return Error{"'" + loaded->flow().name() + "' is no flow: quantiles are those of draws"};
  QuantileColumns columns(*loaded);
  if (auto ok = draw(*loaded, options, columns); !ok)
    return ok.takeError();
  std::vector<std::string> header = {"probability"};
  Rows<double> lines(std::ssize(options.probabilities), 1 + 2 * std::ssize(columns.names));
  lines.col(0) = Eigen::Map<const Eigen::VectorXd>(options.probabilities.data(), lines.rows());
  for (size_t i = 0; i < columns.names.size(); ++i) {
    header.insert(header.end(), {columns.names[i], columns.names[i] + "_error"});
    std::vector<Quantile> quantiles = estimateQuantiles(std::move(columns.values[i]), options.probabilities);
    for (size_t row = 0; row < quantiles.size(); ++row)
      lines.row(row).segment<2>(1 + 2 * i) << quantiles[row].value, quantiles[row].error;
  }
  auto writer = createRowWriter(options.output, F64, {lines.cols()}, header, columns.cellWriter());
  if (!writer)
    return writer.takeError();
  if (auto ok = (*writer)->append(lines.data(), lines.rows()); !ok)
    return ok.takeError();
  if (auto ok = (*writer)->finish(); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addQuantilesCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "quantiles", "Quantiles of each column",
                 "  flowc quantiles model.safetensors\n"
                 "  flowc quantiles model.safetensors --at 0.025,0.5,0.975 -n 1000000\n"
                 "  flowc quantiles model.safetensors --given redshift=0.5\n"
                 "  flowc quantiles model.safetensors --condition one.csv\n\n"
                 "Of the marginal distribution of each column under the model, or of its conditional one: under a\n"
                 "condition, given values of other columns, or within bounds. By draws, with standard errors.",
                 runQuantiles);
  options->model.add(*command);
  command->add_option("--at", options->probabilities, "Probabilities")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  options->restriction.add(*command);
  command->add_option("--condition", options->data.condition, "The condition, one row");
  addColumnOption(*command, "--condition-columns", options->data.conditionColumns, "Columns of the condition file");
  command->add_option("-n,--count", options->count, "Draws")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(100), int64_t(1) << 32));
  command->add_option("--seed", options->seed, "Seed of the draws")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  addOutput(*command, options->output);
}
