//===- Models.cpp - flowc check, init, import -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckData.h"

#include "flowc/Explain/Summary.h"
#include "flowc/Frontend/Data.h"
#include "flowc/Frontend/Frontend.h"
#include "flowc/Frontend/Warnings.h"

#include <algorithm>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

//===----------------------------------------------------------------------===//
// check
//===----------------------------------------------------------------------===//

struct CheckOptions {
  ModelOptions model;
  DataOptions data;
};

const char *getWord(Effort effort) {
  return effort == Effort::Analytic ? "analytic" : effort == Effort::Sweep ? "sweep" : "root";
}

void printBijections(const std::vector<BijectionSummary> &bijections) {
  size_t width = 0;
  std::vector<std::string> names;
  for (const BijectionSummary &bijection : bijections) {
    std::string name(2 * size_t(bijection.depth), ' ');
    name += bijection.name;
    if (bijection.layers)
      name += ", " + std::to_string(bijection.layers) + (bijection.layers == 1 ? " layer" : " layers");
    width = std::max(width, name.size());
    names.push_back(std::move(name));
  }
  if (!bijections.empty())
    std::printf("  %-*s  %-9s %-9s line:column\n", static_cast<int>(width + 2), "bijections", "transform", "inverse");
  for (size_t i = 0; i < bijections.size(); ++i)
    std::printf("    %-*s  %-9s %-9s %u:%u\n", static_cast<int>(width), names[i].c_str(),
                getWord(bijections[i].transform), getWord(bijections[i].inverse), bijections[i].location.line,
                bijections[i].location.column);
}

/// Warns about splines that data lies outside of.
void warnAboutSplines(const Flow &flow, const ColumnsSummary &data, std::vector<Warning> &warnings) {
  for (const ExposedSpline &spline : findExposedSplines(flow.root()))
    for (int64_t i = 0; i < data.columns(); ++i) {
      double least = data.least[i], most = data.most[i];
      if (least >= spline.lower && most <= spline.upper)
        continue;
      warnings.push_back({spline.location, "the spline covers [" + formatNumber(spline.lower, F32) + ", " +
                                               formatNumber(spline.upper, F32) + "], but column " + data.names[i] +
                                               " goes from " + formatNumber(least, F32) + " to " +
                                               formatNumber(most, F32) +
                                               ", and what is outside passes unchanged: standardise the data, as "
                                               "'flowc train' does by default, or widen the interval"});
      break;
    }
}

/// The data that a density depends on.
void printData(const Flow &density) {
  auto print = [](const DataArray &array, const char *use) {
    std::printf("  reads:       %s %s%s\n", array.name.c_str(), formatShape(array.shape).c_str(), use);
  };
  for (const DataArray *array : getDataArrays(density.root()))
    if (!array->isPositions)
      print(*array, "");
  for (const DataArray *array : getPositionSources(density.root()))
    print(*array, ", positions");
}

Expected<int> checkObjective(const std::string &text, const CheckOptions &options) {
  auto objective = Flow::parseObjective(text, /*rows=*/1, options.model.name, options.model.path);
  if (!objective)
    return objective.takeError();
  std::printf("objective %s\n", objective->name().c_str());
  for (const std::string &term : objective->terms())
    std::printf("  row:         %s%s\n", term.c_str(), term == "target" ? ", log-density of the target" : ", a column");
  return 0;
}

/// Event, condition, parameters, cost, and how each direction is computed.
void printSummary(const Flow &flow, const FlowSummary &summary) {
  if (flow.condShape())
    std::printf("  condition:   %s\n", formatShape(*flow.condShape()).c_str());
  std::printf("  parameters:  %s", describeParameters(flow).c_str());
  std::printf("\n  cost:        %s multiply-adds a row\n", formatCount(summary.macsPerRow).c_str());
  std::printf("  transform:   %s%s\n", describe(summary.transform), flow.isDistribution() ? ", used by sample" : "");
  std::printf("  inverse:     %s%s\n", describe(summary.inverse), flow.isDistribution() ? ", used by log_prob" : "");
}

/// What a file says of a model beside its flow.
void printModel(const Loaded &loaded) {
  const TrainingRecord &record = loaded.record;
  std::printf("  dtype:       %s\n", elementTypeName(elementTypeOf(loaded.dtype())));
  if (record.steps > 0)
    std::printf("  trained:     %s steps towards %s\n", formatCount(record.steps).c_str(),
                record.choices.contains("target") ? record.choices.at("target").c_str() : "a target");
  else if (!record.valLosses.empty())
    std::printf("  trained:     %zu epochs on %s rows, best epoch %lld\n", record.valLosses.size(),
                formatCount(record.rows).c_str(), static_cast<long long>(record.bestEpoch));
}

/// Describes the data, if there is some, and prints all warnings on standard error.
Expected<void> warn(const CheckOptions &options, const Flow &flow, const Loaded *loaded, const FlowSummary &summary) {
  std::vector<Warning> warnings = findWarnings(flow.root());
  if (!summary.usesCondition)
    warnings.push_back({flow.root().location, "the condition of '" + flow.name() +
                                                  "' is never used, no layer reads it: leave out `cond_dim`, or give "
                                                  "it to a layer with a network"});
  std::vector<std::string> ofData;
  if (!options.data.path.empty()) {
    DType dtype = options.model.dtypeOr(loaded ? loaded->dtype() : F32);
    auto data = summarizeData(flow, loaded ? loaded->record : TrainingRecord(), options.data, dtype);
    if (!data)
      return data.takeError();
    print(*data);
    warnAboutSplines(flow, data->events, warnings);
    ofData = findDataWarnings(*data, dtype, options.data.path);
  }
  std::fflush(stdout);
  for (const Warning &warning : warnings)
    std::fprintf(stderr, "%s\n", formatWarning(warning, flow.text(), options.model.path).c_str());
  for (const std::string &warning : ofData)
    std::fprintf(stderr, "%s\n", warning.c_str());
  return {};
}

