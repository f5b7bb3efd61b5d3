//===- Plot.cpp - flowc plot ----------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contours.h"
#include "Figure.h"
#include "LossLog.h"
#include "Target.h"

#include <algorithm>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct PlotOptions {
  ModelOptions model;
  DataOptions data;
  TargetSource target;
  std::string output, log;
  std::vector<std::string> show;
  int64_t samples = 20000;
  uint64_t seed = 0;
};

/// More rows than this change nothing that can be seen.
constexpr int64_t mostRows = 200000;

/// Up to `mostRows` rows.
Expected<std::vector<double>> readSome(RowReader &reader) {
  int64_t columns = reader.columns();
  std::vector<double> rows(static_cast<size_t>(mostRows * columns));
  auto count = reader.next(mostRows, F64, rows.data());
  if (!count)
    return count.takeError();
  rows.resize(static_cast<size_t>(*count * columns));
  return rows;
}

template <typename T>
Expected<std::vector<double>> drawSamples(const Loaded &loaded, const PlotOptions &options,
                                          const std::vector<double> &conditions) {
  // With conditions: one sample for each, over and over.
  const int64_t dim = loaded.flow().dim(), condDim = loaded.flow().condDim();
  std::vector<T> repeated, samples(static_cast<size_t>(options.samples * dim));
  for (int64_t i = 0; condDim > 0 && i < options.samples * condDim; ++i)
    repeated.push_back(static_cast<T>(conditions[i % conditions.size()]));
  Kernels::Call call{
      .kernel = Kernel::Sample, .outputs = {samples.data()}, .rows = options.samples, .seed = options.seed};
  if (condDim > 0)
    call.inputs = {repeated.data()};
  if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
    return ok.takeError();
  return std::vector<double>(samples.begin(), samples.end());
}

/// Shows numbers as the table that the model was trained on has them: rounded, within bounds.
void snap(const std::optional<TableSchema> &table, std::vector<double> &rows) {
  if (!table)
    return;
  for (size_t row = 0; row < rows.size(); row += static_cast<size_t>(table->width()))
    table->snap(rows.data() + row);
}

/// Keeps only the columns that are shown.
Expected<void> selectShown(Figure &figure, const std::vector<std::string> &wanted) {
  constexpr size_t most = 16;
  std::vector<size_t> kept;
  for (const std::string &name : wanted) {
    auto it = std::find(figure.names.begin(), figure.names.end(), name);
    if (it == figure.names.end())
      return Error{"there is no column '" + name + "' to show"};
    kept.push_back(static_cast<size_t>(it - figure.names.begin()));
  }
  if (wanted.empty() && figure.names.size() <= most)
    return {};
  if (wanted.empty()) {
    std::fprintf(stderr, "note: only the first %zu of %zu columns are shown; choose with --show\n", most,
                 figure.names.size());
    for (size_t i = 0; i < most; ++i)
      kept.push_back(i);
  }
  auto select = [&](std::vector<double> &rows) {
    std::vector<double> result;
    for (size_t row = 0; row < rows.size(); row += figure.names.size())
      for (size_t column : kept)
        result.push_back(rows[row + column]);
    rows = std::move(result);
  };
  select(figure.data);
  select(figure.samples);
  std::vector<std::string> names;
  for (size_t column : kept)
    names.push_back(figure.names[column]);
  figure.names = std::move(names);
  return {};
}

/// What is compared with the samples, or under what conditions they are drawn.
Expected<std::vector<double>> readData(const Loaded &loaded, const PlotOptions &options, Figure &figure) {
  const Flow &flow = loaded.flow();
  if (!options.data.path.empty()) {
    auto reader = openEvents(flow, loaded.record, options.data);
    if (!reader)
      return reader.takeError();
    if (static_cast<int64_t>((*reader)->columnNames().size()) == flow.dim())
      figure.names = (*reader)->columnNames();
    auto rows = readSome(**reader);
    if (!rows)
      return rows.takeError();
    figure.data = std::move(*rows);
  }
  auto reader = openConditions(flow, loaded.record, options.data);
  if (!reader)
    return reader.takeError();
  if (!*reader)
    return std::vector<double>();
  auto rows = readSome(**reader);
  if (rows && rows->empty())
    return Error{"'" + (*reader)->path() + "' has no conditions"};
  return rows;
}

