//===- Evaluate.cpp - flowc evaluate --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"
#include "Progress.h"
#include "Target.h"

#include "flowc/Evaluation.h"

using namespace flowc;
using namespace flowc::tool;

namespace {

struct EvaluateOptions {
  ModelOptions model;
  DataOptions data;
  TargetSource target;
  std::string other;
  int64_t draws = 100000;
  uint64_t seed = 0;
  bool json = false;
};

Expected<TargetEvaluation> againstTarget(const Loaded &loaded, const EvaluateOptions &options) {
  auto target = compileTarget(options.target, loaded.flow(), options.model);
  if (!target)
    return target.takeError();
  auto condition = readOneCondition(loaded, options.data);
  if (!condition)
    return condition.takeError();
  Progress progress("drawing", options.draws, "draws");
  return evaluateTarget(
      *loaded.kernels, loaded.model, *target,
      {.draws = options.draws, .seed = options.seed, .condition = *condition, .progress = [&](int64_t done) {
         progress.update(done);
       }});
}

Expected<DataEvaluation> againstData(const Loaded &loaded, const EvaluateOptions &options) {
  auto sources = openSources(loaded, options.data, loaded.flow().dim() + 1);
  if (!sources)
    return sources.takeError();
  auto evaluator = DataEvaluator::create(*loaded.kernels, loaded.model, {.seed = options.seed});
  auto rows = forEachChunk(*sources, "evaluating", [&](int64_t count) {
    std::vector<const void *> inputs = sources->pointers();
    return evaluator->add(inputs[0], inputs.size() > 1 ? inputs[1] : nullptr, count);
  });
  if (!rows)
    return rows.takeError();
  return evaluator->finish();
}

/// The comparison with the other model, and that model's name.
Expected<std::pair<ModelComparison, std::string>> againstOther(const Loaded &loaded, const EvaluateOptions &options) {
  ModelOptions which = options.model;
  which.path = options.other;
  which.name.clear();
  auto other = loadKernels(which, options.data.path);
  if (!other)
    return other.takeError();
  if (!other->flow().isDistribution())
    return Error{"'" + options.other + "' holds no flow: only flows are compared"};
  auto result = compareModels(loaded, *other, options.data);
  if (!result)
    return result.takeError();
  return std::pair(*result, other->flow().name());
}

/// Columns of the model and lines about the data, in both forms.
Expected<void> addData(const Loaded &loaded, const EvaluateOptions &options, std::string &text, std::string &json) {
  auto result = againstData(loaded, options);
  if (!result)
    return result.takeError();
  std::vector<std::string> names = eventColumnNames(loaded.flow(), loaded.record);
  text += "'" + loaded.flow().name() + "' against the rows of '" + options.data.path + "'\n" + result->toText(names);
  json += (json.empty() ? "" : ", ") + ("\"data\": " + result->toJson(names));
  if (double step = loaded.record.table ? loaded.record.table->logStep() : 0; step != 0) {
    text += "  of dequantised values; with probabilities of the values of grids instead: " +
            formatNumber(result->meanLogProb + step, F32) + "\n";
    json += ", \"log_step\": " + formatNumber(step, F64);
  }
  if (options.other.empty())
    return {};
  auto compared = againstOther(loaded, options);
  if (!compared)
    return compared.takeError();
  const auto &[comparison, name] = *compared;
  std::string ours = loaded.flow().name(), theirs = name;
  if (ours == theirs) { // Then files tell them apart.
    ours = options.model.path;
    theirs = options.other;
  }
  text +=
      "'" + ours + "' beside '" + theirs + "', row by row\n" + comparison.toText("'" + ours + "'", "'" + theirs + "'");
  json += ", \"comparison\": " + comparison.toJson();
  return {};
}

Expected<int> runEvaluate(const EvaluateOptions &options) {
  if (!options.other.empty() && options.data.path.empty())
    return Error{"--against compares two models on the same rows: give --data FILE"};
  if (!options.target.isGiven() && options.data.path.empty())
    return Error{"nothing to evaluate the model against: give --target FILE.flow, --data FILE or both"};
  if (auto ok = options.data.checkUse(); !ok)
    return ok.takeError();
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  if (!loaded->flow().isDistribution())
    return Error{"'" + loaded->flow().name() + "' is a " + (loaded->flow().isDensity() ? "density" : "bijection") +
                 ", expected a flow"};
  std::string text, json;
  if (options.target.isGiven()) {
    auto result = againstTarget(*loaded, options);
    if (!result)
      return result.takeError();
    text += "'" + loaded->flow().name() + "' against the target in '" + options.target.path + "'\n" + result->toText();
    json += "\"target\": " + result->toJson();
  }
  if (!options.data.path.empty())
    if (auto ok = addData(*loaded, options, text, json); !ok)
      return ok.takeError();
  std::printf("%s", options.json ? ("{" + json + "}\n").c_str() : text.c_str());
  return 0;
}

} // namespace

void tool::addEvaluateCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "evaluate", "How well a model fits a target or data",
                 "  flowc evaluate model.safetensors --target banana.flow\n"
                 "  flowc evaluate model.safetensors --target banana.flow -n 1000000 --seed 1 --json\n"
                 "  flowc evaluate model.safetensors --data galaxies.csv\n"
                 "  flowc evaluate model.safetensors --data galaxies.csv --against other.safetensors\n\n"
                 "Against a target: ELBO and log-evidence with standard errors, effective sample size of\n"
                 "importance sampling, and Pareto k, which says whether all of that can be trusted.\n"
                 "Against data: mean log-likelihood with its standard error, and Kolmogorov-Smirnov tests\n"
                 "of each coordinate: marginal, and conditional where the map is triangular. Against another\n"
                 "model: the difference of mean log-likelihoods with its standard error, row by row.",
                 runEvaluate);
  options->model.add(*command);
  options->target.add(*command, "");
  command->add_option("--data", options->data.path, "Rows: .npy, .csv, .tsv or FILE.safetensors:NAME");
  options->data.addShared(*command);
  command->add_option("--against", options->other, "Another model of the same columns, to compare with on these rows");
  command->add_option("-n,--count", options->draws, "Draws against the target")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(100), int64_t(1) << 40));
  command->add_option("--seed", options->seed, "Seed of draws")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  command->add_flag("--json", options->json, "Print one JSON object");
}
