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

#include "Graph.h"

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"
#include "flowc/Dialect/Sample/IR/WellFormed.h"
#include "flowc/Kernel.h"

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
class KernelBuilder;
using EmitFn = LogicalResult (KernelBuilder::*)();

/// How a program is emitted, and whether that takes log-determinants.
struct Emission {
  flowc::Program program;
  bool withLogDets;
  EmitFn emit;
};

/// What to emit: a program, where its rows come from, whether its result is weighted.
struct Request {
  const flowc::ProgramSpec &program;
  bool isDrawn, isWeighted;
};

/// A draw of the flow: y, and log q(y) from the way there (null if not asked for).
struct Draw {
  Value event, logProb;
};

/// A number and its gradient.
struct WithSlope {
  Value value, slope;
};

/// Emits @kernel from a graph.
class KernelBuilder {
public:
  KernelBuilder(Graph &graph, const Request &request)
      : graph(graph), request(request), builder(graph.function.getLoc(), graph.function) {}

  LogicalResult build();

  LogicalResult emitLogProb();
  LogicalResult emitNll();
  LogicalResult emitSample();
  LogicalResult emitSampleAndLogProb();
  LogicalResult emitWeigh();
  LogicalResult emitTransform() { return emitBijection(/*inverse=*/false); }
  LogicalResult emitInverse() { return emitBijection(/*inverse=*/true); }
  LogicalResult emitToBase();
  LogicalResult emitElbo();
  LogicalResult emitStl();

private:
  /// Maps the graph's arguments to the kernel's and emits computations on parameters.
  LogicalResult mapParameters();
  /// The log-density at `x` of the base distribution behind `chain`.
  FailureOr<Value> buildLogProb(ArrayRef<Operation *> chain, Value x);
  /// The log-density of the whole flow, -inf outside of its support.
  FailureOr<Value> buildFlowLogProb(Value x);
  /// What the function @density computes at `x`, likewise.
  Value buildDensity(Value x);
  Value guardSupport(Value logDensity, Value x, Value given);
  /// The draw that comes from the event, a base draw, or from a new one.
  FailureOr<Draw> buildDraw(bool withLogProb);
  LogicalResult emitBijection(bool inverse);
  /// Adds the arguments of @kernel, rows first.
  void addArguments(func::FuncOp kernel);
  /// A term of a loss times the weight of the row, if there is one.
  Value applyWeight(Value term);
  /// The loss log q(y) - target(y) of a row.
  Value buildLoss(Value logProb, Value target);
  /// What `emit` emits at `at`, and its gradient there.
  FailureOr<WithSlope> differentiate(Value at, llvm::function_ref<FailureOr<Value>(Value)> emit);

  Graph &graph;
  const Request &request;
  ImplicitLocOpBuilder builder;
  Specializer *specializer = nullptr;
  /// The kernel's arguments for those of the graph, in order, and for the density's data.
  SmallVector<Value> arguments, data;
  Value event, condition, weight;
  SmallVector<Value> results;
};

struct SpecializePass : flowc::flow::impl::SpecializePassBase<SpecializePass> {
  using SpecializePassBase::SpecializePassBase;
  void runOnOperation() override;
};
} // namespace

static constexpr Emission kEmissions[] = {
    {flowc::Program::LogProb, true, &KernelBuilder::emitLogProb},
    {flowc::Program::Nll, true, &KernelBuilder::emitNll},
    {flowc::Program::Sample, false, &KernelBuilder::emitSample},
    {flowc::Program::SampleAndLogProb, true, &KernelBuilder::emitSampleAndLogProb},
    {flowc::Program::Weigh, true, &KernelBuilder::emitWeigh},
    {flowc::Program::Transform, true, &KernelBuilder::emitTransform},
    {flowc::Program::Inverse, true, &KernelBuilder::emitInverse},
    {flowc::Program::ToBase, false, &KernelBuilder::emitToBase},
    {flowc::Program::Elbo, true, &KernelBuilder::emitElbo},
    {flowc::Program::Stl, true, &KernelBuilder::emitStl},
};

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
  mapping.map(graph.getData(), data);
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  return guardSupport(mapping.lookupOrDefault(body.getTerminator()->getOperand(0)), x, {});
}

