//===- Train.cpp - flowc train --------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Recipe.h"
#include "flowc/Training/Schedule.h"

#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

//===----------------------------------------------------------------------===//
// What both kinds of training share
//===----------------------------------------------------------------------===//

Expected<void> TrainOptions::apply(double &rate, UpdateOptions &update) const {
  for (auto [text, choice] : {std::pair{&optimizer, &update.optimizer}, std::pair{&schedule, &update.schedule}})
    if (!text->empty()) {
      auto parsed = Choice::parse(*text);
      if (!parsed)
        return parsed.takeError();
      *choice = std::move(*parsed);
    }
  auto info = findOptimizer(update.optimizer.name);
  if (!info)
    return info.takeError();
  rate = learningRate.value_or((*info)->rate > 0 ? (*info)->rate : rate);
  update.clipNorm = clipNorm.value_or(update.clipNorm);
  update.average = average.value_or(update.average);
  update.maxRecoveries = maxRecoveries.value_or(update.maxRecoveries);
  update.freeze = freeze;
  return {};
}

void tool::rememberUpdate(TrainingRecord &record, const UpdateOptions &update, double learningRate) {
  record.options["learning_rate"] = learningRate;
  if (update.clipNorm > 0)
    record.options["clip_norm"] = update.clipNorm;
  if (update.average > 0)
    record.options["average"] = update.average;
  record.choices["optimizer"] = update.optimizer.text();
  record.choices["schedule"] = update.schedule.text();
}

