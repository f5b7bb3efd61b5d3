//===- Mixtures.cpp - Distributions of several coordinates ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Independent coordinates, mixtures, and derivatives of the special functions
// that densities are made of.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Objective.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowDistributions.cpp.inc"

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Supports
//===----------------------------------------------------------------------===//

Value flowc::flow::countNaNs(ImplicitLocOpBuilder &builder, Value value) {
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

Value flowc::flow::buildGuardedDensity(ImplicitLocOpBuilder &builder, Value logDensity, ValueRange inputs) {
  Value nans;
  for (Value input : inputs) {
    Value count = countNaNs(builder, input);
    nans = nans ? arith::AddFOp::create(builder, nans, count).getResult() : count;
  }
  Type type = logDensity.getType();
  Value isRowValid = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, nans, buildConstant(builder, type, 0));
  Value isUndefined = arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, logDensity, logDensity);
  Value isOutside = arith::AndIOp::create(builder, isRowValid, isUndefined);
  return arith::SelectOp::create(builder, isOutside, buildConstant(builder, type, -kInfinity), logDensity);
}

//===----------------------------------------------------------------------===//
// Independent coordinates
//===----------------------------------------------------------------------===//

/// A float constant that is `count` times `norm`, itself a constant.
static Value buildMultiple(ImplicitLocOpBuilder &builder, Value norm, int64_t count) {
  APFloat number(0.0);
  [[maybe_unused]] bool isConstant = matchPattern(norm, m_ConstantFloat(&number));
  assert(isConstant && "a norm without parameters must be a constant");
  bool losesInfo = false;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return buildConstant(builder, norm.getType(), double(count) * number.convertToDouble());
}

Value flowc::flow::buildIndependentLogProb(Operation *op, Specializer &specializer, Value x, PrepareFn prepare,
                                           DensityFn density) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  SmallVector<Value> parameters;
  for (Value operand : op->getOperands())
    parameters.push_back(specializer.lookup(operand));
  auto tensor = dyn_cast<RankedTensorType>(x.getType());
  if (!tensor) {
    PreparedDensity prepared = prepare(builder, x.getType(), parameters);
    Value result = density(builder, x, prepared.values);
    return prepared.norm ? arith::AddFOp::create(builder, result, prepared.norm).getResult() : result;
  }

  // What depends on parameters alone is a map of its own, so that it can leave the
  // loop over rows.
  Type element = tensor.getElementType();
  int64_t extent = tensor.getNumElements();
  SmallVector<Value> inputs{x}, init;
  if (parameters.empty()) {
    if (Value norm = prepare(builder, element, {}).norm)
      init.push_back(buildMultiple(builder, norm, extent));
  } else {
    FailureOr<MapOp> prepared =
        buildMap(builder, extent, parameters, {}, [&](ImplicitLocOpBuilder &at, ValueRange values, MapYields &yields) {
          PreparedDensity result = prepare(at, element, values);
          yields.stacked.append(result.values);
          yields.summands.push_back(result.norm);
          return success();
        });
    llvm::append_range(inputs, prepared->getStacked());
    init.push_back(prepared->getSums().front());
  }
  FailureOr<MapOp> map = buildMap(
      builder, extent, inputs, {},
      [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        yields.summands.push_back(density(at, arguments.front(), arguments.drop_front()));
        return success();
      },
      init);
  return map->getSums().front();
}

Value flowc::flow::buildQuantileSample(Specializer &specializer, Type type, DrawFn draw) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value tail = RandomTailOp::create(builder, type, Coordinates);
  if (!isa<RankedTensorType>(type))
    return draw(builder, tail);
  FailureOr<MapOp> map = buildMap(builder, getNumElements(type), tail, {},
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.stacked.push_back(draw(at, arguments.front()));
                                    return success();
                                  });
  return map->getStacked().front();
}

//===----------------------------------------------------------------------===//
// Mixtures
//===----------------------------------------------------------------------===//

