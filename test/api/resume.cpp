//===- resume.cpp - Trainings that are killed and go on -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   flowc-resume LOOP CHECKPOINT RESULT [THREADS]
//
// A program that trains with one of the loops of the interface, writes a checkpoint all
// the time and goes on from it if there is one. At the end it writes what the training
// came to, digit by digit. SIGTERM stops it at the next step, with 128 + the signal; other
// signals do what they always do. kill.py sends them.
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include "flowc/Training/TrainingTarget.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace flowc;

namespace {

volatile std::sig_atomic_t stopSignal = 0;

constexpr const char *couplingText =
    "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 8, invert = false)";
constexpr const char *crossText =
    "density t(x[2]) = logsumexp([-8*x[0]^2 - x[1]^2/2, -x[0]^2/2 - 8*x[1]^2]) + 0.3*x[0]";

/// What is compared at the end.
struct Outcome {
  Model model;
  std::vector<double> numbers; ///< Losses and whatever else the training says.
  bool interrupted;
};

/// How a loop is run.
struct Manner {
  CheckpointOptions checkpoint;
  int threads = 0;

  std::function<bool()> interrupted() const {
    return [] { return stopSignal != 0; };
  }
};

template <typename T>
T take(Expected<T> expected) {
  if (expected)
    return std::move(*expected);
  std::fprintf(stderr, "flowc-resume: %s\n", expected.error().message.c_str());
  std::exit(1);
}

Model initialise(const char *text, DType dtype) {
  return take(Model::initialise(take(Flow::parse(text)), {.seed = 1, .dtype = dtype}));
}

/// Rows on an arc, the same in every process.
Rows<float> arc(int64_t count) {
  Rows<float> x(count, 2);
  for (int64_t i = 0; i < count; ++i) {
    auto t = static_cast<float>(i);
    x.row(i) << std::cos(0.0015f * t) + 0.1f * std::sin(1.7f * t), std::sin(0.0015f * t) + 0.1f * std::cos(2.3f * t);
  }
  return x;
}

Outcome fitRows(const Manner &manner) {
  Model model = initialise(couplingText, F32);
  FitOptions options{.learningRate = 2e-3, .maxEpochs = 30, .maxPatience = 30, .threads = manner.threads};
  options.interrupted = manner.interrupted();
  options.checkpoint = manner.checkpoint;
  options.update.optimizer = "adamw";
  options.update.schedule = "cosine";
  options.update.average = 0.99;
  FitResult result = take(fitToData(model, arc(4000), options));
  std::vector<double> numbers = result.trainLosses;
  numbers.insert(numbers.end(), result.valLosses.begin(), result.valLosses.end());
  return {std::move(model), std::move(numbers), result.interrupted};
}

/// What all trainings on a target say.
Outcome outcomeOf(Model model, const TargetResult &result) {
  std::vector<double> numbers = result.valLosses;
  for (const StepStatistics &step : result.statistics)
    numbers.insert(numbers.end(), {step.loss, step.gradientNorm, step.learningRate});
  return {std::move(model), std::move(numbers), result.interrupted};
}

TargetOptions targetOptions(const Manner &manner) {
  TargetOptions options{.steps = 1000, .numSamples = 64, .threads = manner.threads};
  options.interrupted = manner.interrupted();
  options.checkpoint = manner.checkpoint;
  return options;
}

Outcome fitDensity(const Manner &manner) {
  Model model = initialise(couplingText, F64);
  TargetResult result = take(fitToTarget(model, take(Flow::parseDensity(crossText)), targetOptions(manner)));
  return outcomeOf(std::move(model), result);
}

Outcome fitGivenDraws(const Manner &manner) {
  Model model = initialise(couplingText, F32);
  TargetOptions options = targetOptions(manner);
  options.steps = 150;
  options.update.optimizer = "lbfgs";
  options.learningRate = 1;
  TargetResult result = take(fitToTarget(model, take(Flow::parseDensity(crossText)), arc(500), options));
  return outcomeOf(std::move(model), result);
}

/// A banana-shaped density.
Expected<void> banana(const double *x, int64_t rows, double *logDensity, double *gradient) {
  for (int64_t i = 0; i < rows; ++i) {
    double a = x[2 * i], r = x[2 * i + 1] - 0.3 * a * a;
    logDensity[i] = -0.5 * (a * a + r * r);
    if (!gradient)
      continue;
    gradient[2 * i] = -a + 0.6 * a * r;
    gradient[2 * i + 1] = -r;
  }
  return {};
}

Outcome fitCode(const Manner &manner) {
  Model model = initialise(couplingText, F32);
  TrainingTarget target(ExternalTarget{"banana", 2, /*threadSafe=*/true, banana});
  TargetOptions options = targetOptions(manner);
  options.objective = "stl";
  TargetResult result = take(fitToTarget(model, target, options));
  return outcomeOf(std::move(model), result);
}

/// `optimize` with a callback whose values are a part of what is resumed.
Outcome optimizeWith(const Manner &manner, Model model, Objective &objective, OptimizeOptions options) {
  options.threads = manner.threads;
  options.interrupted = manner.interrupted();
  options.checkpoint = manner.checkpoint;
  options.callback = [](const StepStatistics &, const Model &now) -> std::map<std::string, double> {
    return {{"first", now.trainable()[0]}};
  };
  OptimizeResult result = take(optimize(model, objective, options));
  std::vector<double> numbers;
  for (const StepStatistics &step : result.statistics)
    numbers.insert(numbers.end(), {step.loss, step.gradientNorm, step.values.at("first")});
  return {std::move(model), std::move(numbers), result.interrupted};
}

Outcome optimizeTable(const Manner &manner) {
  Model model = initialise(couplingText, F64);
  auto objective = take(makeObjective({"iwae", {{"draws", 4}}}, model.flow(),
                                      {.dtype = F64, .target = take(Flow::parseDensity(crossText))}));
  OptimizeOptions options{.learningRate = 1e-3, .maxIters = 800, .numSamples = 64};
  options.update.optimizer = "rmsprop";
  return optimizeWith(manner, std::move(model), *objective, options);
}

/// A loss of this program's own: the distance from numbers that change with the step.
Outcome optimizeFunction(const Manner &manner) {
  Model model = initialise(couplingText, F64);
  auto objective = makeObjective(
      "distance", [](const Model &now, const Batch &batch, std::span<double> gradient) -> Expected<double> {
        std::vector<double> p = now.trainable();
        double loss = 0;
        for (size_t i = 0; i < p.size(); ++i) {
          double difference = p[i] - std::sin(static_cast<double>(i) + static_cast<double>(batch.first));
          loss += difference * difference;
          gradient[i] = 2 * difference;
        }
        return loss;
      });
  return optimizeWith(manner, std::move(model), *objective, {.learningRate = 1e-2, .maxIters = 3000});
}

constexpr std::pair<const char *, Outcome (*)(const Manner &)> kLoops[] = {
    {"rows", fitRows}, {"density", fitDensity},  {"draws", fitGivenDraws},
    {"code", fitCode}, {"table", optimizeTable}, {"function", optimizeFunction}};

void writeResult(const Outcome &outcome, const std::string &path) {
  std::ofstream file(path);
  file << std::hexfloat;
  for (const std::vector<double> &numbers : {outcome.model.trainable(), outcome.numbers})
    for (double number : numbers)
      file << number << "\n";
}

} // namespace

int main(int argc, char **argv) {
  std::signal(SIGTERM, [](int signal) { stopSignal = signal; });
  for (auto [name, loop] : kLoops) {
    if (argc < 4 || std::string(argv[1]) != name)
      continue;
    const std::string checkpoint = argv[2];
    Manner manner{{.path = checkpoint, .seconds = 0.03}, argc > 4 ? std::atoi(argv[4]) : 0};
    if (std::filesystem::exists(checkpoint))
      manner.checkpoint.resume = checkpoint;
    Outcome outcome = loop(manner);
    if (outcome.interrupted)
      return 128 + stopSignal;
    writeResult(outcome, argv[3]);
    return 0;
  }
  std::fprintf(stderr, "usage: flowc-resume LOOP CHECKPOINT RESULT [THREADS]; loops:");
  for (auto [name, loop] : kLoops)
    std::fprintf(stderr, " %s", name);
  std::fputs("\n", stderr);
  return 2;
}
