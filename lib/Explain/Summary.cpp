//===- Summary.cpp - What a flow consists of and costs --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Explain/Summary.h"

#include "ExplainImpl.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"
#include "flowc/Dialect/Tile/IR/TileDialect.h"
#include "flowc/Pipelines/Pipelines.h"
#include "flowc/Runtime/KernelABI.h"
#include "flowc/Support/Format.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cstddef>

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;
using Step = SpecializerTrace::Step;

static Effort getEffort(InverseKind kind) {
  switch (kind) {
  case InverseKind::Analytic:
    return Effort::Analytic;
  case InverseKind::Sweep:
    return Effort::Sweep;
  case InverseKind::Root:
    return Effort::Root;
  }
  return Effort::Analytic;
}

/// What `step` takes, with all inside of it; notes the same for every step.
static Effort measure(const Step &step, DenseMap<Operation *, Effort> &efforts) {
  Effort effort = Effort::Analytic;
  if (step.bijection && step.inverse)
    effort = getEffort(cast<BijectionOpInterface>(step.bijection).getInverseKind());
  for (const auto &inner : step.steps)
    effort = std::max(effort, measure(*inner, efforts));
  if (step.bijection)
    efforts[step.bijection] = std::max(effort, efforts.lookup(step.bijection));
  return effort;
}

namespace {
/// What the bijections of one direction take.
struct Measured {
  Effort total = Effort::Analytic;
  DenseMap<Operation *, Effort> efforts;
};
} // namespace

/// Emits one direction and measures it; `visit`, if given, sees the steps.
static FailureOr<Measured> measureDirection(func::FuncOp function, bool inverse,
                                            llvm::function_ref<void(const Step &, const Measured &)> visit = {}) {
  SpecializerTrace trace;
  FailureOr<EmittedDirection> direction = emitDirection(function, inverse);
  if (failed(direction))
    return failure();
  Measured measured;
  measured.total = measure(trace.getRoot(), measured.efforts);
  if (visit)
    visit(trace.getRoot(), measured);
  direction->program.erase();
  return measured;
}

static void list(const Step &step, unsigned depth, const Measured &inverse, const Measured &transform,
                 std::vector<BijectionSummary> &result) {
  for (const auto &inner : step.steps) {
    Operation *op = inner->bijection;
    // Parts of a base distribution are not among the flow's bijections.
    if (depth == 0 && !isa<func::FuncOp>(op->getParentOp()))
      continue;
    BijectionSummary summary;
    summary.name = op->getName().stripDialect().str() + (op->hasAttr(FlowDialect::kBaseAttr) ? " of the base" : "");
    if (auto location = dyn_cast<FileLineColLoc>(op->getLoc()))
      summary.location = {location.getLine(), location.getColumn()};
    summary.depth = depth;
    if (auto scan = dyn_cast<flow::ScanOp>(op))
      summary.layers = scan.getLayers();
    summary.transform = transform.efforts.lookup(op);
    summary.inverse = inverse.efforts.lookup(op);
    result.push_back(std::move(summary));
    list(*inner, depth + 1, inverse, transform, result);
  }
}

/// Whether a draw (or the image of an event) depends on the condition.
static FailureOr<bool> findUseOfCondition(ModuleOp module, bool isDistribution) {
  PassManager pm(module.getContext());
  // Of a draw that is given, `sample` would be the outermost bijection only.
  pm.addPass(createSpecializePass(isDistribution ? SpecializePassOptions{.program = "sample", .rows = "drawn"}
                                                 : SpecializePassOptions{.program = "transform"}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (failed(pm.run(module)))
    return failure();
  auto kernel = module.lookupSymbol<func::FuncOp>("kernel");
  for (BlockArgument argument : kernel.getArguments())
    if (kernel.getArgAttr(argument.getArgNumber(), SampleDialect::kConditionAttr))
      return !argument.use_empty();
  return false;
}

/// The multiply-adds that the tile program of a kernel says it takes.
static int64_t getMacsPerRow(ModuleOp tileProgram) {
  constexpr size_t index = offsetof(KernelInfo, macsPerRow) / sizeof(int64_t);
  auto info = tileProgram.lookupSymbol<tile::TableOp>("info");
  auto numbers = info ? dyn_cast<DenseElementsAttr>(info.getNumbers()) : DenseElementsAttr();
  return numbers ? numbers.getValues<int64_t>()[index] : 0;
}

const char *flowc::describe(Effort effort) {
  switch (effort) {
  case Effort::Analytic:
    return "analytic";
  case Effort::Sweep:
    return "sweep (one network pass, coordinate by coordinate)";
  case Effort::Root:
    return "root (solved numerically)";
  }
  return "";
}

std::string flowc::describeParameters(const Flow &flow) {
  auto count = [&](Leaf::Kind kind) {
    int64_t count = 0;
    for (const PlacedLeaf &leaf : Flow::Impl::of(flow).leaves)
      if (leaf.leaf->kind == kind)
        count += numElements(leaf.shape);
    return count;
  };
  std::string text = formatCount(count(Leaf::Kind::Trainable)) + " trainable";
  if (int64_t frozen = count(Leaf::Kind::Frozen))
    text += ", " + formatCount(frozen) + " frozen";
  if (int64_t indices = count(Leaf::Kind::Permutation))
    text += ", " + formatCount(indices) + " indices of permutations";
  return text;
}

Expected<FlowSummary> flowc::summarize(const Flow &flow) {
  FlowGraph graph(flow, F32);
  std::string &error = graph.getError();
  if (!graph.getModule())
    return Error{error};
  auto fail = [&] { return Error{"cannot compile '" + flow.name() + "': " + error}; };
  func::FuncOp function = graph.getFunction();
  FlowSummary summary;
  FailureOr<Measured> inverse = measureDirection(function, /*inverse=*/true);
  if (failed(inverse))
    return fail();
  FailureOr<Measured> transform =
      measureDirection(function, /*inverse=*/false, [&](const Step &root, const Measured &measured) {
        list(root, 0, *inverse, measured, summary.bijections);
      });
  if (failed(transform))
    return fail();
  summary.transform = transform->total;
  summary.inverse = inverse->total;

  // Nobody reads the program, and it can be long.
  PipelineOptions options{.kernel = flow.isDistribution() ? Kernel::LogProb : Kernel::Transform, .cleanTile = false};
  OwningOpRef<ModuleOp> program = buildKernelModule(graph.getContext(), flow, EmitLevel::Tile, options, error);
  if (!program)
    return fail();
  summary.macsPerRow = getMacsPerRow(*program);
  if (flow.condShape()) {
    FailureOr<bool> uses = findUseOfCondition(graph.getModule(), flow.isDistribution());
    if (failed(uses))
      return fail();
    summary.usesCondition = *uses;
  }
  return summary;
}
