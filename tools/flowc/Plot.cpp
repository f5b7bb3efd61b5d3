//===- Plot.cpp - flowc plot ----------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Figure.h"

#include <algorithm>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct PlotOptions {
  ModelOptions model;
  DataOptions data;
  std::string output;
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

Expected<int> runPlot(const PlotOptions &options) {
  if (!options.output.ends_with(".svg") && !options.output.ends_with(".png"))
    return Error{"cannot tell the format of '" + options.output + "', expected a name that ends in .svg or .png"};
  if (auto ok = options.data.checkUse(); !ok)
    return ok.takeError();
  if (auto ok = checkWritable(options.output); !ok)
    return ok.takeError();
  auto loaded = loadKernels(options.model);
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
  if (!options.data.path.empty()) {
    auto reader = openEvents(flow, loaded->record, options.data);
    if (!reader)
      return reader.takeError();
    if (static_cast<int64_t>((*reader)->columnNames().size()) == flow.dim())
      figure.names = (*reader)->columnNames();
    auto rows = readSome(**reader);
    if (!rows)
      return rows.takeError();
    figure.data = std::move(*rows);
  }
  std::vector<double> conditions;
  auto reader = openConditions(flow, loaded->record, options.data);
  if (!reader)
    return reader.takeError();
  if (*reader) {
    auto rows = readSome(**reader);
    if (!rows)
      return rows.takeError();
    if (rows->empty())
      return Error{"'" + (*reader)->path() + "' has no conditions"};
    conditions = std::move(*rows);
  }
  auto samples = loaded->dtype() == F32 ? drawSamples<float>(*loaded, options, conditions)
                                        : drawSamples<double>(*loaded, options, conditions);
  if (!samples)
    return samples.takeError();
  figure.samples = std::move(*samples);
  if (auto ok = selectShown(figure, options.show); !ok)
    return ok.takeError();
  if (auto ok = figure.draw(options.output); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addPlotCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "plot", "Draw all pairs of marginals, data against samples, and the losses",
                 "  flowc plot model.safetensors galaxies.csv -o galaxies.svg\n"
                 "  flowc plot model.safetensors galaxies.csv --show redshift,u,g -o galaxies.png",
                 runPlot);
  options->model.add(*command);
  command->add_option("DATA", options->data.path, "Rows to compare the samples with");
  options->data.addShared(*command);
  command->add_option("-o,--output", options->output, "The picture: .svg or .png")->required();
  command->add_option("--show", options->show, "Columns to show (default: the first 16)")->delimiter(',');
  command->add_option("--samples", options->samples, "Number of samples")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(10000000)));
  command->add_option("--seed", options->seed, "Seed of the samples")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
}
