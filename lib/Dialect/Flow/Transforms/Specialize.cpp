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
#include "flowc/Dialect/Flow/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

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
  /// The event argument of a bijection, else null.
  BlockArgument event;
  /// The base distribution of a flow, else null.
  DistributionOpInterface base;
  /// All bijections in forward order, and those that are the flow's own (the
  /// others belong to its base distribution).
  SmallVector<Operation *> chain, own;
  /// The condition, if there is one, then the leaves.
  SmallVector<BlockArgument> arguments;

  Type getEventType() { return function.getResultTypes().front(); }
};

class KernelBuilder;
using EmitFn = LogicalResult (KernelBuilder::*)();

/// One kind of kernel: whether it takes an event, needs a distribution, and how
/// it is emitted.
struct KernelKind {
  StringRef name;
  bool takesEvent, needsDistribution;
  EmitFn emit;
};

/// Emits @kernel from a graph.
class KernelBuilder {
public:
  KernelBuilder(Graph &graph, const KernelKind &kind)
      : graph(graph), kind(kind), builder(graph.function.getLoc(), graph.function) {}

  LogicalResult build();

  LogicalResult emitLogProb() {
    FailureOr<Value> total = buildLogProb();
    results.push_back(succeeded(total) ? *total : Value());
    return total;
  }
  LogicalResult emitNll();
  LogicalResult emitSample() { return emitSampleWithLogDet(/*withLogProb=*/false); }
  LogicalResult emitSampleAndLogProb() { return emitSampleWithLogDet(/*withLogProb=*/true); }
  LogicalResult emitTransform() { return emitBijection(/*inverse=*/false); }
  LogicalResult emitInverse() { return emitBijection(/*inverse=*/true); }

private:
  FailureOr<Value> buildLogProb();
  LogicalResult emitSampleWithLogDet(bool withLogProb);
  LogicalResult emitBijection(bool inverse);
  /// Number of elements of `value` that are NaN, as a float.
  Value countNaNs(Value value);

  Graph &graph;
  const KernelKind &kind;
  ImplicitLocOpBuilder builder;
  Specializer *specializer = nullptr;
  Value event, condition;
  SmallVector<Value> results;
};

struct SpecializePass : flowc::flow::impl::SpecializePassBase<SpecializePass> {
  using SpecializePassBase::SpecializePassBase;
  void runOnOperation() override;
};
} // namespace

static constexpr KernelKind kKernels[] = {
    {"log_prob", true, true, &KernelBuilder::emitLogProb},
    {"nll", true, true, &KernelBuilder::emitNll},
    {"sample", false, true, &KernelBuilder::emitSample},
    {"sample_and_log_prob", false, true, &KernelBuilder::emitSampleAndLogProb},
    {"transform", true, false, &KernelBuilder::emitTransform},
    {"inverse", true, false, &KernelBuilder::emitInverse},
};

//===----------------------------------------------------------------------===//
// Reading the graph
//===----------------------------------------------------------------------===//

static FailureOr<Graph> readGraph(func::FuncOp function) {
  Graph graph;
  graph.function = function;
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

Value KernelBuilder::countNaNs(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  auto isNaN = [&](ImplicitLocOpBuilder &at, Value x) -> Value {
    Value unordered = arith::CmpFOp::create(at, arith::CmpFPredicate::UNO, x, x);
    return arith::SelectOp::create(at, unordered, buildConstant(at, element, 1), buildConstant(at, element, 0));
  };
  if (!isa<RankedTensorType>(value.getType()))
    return isNaN(builder, value);
  FailureOr<MapOp> map = buildMap(builder, getNumElements(value.getType()), value, {},
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.summands.push_back(isNaN(at, arguments.front()));
                                    return success();
                                  });
  return map->getSums().front();
}

FailureOr<Value> KernelBuilder::buildLogProb() {
  FailureOr<Transformed> inverse = specializer->apply(graph.chain, /*inverse=*/true, event);
  if (failed(inverse))
    return failure();
  builder.setLoc(graph.base->getLoc());
  Value density = graph.base.buildLogProb(*specializer, inverse->event);
  Value total = specializer->addLogDets(density, inverse->logDet);
  // A density that is undefined for a row without NaNs is zero: the row lies
  // outside of the support.
  builder.setLoc(graph.function.getLoc());
  Value nans = countNaNs(event);
  if (condition)
    nans = arith::AddFOp::create(builder, nans, countNaNs(condition));
  Type type = total.getType();
  Value isRowValid = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, nans, buildConstant(builder, type, 0));
  Value isUndefined = arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, total, total);
  Value isOutside = arith::AndIOp::create(builder, isRowValid, isUndefined);
  Value nothing = buildConstant(builder, type, -std::numeric_limits<double>::infinity());
  return Value(arith::SelectOp::create(builder, isOutside, nothing, total));
}

LogicalResult KernelBuilder::emitNll() {
  FailureOr<Value> total = buildLogProb();
  if (failed(total))
    return failure();
  results.push_back(arith::NegFOp::create(builder, *total));
  return success();
}

LogicalResult KernelBuilder::emitSampleWithLogDet(bool withLogProb) {
  builder.setLoc(graph.base->getLoc());
  Value draw = graph.base.buildSample(*specializer);
  Value density = withLogProb ? graph.base.buildLogProb(*specializer, draw) : Value();
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

LogicalResult KernelBuilder::build() {
  func::FuncOp function = graph.function;
  if (kind.needsDistribution && !graph.base)
    return function.emitError("kernel '") << kind.name << "' needs a flow, not a bijection";
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

  bool withLogDets = kind.name != "sample";
  Specializer own(builder, withLogDets);
  specializer = &own;
  if (kind.takesEvent)
    event = block.getArgument(0);
  for (auto [graphArgument, argument] :
       llvm::zip_equal(graph.arguments, block.getArguments().drop_front(kind.takesEvent))) {
    own.getMapping().map(graphArgument, argument);
    if (function.getArgAttr(graphArgument.getArgNumber(), FlowDialect::kConditionAttr))
      condition = argument;
  }
  SmallVector<Operation *> users(graph.chain);
  if (graph.base)
    users.push_back(graph.base);
  if (failed(own.cloneParameterOps(function.getBody().front(), users)) || failed((this->*kind.emit)()))
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
  if (!function) {
    getOperation().emitError("has no flow graph: neither @flow nor @bijection");
    return signalPassFailure();
  }
  FailureOr<Graph> graph = readGraph(function);
  if (failed(graph) || failed(KernelBuilder(*graph, *kind).build()))
    return signalPassFailure();
  function.erase();
}
