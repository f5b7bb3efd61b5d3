//===- Sample.cpp - flowc sample ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Progress.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct SampleOptions {
  ModelOptions model;
  DataOptions data;
  std::string output;
  int64_t count = 0;
  uint64_t first = 0, seed = 0;
  bool logProb = false;
};

/// Draws stretches of samples and writes them.
template <typename T>
class Sampler {
public:
  Sampler(const Loaded &loaded, const SampleOptions &options, RowWriter &writer)
      : loaded(loaded), options(options), writer(writer), dim(loaded.flow().dim()) {}

  /// Samples `first` ... `first + count - 1`; `condition` has a row for each.
  Expected<void> draw(uint64_t first, int64_t count, const T *condition) {
    samples.resize(static_cast<size_t>(count * dim));
    Kernels::Call call{.kernel = options.logProb ? Kernel::SampleAndLogProb : Kernel::Sample,
                       .outputs = {samples.data()},
                       .rows = count,
                       .first = first,
                       .seed = options.seed};
    if (condition)
      call.inputs = {condition};
    if (options.logProb) {
      logProb.resize(static_cast<size_t>(count));
      call.outputs.push_back(logProb.data());
    }
    if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
      return ok;
    if (!options.logProb)
      return writer.append(samples.data(), count);
    joined.resize(static_cast<size_t>(count * (dim + 1)));
    for (int64_t row = 0; row < count; ++row) {
      std::copy_n(samples.data() + row * dim, dim, joined.data() + row * (dim + 1));
      joined[row * (dim + 1) + dim] = logProb[row];
    }
    return writer.append(joined.data(), count);
  }

  /// Rows of one stretch that keep memory small.
  int64_t chunkRows() const {
    constexpr int64_t chunkElements = int64_t(1) << 22;
    return std::max<int64_t>(1, chunkElements / (2 * dim + loaded.flow().condDim() + 1));
  }

private:
  const Loaded &loaded;
  const SampleOptions &options;
  RowWriter &writer;
  int64_t dim;
  std::vector<T> samples, logProb, joined;
};

/// `count` draws for each condition; sample number = `first` + position in the
/// output.
template <typename T>
Expected<void> drawForConditions(Sampler<T> &sampler, RowReader &reader, const SampleOptions &options) {
  const int64_t width = reader.columns(), chunk = sampler.chunkRows();
  Progress progress("sampling", reader.rows() < 0 ? -1 : reader.rows() * options.count, "samples");
  std::vector<T> block(static_cast<size_t>(chunk * width)), repeated(static_cast<size_t>(chunk * width));
  uint64_t done = 0;
  while (true) {
    auto conditions = reader.next(chunk, sizeof(T) == 4 ? F32 : F64, block.data());
    if (!conditions)
      return conditions.takeError();
    if (*conditions == 0)
      return {};
    const int64_t total = *conditions * options.count;
    for (int64_t start = 0; start < total; start += chunk) {
      int64_t count = std::min(chunk, total - start);
      for (int64_t row = 0; row < count; ++row)
        std::copy_n(block.data() + (start + row) / options.count * width, width, repeated.data() + row * width);
      if (auto ok = sampler.draw(options.first + done, count, repeated.data()); !ok)
        return ok;
      done += static_cast<uint64_t>(count);
      progress.update(static_cast<int64_t>(done));
    }
  }
}

template <typename T>
Expected<int> sampleAs(const Loaded &loaded, const SampleOptions &options, RowReader *conditions) {
  const Flow &flow = loaded.flow();
  std::vector<std::string> names = eventColumnNames(flow, loaded.record);
  Shape shape = flow.shape();
  if (options.logProb) {
    names.push_back("log_prob");
    shape = {flow.dim() + 1};
  }
  auto writer = createRowWriter(options.output, loaded.dtype(), shape, names);
  if (!writer)
    return writer.takeError();
  Sampler<T> sampler(loaded, options, **writer);
  if (conditions) {
    if (auto ok = drawForConditions(sampler, *conditions, options); !ok)
      return ok.takeError();
  } else {
    Progress progress("sampling", options.count, "samples");
    for (int64_t done = 0; done < options.count;) {
      int64_t count = std::min(sampler.chunkRows(), options.count - done);
      if (auto ok = sampler.draw(options.first + static_cast<uint64_t>(done), count, nullptr); !ok)
        return ok.takeError();
      progress.update(done += count);
    }
  }
  if (auto ok = (*writer)->finish(); !ok)
    return ok.takeError();
  return 0;
}

Expected<int> runSample(const SampleOptions &options) {
  auto loaded = loadKernels(options.model);
  if (!loaded)
    return loaded.takeError();
  if (!loaded->flow().isDistribution())
    return Error{"'" + loaded->flow().name() + "' is a " + (loaded->flow().isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions have samples"};
  auto conditions = openConditions(loaded->flow(), loaded->record, options.data);
  if (!conditions)
    return conditions.takeError();
  return loaded->dtype() == F32 ? sampleAs<float>(*loaded, options, conditions->get())
                                : sampleAs<double>(*loaded, options, conditions->get());
}

} // namespace

void tool::addSampleCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "sample", "Draw samples",
                 "  flowc sample model.safetensors -n 1000\n"
                 "  flowc sample model.safetensors -n 100000 --seed 1 --log-prob -o samples.npy\n"
                 "  flowc sample model.safetensors -n 10 --condition c.csv -o samples.csv\n\n"
                 "Sample I of a seed is always the same: --first I -n N draws any stretch of them.",
                 runSample);
  options->model.add(*command);
  command->add_option("-n,--count", options->count, "How many (for each row of the condition)")
      ->required()
      ->check(CLI::Range(int64_t(0), int64_t(1) << 48));
  command->add_option("--first", options->first, "Number of the first sample (default: 0)")
      ->check(isWholeNumber(uint64_t(1) << 48));
  command->add_option("--seed", options->seed, "Seed (default: 0)")->check(isWholeNumber(UINT64_MAX));
  command->add_option("--condition", options->data.condition, "Conditions, one a row; samples of a row are together");
  command->add_option("--condition-columns", options->data.conditionColumns, "Columns of the condition file")
      ->delimiter(',');
  command->add_flag("--log-prob", options->logProb, "Add the log-density as a last column");
  addOutput(*command, options->output);
}