/// The distribution that a block's draw starts from, and the bijections after it.
static DistributionOpInterface getComponent(Block &block, SmallVectorImpl<Operation *> &chain) {
  Value first;
  chain = Specializer::getChain(block.getTerminator()->getOperand(0), first);
  return first.getDefiningOp<DistributionOpInterface>();
}

LogicalResult MixtureOp::verify() {
  int64_t components = getNumElements(getLogWeights().getType());
  SmallVector<Type> arguments;
  for (Value operand : getOver()) {
    // mixture_c1: operands in `over` have one slice for each component.
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || type.getDimSize(0) != components)
      return emitOpError("operands in `over` need ") << components << " slices, but one has type " << operand.getType();
    arguments.push_back(sample::ScanOp::getSliceType(type));
  }
  llvm::append_range(arguments, getShared().getTypes());
  // mixture_c2: the region takes the slices, then the shared operands.
  Block &block = getComponent().front();
  if (block.getArgumentTypes() != TypeRange(arguments))
    return emitOpError("region must take a slice of every operand in `over`, then the shared operands");
  // mixture_c3: it yields a draw of the result's type.
  Operation *yield = block.getTerminator();
  if (yield->getNumOperands() != 1 || yield->getOperand(0).getType() != getZ().getType())
    return emitOpError("region must yield one ") << getZ().getType();
  // mixture_c4: the draw is one of a distribution, after bijections.
  SmallVector<Operation *> chain;
  if (!::getComponent(block, chain))
    return emitOpError("region must yield a draw of a distribution after bijections only");
  return success();
}

/// Clones what the component of `op` computes from its parameters into `component`.
/// Returns its distribution and, in `chain`, the bijections after that; or null.
static DistributionOpInterface cloneParameters(MixtureOp op, Specializer &component,
                                               SmallVectorImpl<Operation *> &chain) {
  Block &body = op.getComponent().front();
  DistributionOpInterface base = getComponent(body, chain);
  SmallVector<Operation *> users = llvm::to_vector(chain);
  users.push_back(base);
  return succeeded(component.cloneParameterOps(body, users)) ? base : DistributionOpInterface();
}

namespace {
/// The scan over the components of a mixture.
struct ComponentScan {
  ComponentScan(MixtureOp op, Specializer &outer) : op(op), outer(outer), block(&region.emplaceBlock()) {}

  /// The value that the body sees of `operand`; carries come first, then `over`
  /// and `shared` operands.
  Value addCarry(Value operand) { return add(carries, operand, operand.getType()); }
  Value addOver(Value operand) { return add(over, operand, sample::ScanOp::getSliceType(operand.getType())); }
  Value addShared(Value operand) { return add(shared, operand, operand.getType()); }

  /// Lets `component` stand for the body's own values of the mixture's operands.
  void mapOperands(Specializer &component) {
    Block &body = op.getComponent().front();
    for (auto [argument, operand] : llvm::zip(body.getArguments(), op.getOver()))
      component.getMapping().map(argument, addOver(outer.lookup(operand)));
    for (auto [argument, operand] : llvm::zip(body.getArguments().drop_front(op.getOver().size()), op.getShared()))
      component.getMapping().map(argument, addShared(outer.lookup(operand)));
  }

  /// Ends the body with `finals`, the next carries, then slices of results.
  sample::ScanOp finish(ImplicitLocOpBuilder &inner, ValueRange finals, ValueRange slices) {
    int64_t components = getNumElements(op.getLogWeights().getType());
    SmallVector<Value> yielded(finals);
    llvm::append_range(yielded, slices);
    sample::YieldOp::create(inner, yielded);
    eraseDeadOps(*block);
    SmallVector<Type> stacked;
    for (Value slice : slices)
      stacked.push_back(sample::ScanOp::getStackType(slice.getType(), components));
    auto scan = sample::ScanOp::create(outer.getBuilder(), finals.getTypes(), stacked, components, /*reverse=*/false,
                                       carries, over, shared);
    scan.getBody().takeBody(region);
    return scan;
  }

