//===- TrainTarget.cpp - flowc train --target -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/TargetStart.h"

#include <chrono>
#include <cmath>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// Whether chains look first where the target lies; a model has been there, and the loop
/// refuses a flow with a condition.
bool startsWithChains(const TrainOptions &options, const Flow &flow) {
  return options.chains && !isModelPath(options.model.path) && !flow.condShape();
}

/// Sets what is minimised: a row of the table, or the objective in a file.
Expected<void> chooseObjective(const TrainOptions &options, TargetOptions &target) {
  if (options.objective.empty())
    return {};
  auto source = readObjective(options.objective);
  if (!source)
    return source.takeError();
  target.objective = std::move(source->choice);
  // Who asks for `elbo` gets its own gradient.
  target.scoreBelow = 0;
  target.objectiveText = std::move(source->text);
  return {};
}

/// What the loop is given: its defaults, and what was asked for.
Expected<TargetOptions> targetOptions(const TrainOptions &options, const Flow &flow) {
  TargetOptions target = options.target;
  target.seed = options.seed;
  target.returnBest = options.returnBest;
  if (auto ok = chooseObjective(options, target); !ok)
    return ok.takeError();
  target.threads = options.model.threads;
  target.useCache = !options.model.noCache;
  // With good units large steps are safe, and the last ones are small.
  constexpr double rateAfterChains = 3e-3;
  if (startsWithChains(options, flow))
    target.learningRate = rateAfterChains;
  if (auto ok = options.apply(target.learningRate, target.update); !ok)
    return ok.takeError();
  auto optimizer = findOptimizer(target.update.optimizer.name);
  if (!optimizer)
    return optimizer.takeError();
  if ((*optimizer)->needsAllRows)
    target.redraw = false;
  return target;
}

void remember(TrainingRecord &record, const TrainOptions &options, const TargetOptions &target) {
  record.options = {{"num_samples", static_cast<double>(target.numSamples)},
                    {"seed", static_cast<double>(options.seed)}};
  record.choices["objective"] = target.objective.text();
  record.choices["target"] = options.source.path;
  rememberUpdate(record, target.update, target.learningRate);
}

void rememberFit(TrainingRecord &record, const TargetEvaluation &fit) {
  record.evaluation = {{"elbo", fit.elbo},
                       {"elbo_error", fit.elboError},
                       {"log_evidence", fit.logEvidence},
                       {"log_evidence_error", fit.logEvidenceError},
                       {"effective_sample_size", fit.effectiveSampleSize},
                       {"pareto_k", fit.paretoK},
                       {"draws", static_cast<double>(fit.draws)}};
}

/// Judges the model by draws that training has not seen, and prints what `flowc
/// evaluate` would.
Expected<void> judge(const Model &model, const TrainingTarget &target, const TrainOptions &options,
                     TrainingRecord &record) {
  auto logDensity = compileTarget(target, model.flow(), options.model);
  if (!logDensity)
    return logDensity.takeError();
  auto kernels = compile(model.flow(), options.model.compileOptions(model.dtype()));
  if (!kernels)
    return kernels.takeError();
  constexpr int64_t draws = 10000;
  auto fit = evaluateTarget(**kernels, model, *logDensity, {.draws = draws, .seed = options.seed});
  if (!fit)
    return fit.takeError();
  rememberFit(record, *fit);
  std::printf("%s", fit->toText().c_str());
  if (fit->outside > 0)
    std::printf("the flow draws where the target is 0: give the flow the target's support\n");
  else if (!(fit->paretoK < paretoKThreshold(draws)))
    std::printf("a larger flow, --steps or --num-samples may come closer to the target\n");
  return {};
}

/// The model to train: the one given; the one of the checkpoint, whose parameters are
/// yet to come; or a new one that has seen where the target lies.
Expected<Model> initialModel(const TrainOptions &options, Trainee &trainee, const TrainingTarget &target) {
  if (trainee.loaded)
    return std::move(trainee.loaded->model);
  if (!options.run.checkpoint.resume.empty()) {
    auto state = SavedState::read(options.run.checkpoint.resume);
    if (!state)
      return state.takeError();
    const std::string &text = state->identity["flow"];
    auto flow = text.starts_with(trainee.flow.text())
                    ? Flow::parse(text, state->identity["item"], options.run.checkpoint.resume)
                    : Expected<Flow>(trainee.flow); // Restoring will say what is different.
    if (!flow)
      return flow.takeError();
    return Model::initialise(*flow, {.seed = options.seed, .dtype = trainee.dtype});
  }
  if (!startsWithChains(options, trainee.flow))
    return Model::initialise(trainee.flow, {.seed = options.seed, .dtype = trainee.dtype});
  auto model = startTowardsTarget(trainee.flow, target,
                                  {.dtype = trainee.dtype,
                                   .seed = options.seed,
                                   .threads = options.model.threads,
                                   .useCache = !options.model.noCache,
                                   .standardize = options.standardize});
  if (model)
    return model;
  std::fprintf(stderr, "flowc: note: %s; training begins at the initial parameters\n", model.error().message.c_str());
  return Model::initialise(trainee.flow, {.seed = options.seed, .dtype = trainee.dtype});
}

/// A bound on the time that a process trains, from here on.
class TimeLimit {
public:
  explicit TimeLimit(double seconds) : seconds(seconds) {}
  /// Whether it is over; once it is, it stays so.
  bool check() {
    std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    isOver |= seconds > 0 && elapsed.count() > seconds;
    return isOver;
  }
  bool isOver = false;

private:
  double seconds;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

} // namespace

Expected<int> tool::trainOnTarget(const TrainOptions &options, Trainee trainee) {
  TimeLimit time(options.maxSeconds);
  auto loaded = loadTrainingTarget(options.source);
  if (!loaded)
    return loaded.takeError();
  const TrainingTarget &target = *loaded;
  auto loopOptions = targetOptions(options, trainee.flow);
  if (!loopOptions)
    return loopOptions.takeError();
  auto model = initialModel(options, trainee, target);
  if (!model)
    return model.takeError();

  TrainingRecord record;
  remember(record, options, *loopOptions);
  record.standardized = model->flow().text() != trainee.flow.text();
  TrainingRun run(options.run, record);
  loopOptions->checkpoint = options.run.checkpoint;
  loopOptions->interrupted = [&run, &time] { return run.poll() || time.check(); };
  loopOptions->update.onRecovery = [&run](const std::string &what) { run.tell(what); };
  auto trainer = Trainer::create(*model, target, {}, *loopOptions);
  if (!trainer)
    return trainer.takeError();
  auto ending = run.run(**trainer);
  if (!ending)
    return ending.takeError();
  // What was reached in time is a result like any other.
  bool isStopped = *ending == TrainingRun::Ending::Stopped && !time.isOver;
  record.steps = (*trainer)->state().step;
  std::printf("%s%s steps in %.2f s%s\n", record.interrupted ? "stopped after " : "", formatCount(record.steps).c_str(),
              record.seconds,
              (*trainer)->state().converged ? ", converged"
              : time.isOver                 ? ", out of time"
                                            : "");
  if (!isStopped) {
    if (auto ok = judge(*model, target, options, record); !ok)
      return ok.takeError();
  }
  if (auto ok = model->save(options.output, record.toJson()); !ok)
    return ok.takeError();
  std::printf("model: %s\n", options.output.c_str());
  if (isStopped)
    return TrainingRun::exitCode();
  return *ending == TrainingRun::Ending::Failed ? 1 : 0;
}