Expected<int> runCheck(const CheckOptions &options) {
  if (auto ok = options.data.checkUse(); !ok)
    return ok.takeError();
  auto loaded = isModelPath(options.model.path) ? loadModel(options.model) : Expected<Loaded>(Error{});
  if (isModelPath(options.model.path) && !loaded)
    return loaded.takeError();
  auto text = loaded ? Expected<std::string>(loaded->flow().text()) : loadText(options.model.path);
  if (!text)
    return text.takeError();
  if (selectsObjective(*text, options.model.name))
    return checkObjective(*text, options);
  auto flow = loaded ? Expected<Flow>(loaded->flow()) : Flow::parse(*text, options.model.name, options.model.path);
  if (!flow)
    return flow.takeError();
  const char *kind = flow->isDistribution() ? "flow" : flow->isDensity() ? "density" : "bijection";
  std::printf("%s %s\n", kind, flow->name().c_str());
  std::printf("  event:       %s (%s coordinates)\n", formatShape(flow->shape()).c_str(),
              formatCount(flow->dim()).c_str());
  if (flow->isDensity()) {
    printData(*flow);
    return 0;
  }
  auto summary = summarize(*flow);
  if (!summary)
    return summary.takeError();
  printSummary(*flow, *summary);
  if (loaded)
    printModel(*loaded);
  printBijections(summary->bijections);
  if (auto ok = warn(options, *flow, loaded ? &*loaded : nullptr, *summary); !ok)
    return ok.takeError();
  return 0;
}

//===----------------------------------------------------------------------===//
// init and import
//===----------------------------------------------------------------------===//

struct InitCommandOptions {
  ModelOptions model;
  std::string output;
  uint64_t seed = 0;
};

struct ImportOptions {
  ModelOptions model;
  std::string flow, output;
};

Expected<void> checkModelOutput(const std::string &path) {
  if (!isModelPath(path))
    return Error{"a model is a .safetensors file, but the output is '" + path + "'"};
  return checkWritable(path);
}

Expected<int> runInit(const InitCommandOptions &options) {
  if (auto ok = checkModelOutput(options.output); !ok)
    return ok.takeError();
  auto flow = loadFlow(options.model.path, options.model.name);
  if (!flow)
    return flow.takeError();
  auto model = Model::initialise(*flow, {.seed = options.seed, .dtype = options.model.dtypeOr(F32)});
  if (!model)
    return model.takeError();
  if (auto ok = model->save(options.output); !ok)
    return ok.takeError();
  return 0;
}

Expected<int> runImport(const ImportOptions &options) {
  if (auto ok = checkModelOutput(options.output); !ok)
    return ok.takeError();
  auto flow = loadFlow(options.flow, options.model.name);
  if (!flow)
    return flow.takeError();
  auto model = Model::importEquinox(*flow, options.model.path);
  if (!model)
    return model.takeError();
  if (auto ok = model->astype(options.model.dtypeOr(model->dtype())).save(options.output); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addModelCommands(CLI::App &app, Action &action) {
  auto [command, check] = addCommand(app, action, "check", "Check a flow or a model and say what it is",
                                     "  flowc check galaxies.flow\n"
                                     "  flowc check model.safetensors\n"
                                     "  flowc check galaxies.flow --data galaxies.csv\n\n"
                                     "What is valid but hardly meant is warned about on standard error.",
                                     runCheck);
  check->model.add(*command, "FILE");
  command->add_option(
      "--data", check->data.path,
      "Data for the flow, described as a training would read it: warn if a spline does not cover it, and of "
      "columns that no density has");
  check->data.addShared(*command);

  auto [initCommand, init] = addCommand(app, action, "init", "Make a model with initial parameters",
                                        "  flowc init galaxies.flow -o model.safetensors\n"
                                        "  flowc init galaxies.flow -o model.safetensors --seed 7 --dtype f64",
                                        runInit);
  init->model.add(*initCommand, "FILE");
  markOutput(initCommand->add_option("-o,--output", init->output, "The model to write (.safetensors)"))->required();
  initCommand->add_option("--seed", init->seed, "Seed of the random parameters (default: 0)")
      ->check(isWholeNumber(UINT64_MAX));

  auto [importCommand, import] =
      addCommand(app, action, "import", "Read a model that FlowJAX (equinox) saved",
                 "  flowc import trained.eqx --flow galaxies.flow -o model.safetensors\n\n"
                 "trained.eqx is what equinox.tree_serialise_leaves(\"trained.eqx\", flow) wrote. Every leaf is\n"
                 "compared with the text of the flow.",
                 runImport);
  importCommand->add_option("MODEL", import->model.path, "The file of tree_serialise_leaves (.eqx)")->required();
  import->model.addShared(*importCommand);
  importCommand->add_option("--flow", import->flow, "The text of the flow")->required();
  markOutput(importCommand->add_option("-o,--output", import->output, "The model to write (.safetensors)"))->required();
}