namespace {

Expected<Trainee> loadTrainee(const TrainOptions &options) {
  if (isModelPath(options.model.path)) {
    auto loaded = loadModel(options.model);
    if (!loaded)
      return loaded.takeError();
    Flow flow = loaded->flow();
    DType dtype = loaded->dtype();
    return Trainee{std::move(flow), std::move(*loaded), dtype};
  }
  auto flow = loadFlow(options.model.path, options.model.name);
  if (!flow)
    return flow.takeError();
  return Trainee{std::move(*flow), std::nullopt, options.model.dtypeOr(F32)};
}

Expected<int> runTrain(const TrainOptions &options) {
  if (options.data.path.empty() != options.source.isGiven())
    return Error{options.data.path.empty() ? "there is nothing to train on: give --data ROWS or --target DENSITY.flow"
                                           : "a flow is trained on data or on a target, but --data and --target are "
                                             "both given"};
  if (!isModelPath(options.output))
    return Error{"a model is a .safetensors file, but the output is '" + options.output + "'"};
  for (const std::string &path : {options.output, options.run.checkpoint.path})
    if (!path.empty())
      if (auto ok = checkWritable(path); !ok)
        return ok.takeError();
  auto trainee = loadTrainee(options);
  if (!trainee)
    return trainee.takeError();
  if (!trainee->flow.isDistribution())
    return Error{"'" + trainee->flow.name() + "' is a " + (trainee->flow.isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions can be trained"};
  return !options.source.isGiven() ? trainOnData(options, std::move(*trainee))
                                   : trainOnTarget(options, std::move(*trainee));
}

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

/// `NAME:SETTING=VALUE,...` with all settings of a row.
std::string defaultText(const char *name, std::span<const Setting> settings) {
  Choice choice{std::string(name)};
  for (const Setting &setting : settings)
    choice.settings[setting.name] = setting.value;
  return choice.text();
}

/// The shortest digits.
std::string exactNumber(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

/// The rows of the tables of optimisers, schedules and objectives.
std::string tableText() {
  std::string text = "\nObjectives (--objective NAME:SETTING=VALUE,...; data: the first one):\n";
  for (const ObjectiveInfo *info : objectiveTable())
    text += "  " + defaultText(info->name, info->settings) + "\n      " + info->formula + "\n";
  text += "\nOptimisers (--optimizer NAME:SETTING=VALUE,...; here with their settings by default):\n";
  for (const OptimizerInfo *info : optimizerTable())
    text += "  " + defaultText(info->name, info->settings) + "\n      " + info->formula + "\n";
  text += "\nSchedules (--schedule NAME:SETTING=VALUE,...), factors of the learning rate at step t of N:\n";
  for (const ScheduleInfo &info : scheduleTable())
    text += "  " + defaultText(info.name, info.settings) + "\n      " + info.formula + "\n";
  return text;
}

void addDataOptions(CLI::App &command, TrainOptions &options, CLI::Option *target) {
  static const std::map<std::string, Preset> presetNames = {{"recommended", Preset::Recommended},
                                                            {"flowjax", Preset::FlowJAX}};
  static const std::map<std::string, Units> unitNames = {
      {"none", Units::None}, {"columns", Units::Columns}, {"cholesky", Units::Cholesky}, {"auto", Units::Auto}};
  command.add_option("--val-data", options.valData, "Rows to validate with, instead of a share of the data")
      ->excludes(target);
  command.add_option("--val-condition", options.valCondition, "Their conditions")->needs("--val-data");
  command.add_option("--prior", options.prior, "The density (.flow) of the events before the data, for contrastive")
      ->excludes(target);
  command.add_option("--weights", options.weights, "Column of the data that has the weights of its rows")
      ->excludes(target);
  command
      .add_option("--preset", options.preset,
                  "Settings that are not given: recommended (a large rate that falls along a cosine, by the number of "
                  "rows), or flowjax (those of fit_to_data, columns standardised)")
      ->transform(CLI::CheckedTransformer(presetNames))
      ->option_text("recommended|flowjax")
      ->excludes(target);
  command
      .add_option("--whiten", options.units,
                  "Units in which events are trained on: of columns, cholesky (without correlations), none, or auto "
                  "(default): cholesky if columns are as good as collinear")
      ->transform(CLI::CheckedTransformer(unitNames))
      ->option_text("auto|cholesky|columns|none")
      ->excludes(target);
  command
      .add_option("--max-epochs", options.maxEpochs,
                  "Most passes over the data (default: 300, but 25,000 steps at most; of flowjax 100)")
      ->check(isWholeNumber(INT32_MAX))
      ->excludes(target);
  command
      .add_option("--max-patience", options.maxPatience,
                  "Fruitless epochs to put up with (default: a third of all; of flowjax 5)")
      ->check(isWholeNumber(INT32_MAX))
      ->excludes(target);
  command
      .add_option("--batch-size", options.batchSize,
                  "Rows of a step (default: a sixtieth of all, 32 to 512; of flowjax 100; of lbfgs, all)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 48))
      ->excludes(target);
  command.add_option("--val-prop", options.valProp, "Share of the rows for validation")
      ->capture_default_str()
      ->excludes(target)
      ->excludes("--val-data");
  command.add_option("--test-prop", options.testProp, "Share of the rows to hold out and score at the end")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.99))
      ->excludes(target);
}

void addTargetOptions(CLI::App &command, TrainOptions &options, CLI::Option *target) {
  TargetOptions &loop = options.target;
  command.add_option("--steps", loop.steps, "Steps on a target")
      ->capture_default_str()
      ->check(isWholeNumber(INT32_MAX))
      ->needs(target);
  command.add_option("--num-samples", loop.numSamples, "Draws of a step on a target")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(1) << 32))
      ->needs(target);
  command
      .add_option("--max-seconds", options.maxSeconds,
                  "End after so many seconds, those of the chains included, if the steps are not done (default: never)")
      ->check(CLI::Range(1e-3, 1e9))
      ->needs(target);
  command
      .add_flag("!--no-chains,--chains", options.chains,
                "Do not look with a short run of Markov chains where the target lies")
      ->needs(target);
}

void addUpdateOptions(CLI::App &command, TrainOptions &options) {
  command.add_option("--objective,--loss", options.objective,
                     "What to minimise, see below, or a .flow file with an 'objective' (default: likelihood; on a "
                     "target elbo, near it with the gradient of vargrad)");
  command.add_option("--optimizer", options.optimizer, "What moves the parameters, see below (default: adam)");
  command.add_option("--schedule", options.schedule,
                     "Of the learning rate, see below (default: warmup_cosine; of flowjax and of an optimiser "
                     "that is named, constant)");
  command.add_option("--learning-rate", options.learningRate,
                     "Default: " + exactNumber(recommendedFit(1).learningRate) +
                         "; of flowjax, of an optimiser that "
                         "is named and of a trained model " +
                         exactNumber(FitOptions().learningRate) + ", of lbfgs 1; on a target without chains " +
                         exactNumber(TargetOptions().learningRate));
  command.add_option("--clip-norm", options.clipNorm,
                     "Scale longer gradients to this length (default: " + exactNumber(TargetOptions().update.clipNorm) +
                         "; of flowjax 0, never)");
  command.add_option("--freeze", options.freeze, "Leave parameters whose path matches (* stands for any letters)")
      ->allow_extra_args(false);
  command.add_option("--average", options.average,
                     "Keep an exponential average of the parameters with this decay, e.g. 0.999 (default, on data: " +
                         exactNumber(recommendedFit(1).update.average) +
                         ", of epochs where it validates better than the parameters; of flowjax, and 0: none)");
  command
      .add_option(
          "--max-recoveries", options.maxRecoveries,
          "How often to go back to the last good epoch or round, with half the rate, when the loss is not finite "
          "or a validation is half a nat per dimension above the best (default: 5)")
      ->check(isWholeNumber(1000));
}

void addRunOptions(CLI::App &command, RunOptions &run) {
  markOutput(
      command.add_option("--checkpoint", run.checkpoint.path, "File to write the state of training to (.safetensors)"));
  command.add_option("--checkpoint-steps", run.checkpoint.steps, "Write it after so many steps, too")
      ->check(isWholeNumber(INT64_MAX))
      ->needs("--checkpoint");
  command.add_option("--checkpoint-seconds", run.checkpoint.seconds, "Write it after so many seconds")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e9))
      ->needs("--checkpoint");
  markReplaceable(command.add_option("--resume", run.checkpoint.resume, "Go on from such a file"));
  markOutput(command.add_option("--log", run.log, "Losses of each epoch or step: .csv, or one JSON object a line"));
}

} // namespace

