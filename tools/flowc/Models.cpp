//===- Models.cpp - flowc check, init, import -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "flowc/API/ModelImpl.h"

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
};

/// How hard a direction is; of several, the hardest counts.
enum Effort { Analytic, Sweep, Root };

const char *describe(Effort effort) {
  switch (effort) {
  case Analytic:
    return "analytic";
  case Sweep:
    return "sweep (one network pass, coordinate by coordinate)";
  case Root:
    return "root (solved numerically)";
  }
  return "";
}

Effort effortOf(const Node &node, bool forward) {
  Effort effort = Analytic;
  if (!forward) {
    if (node.kind == "masked_autoregressive")
      effort = Sweep;
    else if (node.kind == "block_autoregressive_network")
      effort = Root;
    else if (node.kind == "planar" && !node.attributes.count("negative_slope"))
      effort = Root;
  }
  bool childForward = node.kind == "invert" ? !forward : forward;
  auto visit = [&](const Child &child) {
    // The net of embed_condition and the networks only ever run forward.
    if (child.node->category != Node::Category::Network && child.path != "embedding_net")
      effort = std::max(effort, effortOf(*child.node, childForward));
  };
  for (const auto &field : node.fields)
    if (const auto *child = std::get_if<Child>(&field))
      visit(*child);
  for (const Child &child : node.hidden)
    visit(child);
  return effort;
}

Expected<int> runCheck(const CheckOptions &options) {
  auto loaded = isModelPath(options.model.path) ? loadModel(options.model) : Expected<Loaded>(Error{});
  if (isModelPath(options.model.path) && !loaded)
    return loaded.takeError();
  auto parsed = loaded ? Expected<Flow>(loaded->flow()) : loadFlow(options.model.path, options.model.name);
  if (!parsed)
    return parsed.takeError();
  const Flow &flow = *parsed;
  const std::vector<PlacedLeaf> &leaves = Flow::Impl::of(flow).leaves;
  int64_t counts[3] = {};
  for (const PlacedLeaf &leaf : leaves)
    if (leaf.leaf->kind != Leaf::Kind::Constant)
      counts[static_cast<int>(leaf.leaf->kind)] += numElements(leaf.shape);

  std::printf("%s %s\n", flow.isDistribution() ? "flow" : "bijection", flow.name().c_str());
  std::printf("  event:       %s (%s coordinates)\n", formatShape(flow.shape()).c_str(),
              formatCount(flow.dim()).c_str());
  if (flow.condShape())
    std::printf("  condition:   %s\n", formatShape(*flow.condShape()).c_str());
  std::printf("  parameters:  %s trainable", formatCount(counts[static_cast<int>(Leaf::Kind::Trainable)]).c_str());
  if (int64_t frozen = counts[static_cast<int>(Leaf::Kind::Frozen)])
    std::printf(", %s frozen", formatCount(frozen).c_str());
  if (int64_t indices = counts[static_cast<int>(Leaf::Kind::Permutation)])
    std::printf(", %s indices of permutations", formatCount(indices).c_str());
  std::printf("\n  cost:        %s multiply-adds a row\n", formatCount(countWeights(flow)).c_str());
  std::printf("  transform:   %s%s\n", describe(effortOf(flow.root(), true)),
              flow.isDistribution() ? ", used by sample" : "");
  std::printf("  inverse:     %s%s\n", describe(effortOf(flow.root(), false)),
              flow.isDistribution() ? ", used by log_prob" : "");
  if (loaded) {
    const TrainingRecord &record = loaded->record;
    std::printf("  dtype:       %s\n", elementTypeName(elementTypeOf(loaded->dtype())));
    if (!record.valLosses.empty())
      std::printf("  trained:     %zu epochs on %s rows, best epoch %lld\n", record.valLosses.size(),
                  formatCount(record.rows).c_str(), static_cast<long long>(record.bestEpoch));
  }
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
  auto check = std::make_shared<CheckOptions>();
  CLI::App *command = addCommand(app, action, "check", "Check a flow or a model and say what it is",
                                 "  flowc check galaxies.flow\n"
                                 "  flowc check model.safetensors",
                                 check, runCheck);
  check->model.add(*command, "FILE");

  auto init = std::make_shared<InitCommandOptions>();
  command = addCommand(app, action, "init", "Make a model with initial parameters",
                       "  flowc init galaxies.flow -o model.safetensors\n"
                       "  flowc init galaxies.flow -o model.safetensors --seed 7 --dtype f64",
                       init, runInit);
  init->model.add(*command, "FILE");
  command->add_option("-o,--output", init->output, "The model to write (.safetensors)")->required();
  command->add_option("--seed", init->seed, "Seed of the random parameters (default: 0)");

  auto import = std::make_shared<ImportOptions>();
  command = addCommand(app, action, "import", "Read a model that FlowJAX (equinox) saved",
                       "  flowc import trained.eqx --flow galaxies.flow -o model.safetensors\n\n"
                       "trained.eqx is what equinox.tree_serialise_leaves(\"trained.eqx\", flow) wrote. Every leaf is\n"
                       "compared with the text of the flow.",
                       import, runImport);
  command->add_option("MODEL", import->model.path, "The file of tree_serialise_leaves (.eqx)")->required();
  import->model.addShared(*command);
  command->add_option("--flow", import->flow, "The text of the flow")->required();
  command->add_option("-o,--output", import->output, "The model to write (.safetensors)")->required();
}
