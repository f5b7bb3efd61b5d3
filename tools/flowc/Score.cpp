//===- Score.cpp - flowc log-prob, transform, inverse ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct ScoreOptions {
  ModelOptions model;
  DataOptions data;
  std::string output, logDet;
};

Expected<int> runLogProb(const ScoreOptions &options) {
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  if (!loaded->flow().isDistribution() && !loaded->flow().isDensity())
    return Error{"'" + loaded->flow().name() + "' is a bijection, expected a flow: only distributions have densities"};
  auto sources = openSources(*loaded, options.data, 1);
  if (!sources)
    return sources.takeError();
  if (auto ok = writeRows(*loaded, *sources, Kernel::LogProb, {"scoring", options.output, {}, {"log_prob"}}); !ok)
    return ok.takeError();
  return 0;
}

/// Whether row `row` of `columns` numbers holds a NaN.
template <typename T>
bool hasNaN(const void *rows, int64_t row, int64_t columns) {
  const T *first = static_cast<const T *>(rows) + row * columns;
  return std::any_of(first, first + columns, [](T value) { return std::isnan(value); });
}

/// Rows of results, of `columns` numbers, that hold a NaN although none came in.
int64_t countUndefined(const Loaded &loaded, const std::vector<const void *> &inputs, const void *results,
                       int64_t columns, int64_t rows) {
  const Flow &flow = loaded.flow();
  bool isDouble = loaded.dtype() == F64;
  auto isNaN = [&](const void *data, int64_t row, int64_t size) {
    return isDouble ? hasNaN<double>(data, row, size) : hasNaN<float>(data, row, size);
  };
  int64_t count = 0;
  for (int64_t row = 0; row < rows; ++row)
    count += isNaN(results, row, columns) && !isNaN(inputs[0], row, flow.dim()) &&
             !(flow.condShape() && isNaN(inputs[1], row, flow.condDim()));
  return count;
}

/// `transform` and `inverse`: the bijection of a flow, or a bijection itself.
Expected<int> runMap(const ScoreOptions &options, Kernel kernel) {
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  // What is transformed are numbers of the base distribution, none of a table.
  if (kernel == Kernel::Transform && loaded->record.table) {
    loaded->record.table.reset();
    loaded->record.columns.clear();
  }
  auto sources = openSources(*loaded, options.data, flow.dim() + 1);
  if (!sources)
    return sources.takeError();
  auto writer = createRowWriter(options.output, loaded->dtype(), flow.shape(),
                                defaultColumnNames(kernel == Kernel::Transform ? "y" : "x", flow.dim()));
  if (!writer)
    return writer.takeError();
  std::unique_ptr<RowWriter> logDetWriter;
  if (!options.logDet.empty()) {
    auto created = createRowWriter(options.logDet, loaded->dtype(), {}, {"log_det"});
    if (!created)
      return created.takeError();
    logDetWriter = std::move(*created);
  }

  std::vector<double> values, logDet; // Doubles are as well aligned as floats.
  int64_t undefined = 0;
  const char *label = kernel == Kernel::Transform ? "transforming" : "inverting";
  auto rows = forEachChunk(*sources, label, [&](int64_t count) -> Expected<void> {
    values.resize(static_cast<size_t>(count * flow.dim()));
    logDet.resize(static_cast<size_t>(count));
    Kernels::Call call{
        .kernel = kernel, .inputs = sources->pointers(), .outputs = {values.data(), logDet.data()}, .rows = count};
    if (auto ok = loaded->kernels->run(loaded->model, call); !ok)
      return ok;
    undefined += countUndefined(*loaded, call.inputs, values.data(), flow.dim(), count);
    if (auto ok = (*writer)->append(values.data(), count); !ok || !logDetWriter)
      return ok;
    return logDetWriter->append(logDet.data(), count);
  });
  if (!rows)
    return rows.takeError();
  if (logDetWriter)
    if (auto ok = logDetWriter->finish(); !ok)
      return ok.takeError();
  if (auto ok = (*writer)->finish(); !ok)
    return ok.takeError();
  if (undefined > 0)
    std::fprintf(stderr, "flowc: warning: %" PRId64 " %s NaN: outside of the domain, overflown, or without a root\n",
                 undefined, undefined == 1 ? "row of the result is" : "rows of the result are");
  return 0;
}

Expected<int> runTransform(const ScoreOptions &options) { return runMap(options, Kernel::Transform); }
Expected<int> runInverse(const ScoreOptions &options) { return runMap(options, Kernel::Inverse); }

void addDataArguments(CLI::App &command, ScoreOptions &options) {
  options.model.add(command);
  options.data.add(command);
  addOutput(command, options.output);
}

} // namespace

void tool::addScoreCommands(CLI::App &app, Action &action) {
  auto [command, logProb] = addCommand(app, action, "log-prob", "Log-density of each row",
                                       "  flowc log-prob model.safetensors data.csv\n"
                                       "  flowc log-prob model.safetensors data.npy -o log_prob.npy --threads 8\n"
                                       "  flowc log-prob model.safetensors x.npy --condition c.npy -o log_prob.npy",
                                       runLogProb);
  addDataArguments(*command, *logProb);

  auto addMap = [&](const std::string &name, const std::string &description, Expected<int> (*run)(const ScoreOptions &),
                    const std::string &from, const std::string &to) {
    auto [map, options] =
        addCommand(app, action, name, description,
                   "  flowc " + name + " model.safetensors " + from + ".npy -o " + to + ".npy\n  flowc " + name +
                       " model.safetensors " + from + ".npy -o " + to + ".npy --log-det log_det.npy",
                   run);
    addDataArguments(*map, *options);
    markOutput(map->add_option("--log-det", options->logDet, "File for log |det J| of each row"));
  };
  addMap("transform", "The bijection in the direction of sampling, with its log-determinant", runTransform, "z", "x");
  addMap("inverse", "The bijection in the direction of densities, with its log-determinant", runInverse, "x", "z");
}