/// Draws from the target by importance resampling, as many as are shown.
Expected<std::vector<double>> drawFromTarget(const Loaded &loaded, const PlotOptions &options, const LogDensity &target,
                                             const std::vector<double> &condition) {
  ResampleOptions choice{.count = options.samples, .seed = options.seed, .condition = condition};
  auto chosen = resample(*loaded.kernels, loaded.model, target, choice);
  if (!chosen)
    return chosen.takeError();
  std::vector<double> rows;
  auto ok = drawChosen(*loaded.kernels, loaded.model, *chosen, choice, [&](const void *some, int64_t count) {
    count *= loaded.flow().dim();
    if (loaded.dtype() == F32)
      rows.insert(rows.end(), static_cast<const float *>(some), static_cast<const float *>(some) + count);
    else
      rows.insert(rows.end(), static_cast<const double *>(some), static_cast<const double *>(some) + count);
    return Expected<void>();
  });
  if (!ok)
    return ok.takeError();
  return rows;
}

/// The flow's log-density at rows of doubles, under one condition.
template <typename T>
Expected<std::vector<double>> logProbAt(const Loaded &loaded, const std::vector<double> &points,
                                        const std::vector<double> &condition) {
  std::vector<T> x(points.begin(), points.end()), logProb(points.size() / static_cast<size_t>(loaded.flow().dim())),
      conditions;
  for (size_t i = 0; i < logProb.size(); ++i)
    conditions.insert(conditions.end(), condition.begin(), condition.end());
  Kernels::Call call{.kernel = Kernel::LogProb,
                     .inputs = {x.data()},
                     .outputs = {logProb.data()},
                     .rows = static_cast<int64_t>(logProb.size())};
  if (!condition.empty())
    call.inputs.push_back(conditions.data());
  if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
    return ok.takeError();
  return std::vector<double>(logProb.begin(), logProb.end());
}

/// Both densities of two coordinates, side by side.
Expected<void> plotContours(const Loaded &loaded, const Figure &figure, const LogDensity &target,
                            const std::vector<double> &condition, const std::string &output) {
  ContourFigure contours;
  contours.title = figure.title;
  contours.names = figure.names;
  // What either of the two covers.
  auto rangeOfBoth = [&](size_t column) {
    Range flow = rangeOf(figure.samples, column, 2), other = rangeOf(figure.data, column, 2);
    return Range{std::min(flow.low, other.low), std::max(flow.high, other.high)};
  };
  contours.x = rangeOfBoth(0);
  contours.y = rangeOfBoth(1);
  std::vector<double> points = contours.gridPoints();
  auto logProb = loaded.dtype() == F32 ? logProbAt<float>(loaded, points, condition)
                                       : logProbAt<double>(loaded, points, condition);
  if (!logProb)
    return logProb.takeError();
  std::vector<double> density(points.size() / 2);
  if (auto ok = target(points.data(), static_cast<int64_t>(density.size()), density.data()); !ok)
    return ok;
  contours.panels.push_back({"flow, with samples", sampleColor, std::move(*logProb), figure.samples});
  contours.panels.push_back({"target, with resampled samples", dataColor, std::move(density), figure.data});
  return contours.draw(output);
}

