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

#include "flowc/Report/Statistics.h"
#include "flowc/Support/RunningMoments.h"
#include "flowc/Support/WithType.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

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
Expected<Rows<double>> readSome(RowReader &reader) {
  Rows<double> rows(mostRows, reader.columns());
  auto count = reader.next(mostRows, F64, rows.data());
  if (!count)
    return count.takeError();
  rows.conservativeResize(*count, Eigen::NoChange);
  return rows;
}

/// `rows` over and over, until there are `count`.
Rows<double> cycle(const Rows<double> &rows, int64_t count) {
  Rows<double> result(rows.cols() > 0 ? count : 0, rows.cols());
  for (int64_t row = 0; row < result.rows(); ++row)
    result.row(row) = rows.row(row % rows.rows());
  return result;
}

/// Samples, one for each of the conditions.
Expected<Rows<double>> drawSamples(const Loaded &loaded, const PlotOptions &options, const Rows<double> &conditions) {
  return withType(loaded.dtype(), [&]<typename T>() -> Expected<Rows<double>> {
    auto samples =
        loaded.kernels->sample<T>(loaded.model, options.samples, options.seed, Rows<T>(conditions.cast<T>()));
    if (!samples)
      return samples.takeError();
    return Rows<double>(samples->template cast<double>());
  });
}

/// Shows numbers as the table that the model was trained on has them: rounded, within bounds.
void snap(const std::optional<TableSchema> &table, Rows<double> &rows) {
  if (!table)
    return;
  for (int64_t row = 0; row < rows.rows(); ++row)
    table->snap(rows.row(row).data());
}