LogicalResult KernelBuilder::emitLogProb() {
  FailureOr<Value> total = graph.isDensity() ? buildDensity(event) : buildFlowLogProb(event);
  if (failed(total))
    return failure();
  results.push_back(applyWeight(*total));
  return success();
}

LogicalResult KernelBuilder::emitNll() {
  FailureOr<Value> total = buildFlowLogProb(event);
  if (failed(total))
    return failure();
  results.push_back(applyWeight(arith::NegFOp::create(builder, *total)));
  return success();
}

FailureOr<Draw> KernelBuilder::buildDraw(bool withLogProb) {
  // A base draw that is given has passed the base's own bijections already.
  ArrayRef<Operation *> chain = graph.chain;
  ArrayRef<Operation *> own = event ? ArrayRef(graph.own) : chain;
  builder.setLoc(graph.base->getLoc());
  Value z = event ? event : graph.base.buildSample(*specializer);
  if (!z)
    return failure();
  FailureOr<Value> density = withLogProb ? buildLogProb(chain.drop_back(own.size()), z) : FailureOr<Value>(Value());
  if (failed(density))
    return failure();
  FailureOr<Transformed> result = specializer->apply(own, /*inverse=*/false, z);
  if (failed(result))
    return failure();
  builder.setLoc(graph.function.getLoc());
  if (withLogProb && result->logDet)
    *density = arith::SubFOp::create(builder, *density, result->logDet);
  return Draw{result->event, *density};
}

LogicalResult KernelBuilder::emitSample() {
  FailureOr<Draw> draw = buildDraw(/*withLogProb=*/false);
  if (failed(draw))
    return failure();
  results.push_back(draw->event);
  return success();
}

LogicalResult KernelBuilder::emitSampleAndLogProb() {
  FailureOr<Draw> draw = buildDraw(/*withLogProb=*/true);
  if (failed(draw))
    return failure();
  llvm::append_values(results, draw->event, draw->logProb);
  return success();
}

LogicalResult KernelBuilder::emitWeigh() {
  if (failed(emitSampleAndLogProb()))
    return failure();
  results.push_back(buildDensity(results.front()));
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

LogicalResult KernelBuilder::emitToBase() {
  FailureOr<Transformed> result = specializer->apply(graph.chain, /*inverse=*/true, event);
  if (failed(result))
    return failure();
  results.push_back(result->event);
  return success();
}

/// A draw that the target gives no density is left out by the weight 0, as importance
/// weights do; what such a row computes must not reach the gradient.
Value KernelBuilder::buildLoss(Value logProb, Value target) {
  logProb = applyWeight(logProb);
  target = applyWeight(target);
  if (weight) {
    Value zero = buildConstant(builder, weight.getType(), 0);
    Value isOut = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, weight, zero);
    target = arith::SelectOp::create(builder, isOut, zero, target);
  }
  return arith::SubFOp::create(builder, logProb, target);
}

/// log q(y) - target(y) where log q(y) follows from the way to y = T(z).
LogicalResult KernelBuilder::emitElbo() {
  FailureOr<Draw> draw = buildDraw(/*withLogProb=*/true);
  if (failed(draw))
    return failure();
  results.push_back(buildLoss(draw->logProb, buildDensity(draw->event)));
  return success();
}

