//===- Bench.cpp - flowc bench --------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "FmaPeak.h"
#include "Target.h"

#include "flowc/Explain/Summary.h"
#include "flowc/Support/Clock.h"
#include "flowc/Training/Stepper.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char **environ;

using namespace flowc;
using namespace flowc::tool;

namespace {

struct BenchOptions {
  ModelOptions model;
  /// What steps are about: rows if there is none.
  TargetSource target;
  /// What steps minimise; empty: `likelihood`, or `elbo` of a target.
  std::string objective;
  int64_t rows = 100000;
  std::vector<std::string> kernels;
  double seconds = 0.5;
  bool json = false;
};

struct KernelResult {
  std::string name;
  double rowsPerSecond = 0, shareOfPeak = 0, secondsPerCall = 0;
};

struct BenchResult {
  std::vector<KernelResult> kernels;
  double fmaPeak = 0, coldCompile = 0, cachedStart = 0, singleRow = 0;
};

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Runs kernels of one flow on rows drawn from it.
template <typename T>
class KernelBench {
public:
  KernelBench(Loaded &loaded, const BenchOptions &options)
      : loaded(loaded), options(options), dim(loaded.flow().dim()), condDim(loaded.flow().condDim()) {}

  Expected<void> makeRows();
  /// Shortest time of one call.
  Expected<double> time(const std::string &name);
  /// Median time of `log_prob` (of a bijection: `transform`) on one row.
  Expected<double> singleRow();
  int64_t rowsOf(const std::string &name) const { return name == "step_100" ? 100 : options.rows; }

private:
  Expected<void> callKernel(Kernel kernel, int64_t rows);
  Expected<std::unique_ptr<Objective>> makeStepObjective() const;
  Expected<void> trainingStep(int64_t rows);

  Loaded &loaded;
  const BenchOptions &options;
  int64_t dim, condDim;
  std::vector<T> x, condition, out, number, gradient;
  std::unique_ptr<Objective> objective;
  std::unique_ptr<Stepper> stepper;
};

/// Reproducible standard normal numbers; only `bench` needs them.
template <typename T>
void fillNormal(std::vector<T> &values) {
  uint64_t state = 1;
  auto uniform = [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
  };
  for (T &value : values)
    value = static_cast<T>(std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()));
}

template <typename T>
Expected<void> KernelBench<T>::makeRows() {
  int64_t rows = std::max<int64_t>(options.rows, 100);
  x.resize(static_cast<size_t>(rows * dim));
  condition.resize(static_cast<size_t>(rows * condDim));
  out.resize(x.size());
  number.resize(static_cast<size_t>(rows));
  fillNormal(x);
  fillNormal(condition);
  gradient.resize(static_cast<size_t>(loaded.model.numTrainable()));
  if (!loaded.flow().isDistribution())
    return {};
  // Rows from the flow itself: those of a trained one lie where its data lies.
  if (auto ok = callKernel(Kernel::Sample, rows); !ok)
    return ok;
  std::copy(out.begin(), out.end(), x.begin());
  return {};
}

template <typename T>
Expected<void> KernelBench<T>::callKernel(Kernel kernel, int64_t rows) {
  Kernels::Call call{.kernel = kernel, .rows = rows, .seed = 1};
  bool draws = kernel == Kernel::Sample || kernel == Kernel::SampleAndLogProb;
  if (!draws)
    call.inputs.push_back(x.data());
  if (condDim)
    call.inputs.push_back(condition.data());
  if (kernel == Kernel::NllGradient) {
    double loss = 0;
    call.loss = &loss;
    call.rawGradient = gradient.data();
    return loaded.kernels->run(loaded.model, call);
  }
  if (kernel != Kernel::LogProb)
    call.outputs.push_back(out.data());
  if (kernel != Kernel::Sample && kernel != Kernel::Score)
    call.outputs.push_back(number.data());
  return loaded.kernels->run(loaded.model, call);
}