/// Keeps only the columns that are shown.
Expected<void> selectShown(Figure &figure, const std::vector<std::string> &wanted) {
  const size_t most = figure.conditions.cols() > 0 ? kMostBands : 16;
  std::vector<size_t> kept;
  for (const std::string &name : wanted) {
    auto it = std::find(figure.names.begin(), figure.names.end(), name);
    if (it == figure.names.end())
      return Error{"there is no column '" + name + "' to show"};
    kept.push_back(static_cast<size_t>(it - figure.names.begin()));
  }
  if (auto conditions = static_cast<size_t>(figure.conditions.cols()); conditions > kMostBands)
    std::fprintf(stderr, "note: only the first %zu of %zu conditions are shown\n", kMostBands, conditions);
  if (figure.conditions.cols() > 0 && kept.size() > most)
    return Error{"at most " + std::to_string(most) + " columns can be shown, but --show names " +
                 std::to_string(kept.size())};
  if (wanted.empty() && figure.names.size() <= most)
    return {};
  if (wanted.empty()) {
    std::fprintf(stderr, "note: only the first %zu of %zu columns are shown; choose with --show\n", most,
                 figure.names.size());
    for (size_t i = 0; i < most; ++i)
      kept.push_back(i);
  }
  auto select = [&](Rows<double> &rows) {
    Rows<double> result(rows.rows(), std::ssize(kept));
    for (int64_t place = 0; place < result.cols(); ++place)
      result.col(place) = rows.col(static_cast<int64_t>(kept[place]));
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
Expected<Rows<double>> readData(const Loaded &loaded, const PlotOptions &options, Figure &figure) {
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
    return Rows<double>();
  auto rows = readSome(**reader);
  if (rows && rows->rows() == 0)
    return Error{"'" + (*reader)->path() + "' has no conditions"};
  figure.conditionNames = (*reader)->columnNames();
  if (static_cast<int64_t>(figure.conditionNames.size()) != flow.condDim())
    figure.conditionNames = defaultColumnNames("c", flow.condDim());
  return rows;
}

/// Draws from the target by importance resampling, as many as are shown.
Expected<Rows<double>> drawFromTarget(const Loaded &loaded, const PlotOptions &options, const LogDensity &target,
                                      const std::vector<double> &condition) {
  ResampleOptions choice{.count = options.samples, .seed = options.seed, .condition = condition};
  auto chosen = resample(*loaded.kernels, loaded.model, target, choice);
  if (!chosen)
    return chosen.takeError();
  Rows<double> rows(options.samples, loaded.flow().dim());
  int64_t done = 0;
  auto ok = drawChosen(*loaded.kernels, loaded.model, *chosen, choice, [&](const void *some, int64_t count) {
    withType(loaded.dtype(), [&]<typename T>() {
      rows.middleRows(done, count) =
          Eigen::Map<const Rows<T>>(static_cast<const T *>(some), count, rows.cols()).template cast<double>();
    });
    done += count;
    return Expected<void>();
  });
  if (!ok)
    return ok.takeError();
  return rows;
}

/// The flow's log-density at rows, under their conditions.
Expected<Eigen::VectorXd> logProbAt(const Loaded &loaded, const Rows<double> &x, const Rows<double> &conditions) {
  return withType(loaded.dtype(), [&]<typename T>() -> Expected<Eigen::VectorXd> {
    auto logProb = loaded.kernels->logProb<T>(loaded.model, Rows<T>(x.cast<T>()), Rows<T>(conditions.cast<T>()));
    if (!logProb)
      return logProb.takeError();
    return Eigen::VectorXd(logProb->template cast<double>());
  });
}

/// How many rows there are, and how likely they are.
Expected<std::string> describeData(const Loaded &loaded, const Rows<double> &data, const Rows<double> &conditions) {
  auto logProb = logProbAt(loaded, data, conditions);
  if (!logProb)
    return logProb.takeError();
  RunningMoments finite;
  for (double value : *logProb)
    if (std::isfinite(value))
      finite.add(value);
  std::string text = (data.rows() == mostRows ? "the first " : "") + formatCount(data.rows()) + " rows";
  if (finite.count == 0)
    return text + ", none with a density";
  text += ", mean log-likelihood " + formatWithError(finite.mean, finite.error(), "\u00b1");
  if (auto others = data.rows() - finite.count; others > 0)
    text += " of all but " + formatCount(others) + ", which have none";
  return text;
}

/// The ELBO of samples under their conditions.
Expected<std::string> describeElbo(const Loaded &loaded, const Rows<double> &samples, const Rows<double> &conditions,
                                   const LogDensity &target) {
  auto logProb = logProbAt(loaded, samples, conditions);
  if (!logProb)
    return logProb.takeError();
  std::vector<double> terms(static_cast<size_t>(samples.rows()));
  if (auto ok = target(samples.data(), samples.rows(), terms.data()); !ok)
    return ok.takeError();
  RunningMoments elbo;
  for (size_t i = 0; i < terms.size(); ++i)
    if (double term = terms[i] - (*logProb)[static_cast<Eigen::Index>(i)]; std::isfinite(term))
      elbo.add(term);
  if (auto outside = samples.rows() - elbo.count; outside > 0)
    return "ELBO -\u221e, the target is 0 at " + formatCount(outside);
  return "ELBO " + formatWithError(elbo.mean, elbo.error(), "\u00b1");
}

std::vector<double> flat(const Rows<double> &rows) { return {rows.data(), rows.data() + rows.size()}; }

/// What either of the two covers, on a plain axis.
Range rangeOf(const Figure &figure, int64_t column) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const Rows<double> *rows : {&figure.samples, &figure.data}) {
    std::vector<double> values = report::sortedColumn(*rows, column);
    Range own = tool::rangeOf(values);
    range = {std::min(range.low, own.low), std::max(range.high, own.high)};
  }
  return range;
}