FailureOr<WithSlope> KernelBuilder::differentiate(Value at, llvm::function_ref<FailureOr<Value>(Value)> emit) {
  Value emitted, value, one = buildConstant(builder, getElementTypeOrSelf(at.getType()), 1);
  auto emitValue = [&](Value x) -> FailureOr<SmallVector<Seeded>> {
    FailureOr<Value> result = emit(x);
    if (failed(result))
      return failure();
    emitted = *result;
    return SmallVector<Seeded>{{emitted, one}};
  };
  auto keepValue = [&](Block &, IRMapping &mapping) { value = mapping.lookupOrDefault(emitted); };
  FailureOr<Value> slope = buildPullback(builder, at, emitValue, keepValue);
  if (failed(slope))
    return failure();
  return WithSlope{value, *slope ? *slope : buildConstant(builder, at.getType(), 0)};
}

/// log q(y) - target(y), differentiated along the path y = T(z) only: the derivative of
/// log q in its parameters at a fixed y, whose mean is zero, is left out (Roeder, Wu,
/// Duvenaud 2017, Sticking the landing, arXiv:1703.09194). The slope of log q at y is
/// carried along by the bijections, so that there is no inverse pass.
LogicalResult KernelBuilder::emitStl() {
  ArrayRef<Operation *> chain = graph.chain;
  ArrayRef<Operation *> own = event ? ArrayRef(graph.own) : chain;
  builder.setLoc(graph.base->getLoc());
  Value z = event ? event : graph.base.buildSample(*specializer);
  if (!z)
    return failure();
  FailureOr<WithSlope> base = differentiate(z, [&](Value at) { return buildLogProb(chain.drop_back(own.size()), at); });
  if (failed(base))
    return failure();
  FailureOr<Scored> draw = specializer->applyScored(own, /*inverse=*/false, z, base->slope);
  if (failed(draw))
    return failure();
  builder.setLoc(graph.function.getLoc());
  FailureOr<WithSlope> target = differentiate(draw->event, [&](Value at) { return buildDensity(at); });
  if (failed(target))
    return failure();
  Value logProb = base->value;
  if (draw->logDet)
    logProb = arith::SubFOp::create(builder, logProb, draw->logDet);
  Value loss = DetachOp::create(builder, buildLoss(logProb, target->value));
  Value slope = arith::SubFOp::create(builder, draw->score, target->slope);
  Value zero = buildConstant(builder, loss.getType(), 0);
  Value along = SurrogateOp::create(builder, zero, draw->event, slope);
  results.push_back(arith::AddFOp::create(builder, loss, applyWeight(along)));
  return success();
}

LogicalResult KernelBuilder::mapParameters() {
  specializer->getMapping().map(graph.arguments, arguments);
  SmallVector<Operation *> users(graph.chain);
  if (graph.base)
    users.push_back(graph.base);
  return specializer->cloneParameterOps(graph.function.getBody().front(), users);
}

/// Whether the graph has what a program needs.
static LogicalResult checkRequest(Graph &graph, const Request &request) {
  const flowc::ProgramSpec &program = request.program;
  auto error = [&] { return graph.function.emitError("program '") << program.name << "' needs a "; };
  if (graph.isDensity() && (program.of != flowc::ProgramOf::FlowOrDensity || request.isDrawn))
    return error() << "flow, not a density";
  if (program.of != flowc::ProgramOf::FlowOrBijection && !graph.base && !graph.isDensity())
    return error() << "flow, not a bijection";
  if (!program.needsTarget)
    return success();
  if (!graph.density)
    return error() << "target, a function @density";
  Type type = graph.density.getArgumentTypes().front();
  if (getNumElements(type) != getNumElements(graph.getEventType()))
    return error() << "target of events of " << graph.getEventType() << " but @density takes " << type;
  return success();
}