Expected<void> checkPlotOptions(const PlotOptions &options) {
  if (!options.output.ends_with(".svg") && !options.output.ends_with(".png"))
    return Error{"cannot tell the format of '" + options.output + "', expected a name that ends in .svg or .png"};
  if (options.target.isGiven() && !options.data.path.empty())
    return Error{"samples are compared with DATA or with --target, not with both"};
  if (auto ok = options.data.checkUse(); !ok)
    return ok;
  if (options.log.empty() == options.model.path.empty())
    return Error{options.log.empty() ? "there is nothing to draw: give a MODEL, or a training's --log"
                                     : "a picture is of a MODEL or of a --log, not of both"};
  return checkWritable(options.output);
}

Expected<int> plotLog(const PlotOptions &options) {
  auto log = LossLog::read(options.log);
  if (!log)
    return log.takeError();
  if (auto ok = log->draw(options.output); !ok)
    return ok.takeError();
  return 0;
}

Expected<int> runPlot(const PlotOptions &options) {
  if (auto ok = checkPlotOptions(options); !ok)
    return ok.takeError();
  if (!options.log.empty())
    return plotLog(options);
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  if (!flow.isDistribution())
    return Error{"'" + flow.name() + "' is a " + (flow.isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions have samples"};
  Figure figure;
  figure.title = flow.name();
  figure.names = eventColumnNames(flow, loaded->record);
  figure.trainLosses = loaded->record.trainLosses;
  figure.valLosses = loaded->record.valLosses;
  figure.bestEpoch = loaded->record.bestEpoch;
  bool hasTarget = options.target.isGiven();
  auto conditions = hasTarget ? readOneCondition(*loaded, options.data) : readData(*loaded, options, figure);
  if (!conditions)
    return conditions.takeError();
  auto samples = loaded->dtype() == F32 ? drawSamples<float>(*loaded, options, *conditions)
                                        : drawSamples<double>(*loaded, options, *conditions);
  if (!samples)
    return samples.takeError();
  figure.samples = std::move(*samples);
  snap(loaded->record.table, figure.samples);
  snap(loaded->record.table, figure.data);
  LogDensity target;
  if (hasTarget) {
    auto compiled = compileTarget(options.target, flow, options.model);
    if (!compiled)
      return compiled.takeError();
    target = std::move(*compiled);
    auto rows = drawFromTarget(*loaded, options, target, *conditions);
    if (!rows)
      return rows.takeError();
    figure.data = std::move(*rows);
    figure.dataLabel = "target, resampled";
  }
  if (auto ok = selectShown(figure, options.show); !ok)
    return ok.takeError();
  auto ok = hasTarget && flow.dim() == 2 && figure.names.size() == 2
                ? plotContours(*loaded, figure, target, *conditions, options.output)
                : figure.draw(options.output);
  if (!ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addPlotCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "plot", "Draw all pairs of marginals, data against samples, and the losses",
                 "  flowc plot model.safetensors galaxies.csv -o galaxies.svg\n"
                 "  flowc plot model.safetensors galaxies.csv --show redshift,u,g -o galaxies.png\n"
                 "  flowc plot model.safetensors --target banana.flow -o banana.png\n"
                 "  flowc plot --log log.csv -o losses.svg\n\n"
                 "With --target, two coordinates are shown as density contours of flow and target side by\n"
                 "side; more of them as pairs of marginals, with importance-resampled draws for data.",
                 runPlot);
  options->model.add(*command);
  command->get_option("MODEL")->required(false);
  command->add_option("DATA", options->data.path, "Rows to compare the samples with");
  options->target.add(*command, " to compare the flow with");
  options->data.addShared(*command);
  command->add_option("--log", options->log,
                      "Draw losses, gradient norms and learning rates of a log of train instead of a model");
  markOutput(command->add_option("-o,--output", options->output, "The picture: .svg or .png"))->required();
  addColumnOption(*command, "--show", options->show, "Columns to show (default: the first 16)");
  command->add_option("--samples", options->samples, "Number of samples")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(10000000)));
  command->add_option("--seed", options->seed, "Seed of the samples")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
}