template <typename T>
Expected<std::unique_ptr<Objective>> KernelBench<T>::makeStepObjective() const {
  bool hasTarget = options.target.isGiven();
  auto choice = Choice::parse(options.objective.empty() ? (hasTarget ? "elbo" : "likelihood") : options.objective);
  if (!choice)
    return choice.takeError();
  CompileOptions compileOptions = options.model.compileOptions(loaded.dtype());
  if (!hasTarget)
    return makeObjective(*choice, loaded.flow(), compileOptions);
  auto target = loadTrainingTarget(options.target);
  if (!target)
    return target.takeError();
  return target->makeObjective(*choice, loaded.flow(), compileOptions);
}

template <typename T>
Expected<void> KernelBench<T>::trainingStep(int64_t rows) {
  if (!stepper) {
    auto made = makeStepObjective();
    if (!made)
      return made.takeError();
    objective = std::move(*made);
    // The rate is so small that the flow stays as it is.
    auto created =
        Stepper::create(loaded.model, *objective, UpdateOptions(),
                        {.learningRate = 1e-12, .steps = 1, .threads = options.model.threads});
    if (!created)
      return created.takeError();
    stepper = std::move(*created);
  }
  Batch batch{.condition = condDim ? condition.data() : nullptr, .rows = rows};
  if (!options.target.isGiven())
    batch.x = x.data();
  auto result = stepper->step(batch);
  return result ? Expected<void>() : Expected<void>(result.takeError());
}

template <typename T>
Expected<double> KernelBench<T>::time(const std::string &name) {
  static const std::map<std::string, Kernel> known = {{"log_prob", Kernel::LogProb},
                                                      {"sample", Kernel::Sample},
                                                      {"sample_and_log_prob", Kernel::SampleAndLogProb},
                                                      {"transform", Kernel::Transform},
                                                      {"inverse", Kernel::Inverse},
                                                      {"score", Kernel::Score},
                                                      {"nll_gradient", Kernel::NllGradient}};
  int64_t rows = rowsOf(name);
  auto call = [&]() -> Expected<void> {
    if (name == "step" || name == "step_100")
      return trainingStep(rows);
    return callKernel(known.at(name), rows);
  };
  if (auto ok = call(); !ok) // Compiles.
    return ok.takeError();
  double best = 1e300;
  Clock::time_point start = Clock::now();
  for (int runs = 0; runs < 3 || secondsSince(start) < options.seconds; ++runs) {
    Clock::time_point begin = Clock::now();
    if (auto ok = call(); !ok)
      return ok.takeError();
    best = std::min(best, secondsSince(begin));
  }
  return best;
}