  MixtureOp op;
  Specializer &outer;
  Region region;
  Block *block;

private:
  Value add(SmallVector<Value> &group, Value operand, Type type) {
    group.push_back(operand);
    return block->addArgument(type, op.getLoc());
  }

  SmallVector<Value> carries, over, shared;
};
} // namespace

/// The larger of two floats.
static Value buildMax(ImplicitLocOpBuilder &builder, Value a, Value b) {
  return arith::SelectOp::create(builder, arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, a, b), a, b);
}

/// Emits log(sum of exp(x[i])), and how far to shift x so that it does not
/// overflow is given: the largest element, or anything if that is not finite.
static Value buildShiftedLogSumExp(ImplicitLocOpBuilder &builder, Value x, Value largest) {
  Type element = largest.getType();
  auto constant = [&](double value) { return buildConstant(builder, element, value); };
  auto compare = [&](arith::CmpFPredicate predicate, Value a, Value b) -> Value {
    return arith::CmpFOp::create(builder, predicate, a, b);
  };
  auto select = [&](Value condition, Value yes, Value no) -> Value {
    return arith::SelectOp::create(builder, condition, yes, no);
  };
  // The shift cancels, and so do its derivatives.
  largest = DetachOp::create(builder, largest);
  Value isFinite = compare(arith::CmpFPredicate::OLT, math::AbsFOp::create(builder, largest), constant(kInfinity));
  Value shift = select(isFinite, largest, constant(0));
  FailureOr<MapOp> map = buildMap(builder, getNumElements(x.getType()), x, shift,
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    // At most 0, unless there is no finite shift.
                                    Value difference = arith::SubFOp::create(at, arguments[0], arguments[1]);
                                    Value zero = buildConstant(at, element, 0);
                                    Value isAbove =
                                        arith::CmpFOp::create(at, arith::CmpFPredicate::OGT, difference, zero);
                                    difference = arith::SelectOp::create(at, isAbove, zero, difference);
                                    yields.summands.push_back(math::ExpOp::create(at, difference));
                                    return success();
                                  });
  // No derivative where no component has a density, or one is at a pole.
  Value sum = map->getSums().front();
  Value isZero = compare(arith::CmpFPredicate::OEQ, sum, constant(0));
  Value isPole = compare(arith::CmpFPredicate::OEQ, largest, constant(kInfinity));
  Value isConstant = arith::OrIOp::create(builder, isZero, isPole);
  Value log = math::LogOp::create(builder, select(isConstant, constant(1), sum));
  Value limit = select(isZero, constant(-kInfinity), constant(kInfinity));
  return select(isConstant, limit, arith::AddFOp::create(builder, log, shift));
}

/// The logarithms of the components' probabilities.
static Value buildLogProbabilities(MixtureOp op, Specializer &specializer) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value weights = specializer.lookup(op.getLogWeights());
  Type element = getElementTypeOrSelf(weights.getType());
  ComponentScan scan(op, specializer);
  Value largest = scan.addCarry(buildConstant(builder, element, -kInfinity)), weight = scan.addOver(weights);
  ImplicitLocOpBuilder inner = getBodyBuilder(builder.getLoc(), *scan.block);
  Value next = buildMax(inner, weight, largest);
  Value total = buildShiftedLogSumExp(builder, weights, scan.finish(inner, next, {}).getFinals().front());
  FailureOr<MapOp> map = buildMap(builder, getNumElements(weights.getType()), weights, total,
                                  [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.stacked.push_back(arith::SubFOp::create(at, arguments[0], arguments[1]));
                                    return success();
                                  });
  return map->getStacked().front();
}

