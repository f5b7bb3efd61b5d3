//===- Fit.cpp - flowc fit ------------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FitColumns.h"
#include "Progress.h"
#include "Signals.h"

#include "flowc/Support/Clock.h"

#include <cmath>
#include <cstdio>
#include <mutex>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct FitCommandOptions {
  DataOptions data;
  ColumnOptions columns;
  FitTableOptions fit;
  std::string output, dtype;
  bool noCache = false;
};

void report(const FitCommandOptions &options, const FitTableResult &result, const FitFile &file) {
  const TrainingRecord &record = result.record;
  std::printf("'%s': %s rows of %lld columns", options.data.path.c_str(), formatCount(record.rows).c_str(),
              static_cast<long long>(file.events().columns.size()));
  if (file.conditions())
    std::printf(" under conditions of %lld", static_cast<long long>(file.conditions()->columns.size()));
  if (result.folds > 1)
    std::printf("; each of %lld parts was held out once\n\n", static_cast<long long>(result.folds));
  else
    std::printf("; %s rows were held out\n\n", formatCount(result.heldOutRows).c_str());
  std::printf("  log-likelihood of held-out rows     steps  seconds\n");
  for (size_t i = 0; i < record.search.size(); ++i) {
    const Contestant &entry = record.search[i];
    if (entry.problem.empty())
      std::printf("  %14.4f ± %-14.4f %8s %8.1f  %s%s\n", entry.logLikelihood, entry.error,
                  entry.isBaseline ? "" : formatCount(entry.steps).c_str(), entry.seconds, entry.name.c_str(),
                  i == result.chosen ? "  <- chosen" : "");
    else
      std::printf("  %14s   %-14s %8s %8.1f  %s: %s\n", "", "", "", entry.seconds, entry.name.c_str(),
                  entry.problem.c_str());
  }
  if (double step = record.table ? record.table->logStep() : 0; step != 0)
    std::printf(
        "\nthese are densities of dequantised values; with probabilities of the values of grids instead: %+.4f\n",
        step);
  std::printf("\n%s%s in %.1f s\nmodel: %s\n", result.interrupted ? "stopped: " : "",
              result.members > 1 ? ("a mixture of " + std::to_string(result.members) + " trainings on all rows").c_str()
                                 : "trained on all rows",
              record.seconds, options.output.c_str());
}

Expected<int> runFit(const FitCommandOptions &options) {
  if (!isModelPath(options.output))
    return Error{"a model is a .safetensors file, but the output is '" + options.output + "'"};
  for (const std::string &path : {options.output, options.fit.checkpoint})
    if (auto ok = path.empty() ? Expected<void>() : checkWritable(path); !ok)
      return ok.takeError();
  FitTableOptions fit = options.fit;
  fit.dtype = options.dtype == "f64" || options.dtype == "float64" ? F64 : F32;
  fit.useCache = !options.noCache;
  const auto start = Clock::now();
  auto file = describeFile(options.data, options.columns, fit.seed);
  if (!file)
    return file.takeError();
  auto held = file->hold(options.dtype.empty() ? std::nullopt : std::optional(fit.dtype));
  if (!held)
    return held.takeError();
  fit.dtype = held->dtype;
  if (!held->why.empty())
    std::fprintf(stderr, "note: %s, so the model is one in float64\n", held->why.c_str());
  std::fprintf(stderr, "%s", describeColumns(*file).c_str());
  // Reading is a part of what it may take.
  const double readSeconds = secondsSince(start);
  fit.seconds = std::max(0.1 * fit.seconds, fit.seconds - readSeconds);
  std::optional<StopSignals> signals(std::in_place);
  auto progress = std::make_unique<Progress>("fitting", 1000, "");
  std::mutex mutex;
  std::string what;
  double share = 0;
  fit.progress = [&](const std::string &now, double spent) {
    std::lock_guard<std::mutex> lock(mutex);
    what = now;
    share = spent;
    progress->update(static_cast<int64_t>(1000 * share), what);
  };
  fit.interrupted = [] { return StopSignals::received() != 0; };
  auto result = fitTable(held->table, fit);
  progress.reset();
  signals.reset();
  if (!result)
    return result.takeError();
  file->remember(result->record);
  if (!options.columns.words.empty())
    result->record.choices["columns"] = options.columns.words;
  result->record.seconds += readSeconds;
  if (fit.steps == 0)
    result->record.options["budget"] = options.fit.seconds;
  if (auto ok = result->model.save(options.output, result->record.toJson()); !ok)
    return ok.takeError();
  report(options, *result, *file);
  return result->interrupted ? 128 + StopSignals::received() : 0;
}

} // namespace

/// The flows that take part.
static std::string candidateText() {
  std::string text = "\n\nFlows that take part (of two columns), and the closed forms that they are compared with:\n"
                     "  independent columns, a normal distribution, a mixture of normal distributions\n";
  for (const FitCandidate &candidate : fitCandidates(/*dim=*/2))
    text += "  " + candidate.name + "\n      " + candidate.flow;
  return text;
}

void tool::addFitCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "fit", "Choose and train a flow for a table",
                 "  flowc fit galaxies.csv -o model.safetensors\n"
                 "  flowc fit galaxies.csv --budget 300 --seed 1 -o model.safetensors\n"
                 "  flowc fit galaxies.csv --columns redshift --condition-columns u,g,r,i,z,y -o model.safetensors\n\n"
                 "Several flows are trained and compared by rows that are held out: of fewer than 5,000 rows\n"
                 "each fifth in turn, else a tenth. The better half of them is trained for longer, and so on.\n"
                 "The best is trained on all rows. Of a small table the model is a mixture of several trainings." +
                     candidateText(),
                 runFit);
  command->add_option("DATA", options->data.path, "Rows: .npy, .csv, .tsv or FILE.safetensors:NAME")->required();
  options->data.addColumns(*command);
  options->columns.add(*command);
  markOutput(command->add_option("-o,--output", options->output, "Model to write (.safetensors)")->required());
  auto *seconds = command->add_option("--budget", options->fit.seconds, "Seconds that it may take")
                      ->capture_default_str()
                      ->check(CLI::Range(0.1, 1e7));
  command
      ->add_option("--budget-steps", options->fit.steps,
                   "Steps that it may take, instead: the result then depends on nothing else")
      ->check(CLI::Range(int64_t(1000), int64_t(1) << 48))
      ->excludes(seconds);
  command->add_option("--seed", options->fit.seed, "Seed of everything that is drawn")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  markOutput(command->add_option("--checkpoint", options->fit.checkpoint,
                                 "File to write finished trainings to (.safetensors), as they end"));
  markReplaceable(command->add_option("--resume", options->fit.resume,
                                      "Go on from such a file, with the same table and seed and any budget"));
  command->add_option("--dtype", options->dtype, "Element type: f32 or f64 (default: f32)")
      ->check(CLI::IsMember({"f32", "f64", "float32", "float64"}));
  command->add_option("--threads", options->fit.threads, "Number of threads (default: all processors)")
      ->check(CLI::Range(1, 4096));
  command->add_flag("--no-cache", options->noCache, "Compile, even if the object cache has the kernels");
}