template <typename T>
Expected<double> KernelBench<T>::singleRow() {
  Kernel kernel = loaded.flow().isDistribution() ? Kernel::LogProb : Kernel::Transform;
  std::vector<double> times;
  constexpr int warmUp = 100, runs = 2000;
  for (int run = 0; run < warmUp + runs; ++run) {
    Clock::time_point begin = Clock::now();
    if (auto ok = callKernel(kernel, 1); !ok)
      return ok.takeError();
    if (run >= warmUp)
      times.push_back(secondsSince(begin));
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[runs / 2];
}

//===----------------------------------------------------------------------===//
// Starts of the tool
//===----------------------------------------------------------------------===//

/// A directory with a model, one row for it and a cache of its own.
class StartBench {
public:
  explicit StartBench(const Loaded &loaded) : loaded(loaded) {}
  ~StartBench() {
    std::error_code ignored;
    if (!folder.empty())
      std::filesystem::remove_all(folder, ignored);
  }

  Expected<void> begin();
  /// Shortest time from the start of a process to its end, scoring one row.
  Expected<double> time(bool cached) const;

private:
  Expected<void> writeRow(const std::string &path, const Shape &shape) const;
  Expected<double> runOnce(bool cached) const;

  const Loaded &loaded;
  std::string folder;
};

Expected<void> StartBench::writeRow(const std::string &path, const Shape &shape) const {
  auto writer = createRowWriter(path, F64, shape, {});
  if (!writer)
    return writer.takeError();
  std::vector<double> zeros(static_cast<size_t>(numElements(shape)));
  if (auto ok = (*writer)->append(zeros.data(), 1); !ok)
    return ok;
  return (*writer)->finish();
}

Expected<void> StartBench::begin() {
  std::string pattern = (std::filesystem::temp_directory_path() / "flowc-bench-XXXXXX").string();
  if (!::mkdtemp(pattern.data()))
    return Error{"cannot make a directory '" + pattern + "'"};
  folder = pattern;
  if (auto ok = loaded.model.save(folder + "/model.safetensors"); !ok)
    return ok;
  if (auto ok = writeRow(folder + "/x.npy", loaded.flow().shape()); !ok)
    return ok;
  if (loaded.flow().condShape())
    return writeRow(folder + "/c.npy", *loaded.flow().condShape());
  return {};
}

Expected<double> StartBench::runOnce(bool cached) const {
  std::vector<std::string> arguments = {"flowc",
                                        loaded.flow().isDistribution() ? "log-prob" : "transform",
                                        folder + "/model.safetensors",
                                        folder + "/x.npy",
                                        "-o",
                                        folder + "/out.npy"};
  if (loaded.flow().condShape())
    arguments.insert(arguments.end(), {"--condition", folder + "/c.npy"});
  if (!cached)
    arguments.push_back("--no-cache");
  std::string cache = "XDG_CACHE_HOME=" + folder;
  std::vector<char *> argv, environment = {cache.data()};
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  for (char **entry = environ; *entry; ++entry)
    if (!std::string_view(*entry).starts_with("XDG_CACHE_HOME="))
      environment.push_back(*entry);
  environment.push_back(nullptr);

  Clock::time_point start = Clock::now();
  pid_t child;
  int status = 0;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv.data(), environment.data()) != 0)
    return Error{"cannot start another flowc"};
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  double seconds = secondsSince(start);
  if (status != 0)
    return Error{"another flowc that scored one row failed"};
  return seconds;
}