Value MixtureOp::buildLogProb(Specializer &specializer, Value x) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value probabilities = buildLogProbabilities(*this, specializer);
  Type element = getElementTypeOrSelf(x.getType());
  ComponentScan scan(*this, specializer);
  Value largest = scan.addCarry(buildConstant(builder, element, -kInfinity));
  ImplicitLocOpBuilder inner = getBodyBuilder(builder.getLoc(), *scan.block);
  Specializer component(inner);
  Value probability = scan.addOver(probabilities);
  scan.mapOperands(component);
  Value event = scan.addShared(x);

  SmallVector<Operation *> chain;
  DistributionOpInterface base = cloneParameters(*this, component, chain);
  if (!base)
    return {};
  FailureOr<Transformed> inverse = component.apply(chain, /*inverse=*/true, event);
  if (failed(inverse))
    return {};
  inner.setLoc(base.getLoc());
  Value density = base.buildLogProb(component, inverse->event);
  if (!density)
    return {};
  density = component.addLogDets(density, inverse->logDet);
  inner.setLoc(builder.getLoc());
  SmallVector<Value> inputs{event};
  for (Value argument : getComponent().front().getArguments().drop_front(getOver().size()))
    inputs.push_back(component.lookup(argument));
  density = buildGuardedDensity(inner, density, inputs);
  density = arith::AddFOp::create(inner, density, probability);
  sample::ScanOp densities = scan.finish(inner, buildMax(inner, density, largest), density);
  return buildShiftedLogSumExp(builder, densities.getStacked().front(), densities.getFinals().front());
}

/// Mixtures around `op`.
static int64_t getDepth(MixtureOp op) {
  int64_t depth = 0;
  for (auto outer = op->getParentOfType<MixtureOp>(); outer; outer = outer->getParentOfType<MixtureOp>())
    ++depth;
  return depth;
}

// The component is the last one whose predecessors have a probability of at most
// u together; draws of all components use the same random numbers, of which only
// those of one count.
Value MixtureOp::buildSample(Specializer &specializer) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value probabilities = buildLogProbabilities(*this, specializer);
  Type element = getElementTypeOrSelf(probabilities.getType()), type = getZ().getType();
  ComponentScan sums(*this, specializer);
  Value before = sums.addCarry(buildConstant(builder, element, 0)), logProbability = sums.addOver(probabilities);
  ImplicitLocOpBuilder adder = getBodyBuilder(builder.getLoc(), *sums.block);
  Value after = arith::AddFOp::create(adder, before, math::ExpOp::create(adder, logProbability));
  Value starts = sums.finish(adder, after, before).getStacked().front();

  Value tail = RandomTailOp::create(builder, element, FirstChoice + getDepth(*this));
  Value isLow = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, tail, buildConstant(builder, element, 0));
  Value high = arith::AddFOp::create(builder, tail, buildConstant(builder, element, 1));
  Value u = arith::SelectOp::create(builder, isLow, tail, high);

  ComponentScan scan(*this, specializer);
  Value chosen = scan.addCarry(buildConstant(builder, type, 0)), start = scan.addOver(starts);
  ImplicitLocOpBuilder inner = getBodyBuilder(builder.getLoc(), *scan.block);
  Specializer component(inner, /*withLogDets=*/false);
  scan.mapOperands(component);
  Value uniform = scan.addShared(u);
  SmallVector<Operation *> chain;
  DistributionOpInterface base = cloneParameters(*this, component, chain);
  if (!base)
    return {};
  inner.setLoc(base.getLoc());
  Value draw = base.buildSample(component);
  if (!draw)
    return {};
  FailureOr<Transformed> event = component.apply(chain, /*inverse=*/false, draw);
  if (failed(event))
    return {};
  inner.setLoc(builder.getLoc());
  auto choose = [](ImplicitLocOpBuilder &at, Value candidate, Value previous, Value number, Value from) -> Value {
    Value isReached = arith::CmpFOp::create(at, arith::CmpFPredicate::OGE, number, from);
    return arith::SelectOp::create(at, isReached, candidate, previous);
  };
  Value next;
  if (!isa<RankedTensorType>(type)) {
    next = choose(inner, event->event, chosen, uniform, start);
  } else {
    FailureOr<MapOp> map =
        buildMap(inner, getNumElements(type), {event->event, chosen}, {uniform, start},
                 [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                   yields.stacked.push_back(choose(at, arguments[0], arguments[1], arguments[2], arguments[3]));
                   return success();
                 });
    next = map->getStacked().front();
  }
  return scan.finish(inner, next, {}).getFinals().front();
}
