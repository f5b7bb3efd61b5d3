//===- Specialize.cpp - Turn a flow graph into a sample program -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces the graph function by @kernel, the sample program of one kernel. All
// formulas belong to the ops; this pass only picks directions.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowBuilders.h"
#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/IR/FlowObjective.h"
#include "flowc/Dialect/Flow/IR/FlowVjp.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

namespace flowc::flow {
#define GEN_PASS_DEF_SPECIALIZEPASS
#include "flowc/Dialect/Flow/Transforms/Passes.h.inc"
} // namespace flowc::flow

using namespace mlir;
using namespace flowc::flow;

namespace {
/// What the pass reads off a graph function.
struct Graph {
  func::FuncOp function;
  /// The event argument of a bijection or a density, else null.
  BlockArgument event;
  /// The base distribution of a flow, else null.
  DistributionOpInterface base;
  /// All bijections in forward order, and those that are the flow's own (the
  /// others belong to its base distribution).
  SmallVector<Operation *> chain, own;
  /// The condition, if there is one, then the leaves.
  SmallVector<BlockArgument> arguments;
  /// The log-density `@density`, else null: the function itself, or the target.
  func::FuncOp density;

  bool isDensity() { return density == function; }
  Type getEventType() { return event ? event.getType() : function.getResultTypes().front(); }
};

class KernelBuilder;
using EmitFn = LogicalResult (KernelBuilder::*)();

/// One kind of kernel: whether it takes an event, needs a distribution, a target
/// density and log-determinants, and how it is emitted.
struct KernelKind {
  StringRef name;
  bool takesEvent, needsDistribution, needsTarget, withLogDets;
  EmitFn emit;
};

/// Emits @kernel from a graph.
class KernelBuilder {
public:
  KernelBuilder(Graph &graph, const KernelKind &kind)
      : graph(graph), kind(kind), builder(graph.function.getLoc(), graph.function) {}

  LogicalResult build();

  LogicalResult emitLogProb();
  LogicalResult emitNll();
  LogicalResult emitSample() { return emitSampleWithLogDet(/*withLogProb=*/false); }
  LogicalResult emitSampleAndLogProb() { return emitSampleWithLogDet(/*withLogProb=*/true); }
  LogicalResult emitTransform() { return emitBijection(/*inverse=*/false); }
  LogicalResult emitInverse() { return emitBijection(/*inverse=*/true); }
  LogicalResult emitElbo();
  LogicalResult emitStl();

private:
  /// Maps the graph's arguments to the kernel's, those that are leaves `detached`
  /// from differentiation or not, and emits computations on parameters.
  LogicalResult mapParameters(Specializer &own, bool detached);
  /// The log-density at `x` of the base distribution behind `chain`.
  FailureOr<Value> buildLogProb(ArrayRef<Operation *> chain, Value x);
  /// The log-density of the whole flow, -inf outside of its support.
  FailureOr<Value> buildFlowLogProb(Value x);
  /// What the function @density computes at `x`, likewise.
  Value buildDensity(Value x);
  Value guardSupport(Value logDensity, Value x, Value given);
  LogicalResult emitSampleWithLogDet(bool withLogProb);
  LogicalResult emitBijection(bool inverse);

  Graph &graph;
  const KernelKind &kind;
  ImplicitLocOpBuilder builder;
  Specializer *specializer = nullptr;
  /// The kernel's arguments for those of the graph, in order.
  SmallVector<Value> arguments;
  Value event, condition;
  SmallVector<Value> results;
};

struct SpecializePass : flowc::flow::impl::SpecializePassBase<SpecializePass> {
  using SpecializePassBase::SpecializePassBase;
  void runOnOperation() override;
};
} // namespace