/// Both densities of two coordinates, side by side.
Expected<void> plotContours(const Loaded &loaded, const Figure &figure, const LogDensity &target,
                            const Rows<double> &condition, const std::string &output) {
  ContourFigure contours;
  contours.title = figure.title;
  contours.lines = {figure.subtitle};
  contours.names = figure.names;
  contours.x = rangeOf(figure, 0);
  contours.y = rangeOf(figure, 1);
  std::vector<double> points = contours.gridPoints();
  Rows<double> x = Eigen::Map<const Rows<double>>(points.data(), std::ssize(points) / 2, 2);
  auto logProb = logProbAt(loaded, x, cycle(condition, x.rows()));
  if (!logProb)
    return logProb.takeError();
  std::vector<double> density(points.size() / 2);
  if (auto ok = target(points.data(), static_cast<int64_t>(density.size()), density.data()); !ok)
    return ok;
  contours.panels.push_back(
      {"flow, with samples", sampleColor, {logProb->begin(), logProb->end()}, flat(figure.samples)});
  contours.panels.push_back({"target, with resampled samples", dataColor, std::move(density), flat(figure.data)});
  auto [ofFlow, ofTarget] =
      std::pair(contours.countCropped(contours.panels[0].samples), contours.countCropped(contours.panels[1].samples));
  if (auto line = describeCropped(ofTarget, figure.rowsName, ofFlow))
    contours.lines.push_back(*line);
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

/// Fills the figure with samples, and draws of a target; returns the condition of all of them.
Expected<Rows<double>> compareWithTarget(const Loaded &loaded, const PlotOptions &options, Figure &figure,
                                         LogDensity &target) {
  auto condition = readOneCondition(loaded, options.data);
  if (!condition)
    return condition.takeError();
  Rows<double> one =
      Eigen::Map<const Rows<double>>(condition->data(), condition->empty() ? 0 : 1, std::ssize(*condition));
  auto samples = drawSamples(loaded, options, cycle(one, options.samples));
  if (!samples)
    return samples.takeError();
  figure.samples = std::move(*samples);
  auto compiled = compileTarget(options.target, loaded.flow(), options.model);
  if (!compiled)
    return compiled.takeError();
  target = std::move(*compiled);
  auto rows = drawFromTarget(loaded, options, target, *condition);
  if (!rows)
    return rows.takeError();
  figure.data = std::move(*rows);
  figure.dataLabel = "target, resampled";
  figure.rowsName = "resampled draws";
  auto elbo = describeElbo(loaded, figure.samples, cycle(one, options.samples), target);
  if (!elbo)
    return elbo.takeError();
  figure.subtitle = "target " + options.target.path + "; " + *elbo + " of " + formatCount(options.samples) + " samples";
  return one;
}

/// Fills the figure with samples, and rows to compare them with, if there are some; returns
/// conditions of the samples.
Expected<Rows<double>> compareWithData(const Loaded &loaded, const PlotOptions &options, Figure &figure) {
  auto conditions = readData(loaded, options, figure);
  if (!conditions)
    return conditions.takeError();
  int64_t rows = figure.data.rows();
  if (conditions->cols() > 0 && rows > 0 && conditions->rows() != 1 && conditions->rows() != rows)
    return Error{"there are " + formatCount(rows) + " rows, but " + formatCount(conditions->rows()) +
                 " conditions: expected as many, or one for all"};
  // With conditions: one sample for each, over and over.
  Rows<double> ofSamples = cycle(*conditions, options.samples), ofRows = cycle(*conditions, rows);
  auto samples = drawSamples(loaded, options, ofSamples);
  if (!samples)
    return samples.takeError();
  figure.samples = std::move(*samples);
  figure.subtitle = formatCount(options.samples) + " samples";
  if (rows == 0)
    return ofSamples;
  auto subtitle = describeData(loaded, figure.data, ofRows);
  if (!subtitle)
    return subtitle.takeError();
  figure.subtitle = *subtitle + "; " + figure.subtitle;
  if (conditions->rows() > 1) {
    figure.conditions = std::move(ofRows);
    figure.sampleConditions = ofSamples;
  }
  return ofSamples;
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
  figure.data.resize(0, flow.dim());
  figure.names = eventColumnNames(flow, loaded->record);
  figure.trainLosses = loaded->record.trainLosses;
  figure.valLosses = loaded->record.valLosses;
  figure.bestEpoch = loaded->record.bestEpoch;
  bool hasTarget = options.target.isGiven();
  LogDensity target;
  auto conditions =
      hasTarget ? compareWithTarget(*loaded, options, figure, target) : compareWithData(*loaded, options, figure);
  if (!conditions)
    return conditions.takeError();
  snap(loaded->record.table, figure.samples);
  snap(loaded->record.table, figure.data);
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
      addCommand(app, action, "plot", "Draw data against samples, and the losses",
                 "  flowc plot model.safetensors galaxies.csv -o galaxies.svg\n"
                 "  flowc plot model.safetensors galaxies.csv --show redshift,u,g -o galaxies.png\n"
                 "  flowc plot model.safetensors --target banana.flow -o banana.png\n"
                 "  flowc plot --log log.csv -o losses.svg\n\n"
                 "One column is a histogram with quantiles against quantiles, more of them all pairs of\n"
                 "marginals; of a conditional flow each column against each condition, with quantiles.\n"
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
