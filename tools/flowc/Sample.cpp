//===- Sample.cpp - flowc sample ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Progress.h"
#include "Restrictions.h"
#include "Target.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct SampleOptions {
  ModelOptions model;
  DataOptions data;
  TargetSource target;
  RestrictionOptions restriction;
  std::string output;
  int64_t count = 0, pool = 0;
  uint64_t first = 0, seed = 0;
  bool logProb = false, weights = false, resample = false, distinct = false, isRaw = false;
};

/// Columns after the coordinates of a sample.
int64_t extraColumns(const SampleOptions &options) { return options.logProb + options.weights; }

/// Draws stretches of samples and writes them.
template <typename T>
class Sampler {
public:
  /// `target` is needed for weights only.
  Sampler(const Loaded &loaded, const SampleOptions &options, LogDensity target, RowWriter &writer)
      : loaded(loaded), options(options), target(std::move(target)), writer(writer), dim(loaded.flow().dim()) {}

  /// Samples `first` ... `first + count - 1`; `condition` has a row for each.
  Expected<void> draw(uint64_t first, int64_t count, const T *condition) {
    const bool withLogProb = extraColumns(options) > 0;
    samples.resize(static_cast<size_t>(count * dim));
    Kernels::Call call{.kernel = withLogProb ? Kernel::SampleAndLogProb : Kernel::Sample,
                       .outputs = {samples.data()},
                       .rows = count,
                       .first = first,
                       .seed = options.seed};
    if (condition)
      call.inputs = {condition};
    if (withLogProb) {
      logProb.resize(static_cast<size_t>(count));
      call.outputs.push_back(logProb.data());
    }
    if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
      return ok;
    if (!withLogProb)
      return writer.append(samples.data(), count);
    if (options.weights) {
      std::vector<double> rows(samples.begin(), samples.end());
      density.resize(static_cast<size_t>(count));
      if (auto ok = target(rows.data(), count, density.data()); !ok)
        return ok;
    }
    return writeJoined(count);
  }

  /// Rows of one stretch that keep memory small.
  int64_t chunkRows() const {
    constexpr int64_t chunkElements = int64_t(1) << 22;
    return std::max<int64_t>(1, chunkElements / (2 * dim + loaded.flow().condDim() + 1));
  }

private:
  /// Samples with the columns that were asked for besides.
  Expected<void> writeJoined(int64_t count) {
    const int64_t width = dim + extraColumns(options);
    joined.resize(static_cast<size_t>(count * width));
    for (int64_t row = 0; row < count; ++row) {
      T *end = std::copy_n(samples.data() + row * dim, dim, joined.data() + row * width);
      if (options.logProb)
        *end++ = logProb[row];
      if (options.weights)
        *end = static_cast<T>(std::isinf(density[row]) ? density[row] : density[row] - logProb[row]);
    }
    return writer.append(joined.data(), count);
  }

  const Loaded &loaded;
  const SampleOptions &options;
  LogDensity target;
  RowWriter &writer;
  int64_t dim;
  std::vector<T> samples, logProb, joined;
  std::vector<double> density;
};

