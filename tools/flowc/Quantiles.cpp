//===- Quantiles.cpp - flowc quantiles ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Restrictions.h"
#include "Target.h"

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

/// Draws, each column by itself.
Expected<std::vector<std::vector<double>>> drawColumns(const Loaded &loaded, const QuantileOptions &options,
                                                       const std::vector<std::string> &names) {
  auto condition = readOneCondition(loaded, options.data);
  if (!condition)
    return condition.takeError();
  std::vector<std::vector<double>> columns(names.size());
  auto keep = [&](const Rows<double> &rows) -> Expected<void> {
    for (size_t i = 0; i < columns.size(); ++i)
      columns[i].insert(columns[i].end(), rows.col(static_cast<int64_t>(i)).begin(),
                        rows.col(static_cast<int64_t>(i)).end());
    return {};
  };
  RestrictedDrawsOptions draws{.seed = options.seed, .condition = *condition, .names = names};
  if (auto ok = drawRestricted(loaded, options.restriction, draws, options.count, keep); !ok)
    return ok.takeError();
  return columns;
}

Expected<int> runQuantiles(const QuantileOptions &options) {
  auto loaded = loadKernels(options.model);
  if (!loaded)
    return loaded.takeError();
  std::vector<std::string> names = eventColumnNames(loaded->flow(), loaded->record), header = {"probability"};
  auto columns = drawColumns(*loaded, options, names);
  if (!columns)
    return columns.takeError();
  Rows<double> table(std::ssize(options.probabilities), 1 + 2 * std::ssize(names));
  table.col(0) = Eigen::Map<const Eigen::VectorXd>(options.probabilities.data(), table.rows());
  for (size_t i = 0; i < names.size(); ++i) {
    header.insert(header.end(), {names[i], names[i] + "_error"});
    std::vector<Quantile> quantiles = estimateQuantiles(std::move((*columns)[i]), options.probabilities);
    for (size_t row = 0; row < quantiles.size(); ++row)
      table.row(row).segment<2>(1 + 2 * i) << quantiles[row].value, quantiles[row].error;
  }
  auto writer = createRowWriter(options.output, F64, {table.cols()}, header);
  if (!writer)
    return writer.takeError();
  if (auto ok = (*writer)->append(table.data(), table.rows()); !ok)
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