Expected<double> StartBench::time(bool cached) const {
  if (cached) // The first run fills the cache.
    if (auto first = runOnce(true); !first)
      return first;
  double best = 1e300;
  for (int run = 0; run < 3; ++run) {
    auto seconds = runOnce(cached);
    if (!seconds)
      return seconds;
    best = std::min(best, *seconds);
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

void printJson(const BenchResult &result) {
  nlohmann::ordered_json json;
  json["kernels"] = nlohmann::ordered_json::array();
  for (const KernelResult &kernel : result.kernels)
    json["kernels"].push_back({{"kernel", kernel.name},
                               {"rows_per_second", kernel.rowsPerSecond},
                               {"share_of_peak", kernel.shareOfPeak},
                               {"seconds_per_call", kernel.secondsPerCall}});
  json["fma_peak_gflops"] = result.fmaPeak;
  json["cold_compile_seconds"] = result.coldCompile;
  json["cached_start_seconds"] = result.cachedStart;
  json["single_row_microseconds"] = result.singleRow * 1e6;
  std::printf("%s\n", json.dump(2).c_str());
}

void printTable(const BenchResult &result) {
  std::printf("%-20s %16s %14s %14s\n", "kernel", "rows/s", "us/call", "share of peak");
  for (const KernelResult &kernel : result.kernels)
    std::printf("%-20s %16s %14.1f %13.1f%%\n", kernel.name.c_str(),
                formatCount(static_cast<int64_t>(kernel.rowsPerSecond)).c_str(), kernel.secondsPerCall * 1e6,
                kernel.shareOfPeak * 100);
  std::printf("\nFMA peak of these threads     %10.1f GFLOP/s\n", result.fmaPeak);
  std::printf("start and compile, no cache   %10.3f s\n", result.coldCompile);
  std::printf("start with the object cache   %10.3f s\n", result.cachedStart);
  std::printf("one row                       %10.2f us\n", result.singleRow * 1e6);
}

template <typename T>
Expected<BenchResult> measure(Loaded &loaded, const BenchOptions &options) {
  BenchResult result;
  int threads = options.model.threads ? options.model.threads : static_cast<int>(std::thread::hardware_concurrency());
  result.fmaPeak = measureFmaPeak(loaded.dtype(), std::max(threads, 1));
  KernelBench<T> bench(loaded, options);
  if (auto ok = bench.makeRows(); !ok)
    return ok.takeError();
  // The same work for every kernel, whatever it repeats: each weight once per row.
  auto summary = summarize(loaded.flow());
  if (!summary)
    return summary.takeError();
  auto flops = 2.0 * static_cast<double>(summary->macsPerRow);
  for (const std::string &name : options.kernels) {
    auto seconds = bench.time(name);
    if (!seconds)
      return seconds.takeError();
    double rowsPerSecond = static_cast<double>(bench.rowsOf(name)) / *seconds;
    result.kernels.push_back({name, rowsPerSecond, flops * rowsPerSecond / (result.fmaPeak * 1e9), *seconds});
  }
  auto singleRow = bench.singleRow();
  if (!singleRow)
    return singleRow.takeError();
  result.singleRow = *singleRow;
  StartBench starts(loaded);
  if (auto ok = starts.begin(); !ok)
    return ok.takeError();
  for (bool cached : {false, true}) {
    auto seconds = starts.time(cached);
    if (!seconds)
      return seconds.takeError();
    (cached ? result.cachedStart : result.coldCompile) = *seconds;
  }
  return result;
}

/// The kernels to measure unless some are named: steps alone, if the options are about these.
std::vector<std::string> defaultKernels(bool isFlow, bool isAboutSteps) {
  if (isAboutSteps)
    return {"step_100", "step"};
  return isFlow ? std::vector<std::string>{"log_prob", "sample", "sample_and_log_prob", "step_100", "step"}
                : std::vector<std::string>{"transform", "inverse"};
}

Expected<int> runBench(const BenchOptions &given) {
  BenchOptions options = given;
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  auto kernels = compile(loaded->flow(), options.model.compileOptions(loaded->dtype()));
  if (!kernels)
    return kernels.takeError();
  loaded->kernels = std::move(*kernels);
  bool isFlow = loaded->flow().isDistribution();
  bool isAboutSteps = options.target.isGiven() || !options.objective.empty();
  if (options.kernels.empty())
    options.kernels = defaultKernels(isFlow, isAboutSteps);
  auto isStep = [](const std::string &name) { return name == "step" || name == "step_100"; };
  if (isAboutSteps && std::ranges::none_of(options.kernels, isStep))
    return Error{"--target and --objective are about training steps: expected 'step' or 'step_100' in --kernels"};
  for (const std::string &name : options.kernels)
    if (!isFlow && name != "transform" && name != "inverse")
      return Error{"'" + loaded->flow().name() + "' is a bijection: it has no kernel '" + name + "'"};
  auto result = loaded->dtype() == F32 ? measure<float>(*loaded, options) : measure<double>(*loaded, options);
  if (!result)
    return result.takeError();
  if (options.json)
    printJson(*result);
  else
    printTable(*result);
  return 0;
}

} // namespace

void tool::addBenchCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "bench", "Measure speed",
                 "  flowc bench galaxies.flow\n"
                 "  flowc bench model.safetensors --rows 1000000 --kernels=log_prob,sample --threads 1 --json\n"
                 "  flowc bench galaxies.flow --target banana.flow --objective stl --kernels=step --rows 1000",
                 runBench);
  options->model.add(*command, "FILE");
  command->add_option("--rows", options->rows, "Rows of a call")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(1) << 30));
  command
      ->add_option("--kernels", options->kernels,
                   "log_prob, sample, sample_and_log_prob, step_100 (a training step on 100 rows), step (on all rows), "
                   "transform, inverse, score, nll_gradient")
      ->delimiter(',')
      ->check(CLI::IsMember({"log_prob", "sample", "sample_and_log_prob", "step_100", "step", "transform", "inverse",
                             "score", "nll_gradient"}));
  options->target.add(*command, ": steps are on draws and this target, instead of rows");
  command->add_option("--objective", options->objective,
                      "What steps minimise, as of train (default: likelihood, or elbo with --target)");
  command->add_option("--seconds", options->seconds, "Least time spent on a kernel")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  command->add_flag("--json", options->json, "Print JSON");
}