static constexpr KernelKind kKernels[] = {
    {"log_prob", true, true, false, true, &KernelBuilder::emitLogProb},
    {"nll", true, true, false, true, &KernelBuilder::emitNll},
    {"sample", false, true, false, false, &KernelBuilder::emitSample},
    {"sample_and_log_prob", false, true, false, true, &KernelBuilder::emitSampleAndLogProb},
    {"transform", true, false, false, true, &KernelBuilder::emitTransform},
    {"inverse", true, false, false, true, &KernelBuilder::emitInverse},
    {"elbo", true, true, true, true, &KernelBuilder::emitElbo},
    {"elbo_sample", false, true, true, true, &KernelBuilder::emitElbo},
    {"stl", true, true, true, false, &KernelBuilder::emitStl},
    {"stl_sample", false, true, true, false, &KernelBuilder::emitStl},
};

//===----------------------------------------------------------------------===//
// Reading the graph
//===----------------------------------------------------------------------===//

/// Reads `function`; `density`, if there is one, is the function itself or the
/// target.
static FailureOr<Graph> readGraph(func::FuncOp function, func::FuncOp density) {
  Graph graph;
  graph.function = function;
  graph.density = density;
  if (density && (!density.getBody().hasOneBlock() || density.getNumArguments() != 1 || density.getNumResults() != 1 ||
                  !isa<FloatType>(density.getResultTypes().front())))
    return density.emitError("a density must be one block that takes an event and returns a float");
  if (graph.isDensity()) {
    graph.event = density.getArgument(0);
    return graph;
  }
  if (!function.getBody().hasOneBlock() || function.getNumResults() != 1)
    return function.emitError("a flow graph must be one block with one result");
  for (BlockArgument argument : function.getArguments()) {
    bool isRow = function.getArgAttr(argument.getArgNumber(), FlowDialect::kRowAttr) != nullptr;
    bool isCondition = function.getArgAttr(argument.getArgNumber(), FlowDialect::kConditionAttr) != nullptr;
    if (isRow && !isCondition)
      graph.event = argument;
    else
      graph.arguments.push_back(argument);
  }
  Value first;
  graph.chain = Specializer::getChain(function.getBody().front().getTerminator()->getOperand(0), first);
  llvm::copy_if(graph.chain, std::back_inserter(graph.own),
                [](Operation *op) { return !op->hasAttr(FlowDialect::kBaseAttr); });
  if (graph.event) {
    if (first != graph.event)
      return function.emitError("the result must be the event after bijections");
    return graph;
  }
  graph.base = first.getDefiningOp<DistributionOpInterface>();
  if (!graph.base)
    return function.emitError("the result must be a draw of a base distribution after bijections");
  return graph;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

FailureOr<Value> KernelBuilder::buildLogProb(ArrayRef<Operation *> chain, Value x) {
  FailureOr<Transformed> inverse = specializer->apply(chain, /*inverse=*/true, x);
  if (failed(inverse))
    return failure();
  builder.setLoc(graph.base->getLoc());
  Value density = graph.base.buildLogProb(*specializer, inverse->event);
  if (!density)
    return failure();
  return specializer->addLogDets(density, inverse->logDet);
}

/// A log-density that is undefined although neither `x` nor `given` (if any)
/// holds a NaN belongs to a row outside of the support, where the density is zero.
Value KernelBuilder::guardSupport(Value logDensity, Value x, Value given) {
  builder.setLoc(graph.function.getLoc());
  SmallVector<Value> inputs{x};
  if (given)
    inputs.push_back(given);
  return buildGuardedDensity(builder, logDensity, inputs);
}

FailureOr<Value> KernelBuilder::buildFlowLogProb(Value x) {
  FailureOr<Value> total = buildLogProb(graph.chain, x);
  return failed(total) ? total : guardSupport(*total, x, condition);
}

Value KernelBuilder::buildDensity(Value x) {
  Block &body = graph.density.getBody().front();
  builder.setLoc(graph.density.getLoc());
  Type type = body.getArgument(0).getType();
  IRMapping mapping;
  mapping.map(body.getArgument(0), x.getType() == type ? x : ReshapeOp::create(builder, type, x).getY());
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  return guardSupport(mapping.lookupOrDefault(body.getTerminator()->getOperand(0)), x, {});
}

LogicalResult KernelBuilder::emitLogProb() {
  FailureOr<Value> total = graph.isDensity() ? buildDensity(event) : buildFlowLogProb(event);
  if (failed(total))
    return failure();
  results.push_back(*total);
  return success();
}

LogicalResult KernelBuilder::emitNll() {
  FailureOr<Value> total = buildFlowLogProb(event);
  if (failed(total))
    return failure();
  results.push_back(arith::NegFOp::create(builder, *total));
  return success();
}

LogicalResult KernelBuilder::emitSampleWithLogDet(bool withLogProb) {
  builder.setLoc(graph.base->getLoc());
  Value draw = graph.base.buildSample(*specializer);
  if (!draw)
    return failure();
  Value density = withLogProb ? graph.base.buildLogProb(*specializer, draw) : Value();
  if (withLogProb && !density)
    return failure();
  FailureOr<Transformed> sample = specializer->apply(graph.chain, /*inverse=*/false, draw);
  if (failed(sample))
    return failure();
  builder.setLoc(graph.function.getLoc());
  results.push_back(sample->event);
  if (withLogProb)
    results.push_back(sample->logDet ? Value(arith::SubFOp::create(builder, density, sample->logDet)) : density);
  return success();
}

LogicalResult KernelBuilder::emitBijection(bool inverse) {
  FailureOr<Transformed> result = specializer->apply(graph.own, inverse, event);
  if (failed(result))
    return failure();
  builder.setLoc(graph.function.getLoc());
  results.push_back(result->event);
  results.push_back(result->logDet ? result->logDet
                                   : buildConstant(builder, getElementTypeOrSelf(graph.getEventType()), 0));
  return success();
}

/// log q(y) - target(y) where log q(y) follows from the way to y = T(z). The
/// event, if there is one, is a draw of the base distribution, whose bijections
/// are not T's.
LogicalResult KernelBuilder::emitElbo() {
  ArrayRef<Operation *> chain = graph.chain;
  ArrayRef<Operation *> own = event ? ArrayRef(graph.own) : chain;
  builder.setLoc(graph.base->getLoc());
  Value z = event ? event : graph.base.buildSample(*specializer);
  FailureOr<Value> density = buildLogProb(chain.drop_back(own.size()), z);
  FailureOr<Transformed> draw = specializer->apply(own, /*inverse=*/false, z);
  if (failed(density) || failed(draw))
    return failure();
  builder.setLoc(graph.function.getLoc());
  Value logProb = draw->logDet ? arith::SubFOp::create(builder, *density, draw->logDet) : *density;
  results.push_back(arith::SubFOp::create(builder, logProb, buildDensity(draw->event)));
  return success();
}

/// log q(y) - target(y) where log q(y) is evaluated anew, by the inverse, with
/// leaves that are constants (Roeder, Wu, Duvenaud 2017, Sticking the landing,
/// arXiv:1703.09194).
LogicalResult KernelBuilder::emitStl() {
  builder.setLoc(graph.base->getLoc());
  Value z = event ? event : graph.base.buildSample(*specializer);
  FailureOr<Transformed> draw =
      specializer->apply(event ? ArrayRef(graph.own) : ArrayRef(graph.chain), /*inverse=*/false, z);
  Specializer constant(builder);
  if (failed(draw) || failed(mapParameters(constant, /*detached=*/true)))
    return failure();
  specializer = &constant;
  FailureOr<Value> logProb = buildFlowLogProb(draw->event);
  if (failed(logProb))
    return failure();
  results.push_back(arith::SubFOp::create(builder, *logProb, buildDensity(draw->event)));
  return success();
}

LogicalResult KernelBuilder::mapParameters(Specializer &own, bool detached) {
  for (auto [graphArgument, argument] : llvm::zip_equal(graph.arguments, arguments)) {
    bool isConstant = detached && argument != condition && isDifferentiable(argument.getType());
    own.getMapping().map(graphArgument, isConstant ? DetachOp::create(builder, argument).getY() : argument);
  }
  SmallVector<Operation *> users(graph.chain);
  if (graph.base)
    users.push_back(graph.base);
  return own.cloneParameterOps(graph.function.getBody().front(), users);
}

/// Whether the graph has what a kernel needs.
static LogicalResult checkKernel(Graph &graph, const KernelKind &kind) {
  auto error = [&] { return graph.function.emitError("kernel '") << kind.name << "' needs a "; };
  if (graph.isDensity() && kind.name != "log_prob")
    return error() << "flow, not a density";
  if (kind.needsDistribution && !graph.base && !graph.isDensity())
    return error() << "flow, not a bijection";
  if (!kind.needsTarget)
    return success();
  if (!graph.density)
    return error() << "target, a function @density";
  Type type = graph.density.getArgumentTypes().front();
  if (getNumElements(type) != getNumElements(graph.getEventType()))
    return error() << "target of events of " << graph.getEventType() << " but @density takes " << type;
  return success();
}

LogicalResult KernelBuilder::build() {
  func::FuncOp function = graph.function;
  if (failed(checkKernel(graph, kind)))
    return failure();
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  if (kind.takesEvent) {
    types.push_back(graph.getEventType());
    attributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(FlowDialect::kRowAttr, builder.getUnitAttr())));
  }
  for (BlockArgument argument : graph.arguments) {
    types.push_back(argument.getType());
    attributes.push_back(function.getArgAttrDict(argument.getArgNumber()));
  }
  auto kernel = func::FuncOp::create(builder, "kernel", builder.getFunctionType(types, {}));
  for (auto [i, dictionary] : llvm::enumerate(attributes))
    kernel.setArgAttrs(i, dictionary);
  Block &block = *kernel.addEntryBlock();
  builder.setInsertionPointToEnd(&block);

  Specializer own(builder, kind.withLogDets);
  specializer = &own;
  if (kind.takesEvent)
    event = block.getArgument(0);
  llvm::append_range(arguments, block.getArguments().drop_front(kind.takesEvent));
  for (auto [graphArgument, argument] : llvm::zip_equal(graph.arguments, arguments))
    if (function.getArgAttr(graphArgument.getArgNumber(), FlowDialect::kConditionAttr))
      condition = argument;
  if (failed(mapParameters(own, /*detached=*/false)) || failed((this->*kind.emit)()))
    return failure();
  builder.setLoc(function.getLoc());
  func::ReturnOp::create(builder, results);
  eraseDeadOps(block);
  kernel.setFunctionType(builder.getFunctionType(types, TypeRange(ValueRange(results))));
  return success();
}

void SpecializePass::runOnOperation() {
  const KernelKind *kind = llvm::find_if(kKernels, [&](const KernelKind &known) { return known.name == kernel; });
  if (kind == std::end(kKernels)) {
    getOperation().emitError("unknown kernel '") << kernel << "'";
    return signalPassFailure();
  }
  func::FuncOp function = getOperation().lookupSymbol<func::FuncOp>("flow");
  if (!function)
    function = getOperation().lookupSymbol<func::FuncOp>("bijection");
  auto density = getOperation().lookupSymbol<func::FuncOp>("density");
  if (!function)
    function = density;
  if (!function) {
    getOperation().emitError("has no flow graph: neither @flow nor @bijection");
    return signalPassFailure();
  }
  FailureOr<Graph> graph = readGraph(function, density);
  if (failed(graph) || failed(KernelBuilder(*graph, *kind).build()))
    return signalPassFailure();
  function.erase();
  if (density && density != function)
    density.erase();
}