void tool::addTrainCommand(CLI::App &app, Action &action) {
  auto [command, options] = addCommand(
      app, action, "train", "Train a flow on data by maximum likelihood, or to approximate a density",
      "  flowc train galaxies.flow --data galaxies.csv -o model.safetensors\n"
      "  flowc train galaxies.flow --data galaxies.csv --test-prop 0.1 --seed 1 -o model.safetensors\n"
      "  flowc train redshift.flow --data galaxies.csv --columns redshift --condition-columns u,g,r,i,z,y \\\n"
      "      -o model.safetensors\n"
      "  flowc train model.safetensors --data more.csv -o better.safetensors\n"
      "  flowc train galaxies.flow --data galaxies.csv --optimizer adamw:weight_decay=1e-3 --schedule cosine \\\n"
      "      --clip-norm 5 -o model.safetensors\n\n"
      "Columns are standardised by a frozen affine layer, which becomes a part of the model's flow.\n"
      "Ctrl-C stops training and keeps the best parameters; with --checkpoint it can go on with --resume.\n" +
          tableText(),
      runTrain);
  options->model.add(*command, "FILE");
  command->add_option("--data", options->data.path, "Rows to train on: .npy, .csv, .tsv or FILE.safetensors:NAME");
  options->data.addShared(*command);
  options->source.add(*command, " to approximate, on draws, instead of data");
  CLI::Option *target = command->get_option("--target");
  markOutput(command->add_option("-o,--output", options->output, "The model to write (.safetensors)"))->required();
  command->add_option("--seed", options->seed, "Seed of initial parameters, split, order and draws")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  addUpdateOptions(*command, *options);
  addDataOptions(*command, *options, target);
  addTargetOptions(*command, *options, target);
  command->add_flag("--return-best,!--no-return-best", options->returnBest,
                    "Keep the parameters of the best epoch or round (default)");
  command->add_flag("!--no-standardize,--standardize", options->standardize,
                    "Put no affine layer of the data's, or the target's, units outside of the flow");
  addRunOptions(*command, options->run);
}