void KernelBuilder::addArguments(func::FuncOp kernel) {
  Block &block = kernel.getBody().emplaceBlock();
  SmallVector<DictionaryAttr> attributes;
  auto row = builder.getDictionaryAttr(builder.getNamedAttr(SampleDialect::kRowAttr, builder.getUnitAttr()));
  auto add = [&](Type type, DictionaryAttr attribute) {
    attributes.push_back(attribute);
    return block.addArgument(type, kernel.getLoc());
  };
  func::FuncOp function = graph.function;
  auto isCondition = [&](BlockArgument argument) {
    return function.getArgAttr(argument.getArgNumber(), SampleDialect::kConditionAttr) != nullptr;
  };
  if (!request.isDrawn)
    event = add(graph.getEventType(), row);
  for (BlockArgument argument : graph.arguments)
    if (isCondition(argument))
      condition = add(argument.getType(), function.getArgAttrDict(argument.getArgNumber()));
  if (request.isWeighted)
    weight = add(getElementTypeOrSelf(graph.getEventType()), row);
  for (BlockArgument argument : graph.arguments)
    arguments.push_back(
        isCondition(argument) ? condition : add(argument.getType(), function.getArgAttrDict(argument.getArgNumber())));
  if (request.program.needsTarget || graph.isDensity())
    for (BlockArgument array : graph.getData())
      data.push_back(add(array.getType(), graph.density.getArgAttrDict(array.getArgNumber())));
  kernel.setType(builder.getFunctionType(block.getArgumentTypes(), {}));
  kernel.setAllArgAttrs(attributes);
}

Value KernelBuilder::applyWeight(Value term) {
  return weight ? arith::MulFOp::create(builder, weight, term).getResult() : term;
}

LogicalResult KernelBuilder::build() {
  if (failed(checkRequest(graph, request)))
    return failure();
  auto kernel = func::FuncOp::create(builder, "kernel", builder.getFunctionType({}, {}));
  addArguments(kernel);
  Block &block = kernel.getBody().front();
  builder.setInsertionPointToEnd(&block);

  const Emission &emission =
      *llvm::find_if(kEmissions, [&](const Emission &known) { return known.program == request.program.program; });
  Specializer own(builder, emission.withLogDets);
  specializer = &own;
  if (failed(mapParameters()) || failed((this->*emission.emit)()))
    return failure();
  builder.setLoc(graph.function.getLoc());
  func::ReturnOp::create(builder, results);
  eraseDeadOps(block);
  kernel.setFunctionType(builder.getFunctionType(block.getArgumentTypes(), TypeRange(ValueRange(results))));
  return success();
}

void SpecializePass::runOnOperation() {
  ModuleOp module = getOperation();
  const flowc::ProgramSpec *spec =
      llvm::find_if(flowc::kPrograms, [&](const auto &known) { return known.name == program; });
  auto fail = [&](const Twine &message) {
    module.emitError(message);
    signalPassFailure();
  };
  if (spec == std::end(flowc::kPrograms))
    return fail("unknown program '" + program + "'");
  if (rows != "given" && rows != "drawn")
    return fail("rows are 'given' or 'drawn', found '" + rows + "'");
  bool isDrawn = rows == "drawn";
  bool drawsRows = llvm::any_of(flowc::kKernels, [&](const flowc::KernelSpec &kernel) {
    return kernel.program == spec->program && kernel.rows == flowc::RowSource::Drawn;
  });
  if (isDrawn && !drawsRows)
    return fail("program '" + program + "' has no kernel of drawn rows");
  if (weighted && spec->results[1].width != flowc::RowWidth::None)
    return fail("program '" + program + "' has more than one result, so that it cannot be weighted");
  auto function = module.lookupSymbol<func::FuncOp>("flow"), density = module.lookupSymbol<func::FuncOp>("density");
  for (const char *name : {"bijection", "density"})
    if (!function)
      function = module.lookupSymbol<func::FuncOp>(name);
  if (!function)
    return fail("has no flow graph: neither @flow nor @bijection");
  FailureOr<Graph> graph = failure();
  if (succeeded(verifyWellFormed(module)))
    graph = readGraph(function, density);
  if (failed(graph) || failed(KernelBuilder(*graph, {*spec, isDrawn, weighted}).build()))
    return signalPassFailure();
  function.erase();
  if (density && density != function)
    density.erase();
}