/// `count` draws for each condition; sample number = `first` + position in the
/// output.
template <typename T>
Expected<void> drawForConditions(Sampler<T> &sampler, RowReader &reader, const SampleOptions &options) {
  const int64_t width = reader.columns(), chunk = sampler.chunkRows();
  const Error tooMany{"there are too many samples for so many conditions: ask for fewer at a time"};
  int64_t all = -1;
  if (reader.rows() >= 0 && __builtin_mul_overflow(reader.rows(), options.count, &all))
    return tooMany;
  Progress progress("sampling", all, "samples");
  std::vector<T> block(static_cast<size_t>(chunk * width)), repeated(static_cast<size_t>(chunk * width));
  uint64_t done = 0;
  while (true) {
    auto conditions = reader.next(chunk, sizeof(T) == 4 ? F32 : F64, block.data());
    if (!conditions)
      return conditions.takeError();
    if (*conditions == 0)
      return {};
    int64_t total = 0;
    if (__builtin_mul_overflow(*conditions, options.count, &total))
      return tooMany;
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
  std::vector<std::string> others;
  if (options.logProb)
    others.emplace_back("log_prob");
  if (options.weights)
    others.emplace_back("log_weight");
  LogDensity target;
  if (options.weights) {
    auto compiled = compileTarget(options.target, loaded.flow(), options.model);
    if (!compiled)
      return compiled.takeError();
    target = std::move(*compiled);
  }
  auto writer = createSampleWriter(loaded, options.output, options.isRaw, others);
  if (!writer)
    return writer.takeError();
  Sampler<T> sampler(loaded, options, std::move(target), **writer);
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

/// Draws of which something is known.
Expected<int> runRestricted(const Loaded &loaded, const SampleOptions &options) {
  auto condition = readOneCondition(loaded, options.data);
  if (!condition)
    return condition.takeError();
  auto writer = createSampleWriter(loaded, options.output, options.isRaw, {});
  if (!writer)
    return writer.takeError();
  auto write = [&](const Rows<double> &rows) {
    return loaded.dtype() == F32 ? (*writer)->append(Rows<float>(rows.cast<float>()).data(), rows.rows())
                                 : (*writer)->append(rows.data(), rows.rows());
  };
  RestrictedDrawsOptions draws{.seed = options.seed, .first = options.first, .condition = *condition};
  if (auto ok = drawRestricted(loaded, options.restriction, draws, options.count, write); !ok)
    return ok.takeError();
  if (auto ok = (*writer)->finish(); !ok)
    return ok.takeError();
  return 0;
}

/// What the options say of a target, or what is wrong with that.
Expected<void> checkTargetOptions(const SampleOptions &options) {
  if (!options.target.isGiven() && (options.resample || options.weights))
    return Error{std::string(options.resample ? "--resample" : "--weights") +
                 " needs the density that draws are weighted for: give --target FILE.flow"};
  if (options.target.isGiven() && !options.resample && !options.weights)
    return Error{"--target alone changes no sample: ask for --resample or --weights"};
  if (!options.resample && (options.pool > 0 || options.distinct))
    return Error{"--pool and --without-replacement belong to --resample"};
  if (options.resample && (options.weights || options.logProb))
    return Error{"resampled draws have equal weights and are no longer the flow's: ask for --weights and --log-prob "
                 "without --resample"};
  if (options.restriction.isGiven() && (options.target.isGiven() || options.logProb))
    return Error{"draws under --given or --within are no longer the flow's: leave out --target and --log-prob"};
  if (options.resample && options.first > 0)
    return Error{"resampled draws have no numbers of their own: leave --first out, or choose another --seed"};
  return {};
}

/// Draws in proportion to the target, from a pool of draws of the flow.
Expected<int> runResample(const Loaded &loaded, const SampleOptions &options) {
  const Flow &flow = loaded.flow();
  auto target = compileTarget(options.target, flow, options.model);
  if (!target)
    return target.takeError();
  auto condition = readOneCondition(loaded, options.data);
  if (!condition)
    return condition.takeError();
  auto writer = createSampleWriter(loaded, options.output, options.isRaw, {});
  if (!writer)
    return writer.takeError();
  ResampleOptions choice{.count = options.count,
                         .pool = options.pool,
                         .seed = options.seed,
                         .replacement = !options.distinct,
                         .condition = *condition};
  Expected<Resampling> chosen = [&] {
    Progress progress("drawing", resamplePool(choice), "draws");
    choice.progress = [&](int64_t done) { progress.update(done); };
    return resample(*loaded.kernels, loaded.model, *target, choice);
  }();
  if (!chosen)
    return chosen.takeError();
  auto write = [&](const void *rows, int64_t count) { return (*writer)->append(rows, count); };
  if (auto ok = drawChosen(*loaded.kernels, loaded.model, *chosen, choice, write); !ok)
    return ok.takeError();
  if (auto ok = (*writer)->finish(); !ok)
    return ok.takeError();
  const TargetEvaluation &pool = chosen->pool;
  std::fprintf(stderr,
               "pool of %s draws: effective sample size %s, Pareto k %.2f (%s); %s different draws were chosen\n",
               formatCount(pool.draws).c_str(), formatCount(static_cast<int64_t>(pool.effectiveSampleSize)).c_str(),
               pool.paretoK, describeParetoK(pool.paretoK, pool.draws).c_str(), formatCount(chosen->distinct).c_str());
  return 0;
}

Expected<int> runSample(const SampleOptions &options) {
  if (auto ok = checkTargetOptions(options); !ok)
    return ok.takeError();
  auto loaded = loadKernels(options.model);
  if (!loaded)
    return loaded.takeError();
  if (!loaded->flow().isDistribution())
    return Error{"'" + loaded->flow().name() + "' is a " + (loaded->flow().isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions have samples"};
  if (options.resample)
    return runResample(*loaded, options);
  if (options.restriction.isGiven())
    return runRestricted(*loaded, options);
  auto conditions = openConditions(loaded->flow(), loaded->record, options.data);
  if (!conditions)
    return conditions.takeError();
  // Samples are numbered; a file that is read as it comes is not known to be too long.
  int64_t rows = *conditions ? std::max<int64_t>((*conditions)->rows(), 1) : 1;
  constexpr int64_t mostSamples = int64_t(1) << 62;
  if (options.count > mostSamples / rows)
    return Error{formatCount(options.count) + " samples for each of " + formatCount(rows) +
                 " conditions are more than can be numbered: ask for fewer at a time"};
  return loaded->dtype() == F32 ? sampleAs<float>(*loaded, options, conditions->get())
                                : sampleAs<double>(*loaded, options, conditions->get());
}

} // namespace

void tool::addSampleCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "sample", "Draw samples",
                 "  flowc sample model.safetensors -n 1000\n"
                 "  flowc sample model.safetensors -n 100000 --seed 1 --log-prob -o samples.npy\n"
                 "  flowc sample model.safetensors -n 10 --condition c.csv -o samples.csv\n"
                 "  flowc sample model.safetensors -n 1000 --within redshift=0..1,u=..24 -o near.csv\n"
                 "  flowc sample model.safetensors -n 1000 --given redshift=0.5 -o at.csv\n"
                 "  flowc sample model.safetensors -n 1000 --target banana.flow --weights\n"
                 "  flowc sample model.safetensors -n 1000 --target banana.flow --resample -o posterior.csv\n\n"
                 "Sample I of a seed is always the same: --first I -n N draws any stretch of them.\n"
                 "With --resample, samples follow the target as far as the flow covers it: a pool of\n"
                 "draws is weighted by target / flow (Pareto-smoothed) and drawn from.",
                 runSample);
  options->model.add(*command);
  command->add_option("-n,--count", options->count, "How many (for each row of the condition)")
      ->required()
      ->check(CLI::Range(int64_t(0), int64_t(1) << 48));
  command->add_option("--first", options->first, "Number of the first sample (default: 0)")
      ->check(isWholeNumber(uint64_t(1) << 48));
  command->add_option("--seed", options->seed, "Seed (default: 0)")->check(isWholeNumber(UINT64_MAX));
  command->add_option("--condition", options->data.condition, "Conditions, one a row; samples of a row are together");
  addColumnOption(*command, "--condition-columns", options->data.conditionColumns, "Columns of the condition file");
  command->add_flag("--raw", options->isRaw,
                    "Write the model's numbers where 'flowc fit' read other columns (default: rows of the table, "
                    "rounded, with categories and dates)");
  command->add_flag("--log-prob", options->logProb, "Add the log-density as a last column");
  options->restriction.add(*command);
  options->target.add(*command, " for --resample and --weights");
  command->add_flag("--weights", options->weights, "Add log(target / flow) as a last column, not normalised");
  command->add_flag("--resample", options->resample, "Draw in proportion to the target, from a pool of draws");
  command->add_option("--pool", options->pool, "Draws to resample from (default: 10 for each sample, at least 10000)")
      ->check(CLI::Range(int64_t(100), int64_t(1) << 32));
  command->add_flag("--without-replacement", options->distinct, "Resample no draw more than once");
  addOutput(*command, options->output);
}
