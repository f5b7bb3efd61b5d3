//===- BijectionsBlock.cpp - The block autoregressive bijection -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowBlock.h"
#include "flowc/Dialect/Sample/IR/BlockNetwork.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace flowc::flow;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// Slope of the default activation, tanh(z) + 0.01 z, far from zero.
static constexpr double kLeak = 0.01;

static Value constant(ImplicitLocOpBuilder &builder, Value like, double value) {
  return buildConstant(builder, like.getType(), value);
}

/// With t = tanh(z): t + 0.01 z and 1.01 - t^2, which lies in [0.01, 1.01].
static ActivatedUnit buildFromTanh(ImplicitLocOpBuilder &builder, Value z, Value t, bool withSlope) {
  Value linear = arith::MulFOp::create(builder, constant(builder, z, kLeak), z);
  ActivatedUnit unit{arith::AddFOp::create(builder, t, linear), {}};
  if (withSlope)
    unit.slope = arith::SubFOp::create(builder, constant(builder, z, 1 + kLeak), arith::MulFOp::create(builder, t, t));
  return unit;
}

static FailureOr<ActivatedUnit> buildDefault(ImplicitLocOpBuilder &builder, Value z, ValueRange, bool withSlope) {
  return buildFromTanh(builder, z, math::TanhOp::create(builder, z), withSlope);
}

/// A function that differs from the default activation by at most 0.006, and about its
/// derivative: the odd polynomial of degree 9 nearest to tanh on [-3, 3], continued
/// by its values at the ends, which are 1 but for 0.0005.
static ActivatedUnit buildSurrogate(ImplicitLocOpBuilder &builder, Value z) {
  static constexpr double kEnd = 3;
  static constexpr double kCoefficients[] = {9.75854701e-01, -2.53494705e-01, 4.90968627e-02, -4.94695346e-03,
                                             1.93351523e-04};
  Value clipped =
      ClipOp::create(builder, z.getType(), z, builder.getF64FloatAttr(-kEnd), builder.getF64FloatAttr(kEnd));
  Value square = arith::MulFOp::create(builder, clipped, clipped);
  Value ratio = constant(builder, z, *std::rbegin(kCoefficients));
  for (double coefficient : llvm::drop_begin(llvm::reverse(kCoefficients)))
    ratio = arith::AddFOp::create(builder, arith::MulFOp::create(builder, ratio, square),
                                  constant(builder, z, coefficient));
  return buildFromTanh(builder, z, arith::MulFOp::create(builder, ratio, clipped), /*withSlope=*/true);
}

/// A function of the language, with the size of its derivative.
static FailureOr<ActivatedUnit> buildNamed(ImplicitLocOpBuilder &builder, StringRef name, Value z, bool withSlope) {
  if (!withSlope)
    return ActivatedUnit{buildActivation(builder, name, z), {}};
  Region region;
  Block &block = region.emplaceBlock();
  Location loc = builder.getLoc();
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Value argument = block.addArgument(z.getType(), loc);
  Value value = buildActivation(inner, name, argument);
  sample::YieldOp::create(inner, value);

  IRMapping mapping;
  mapping.map(argument, z);
  VjpBuilder vjp(builder, mapping);
  vjp.markNeeded(argument);
  cloneForward(vjp, block);
  if (failed(buildBlockVjp(vjp, block, constant(builder, z, 1))))
    return failure();
  Value slope = vjp.getCotangent(argument);
  return ActivatedUnit{vjp.lookup(value),
                       slope ? math::AbsFOp::create(builder, slope).getResult() : constant(builder, z, 0)};
}

/// Emits the parameter ops of a bijection in a region, and says how the bijection
/// itself is emitted in a body.
static FailureOr<BlockActivation> readBijection(Region &region, Specializer &specializer) {
  Block &block = region.front();
  Value first;
  SmallVector<Operation *> chain = Specializer::getChain(block.getTerminator()->getOperand(0), first);
  if (failed(specializer.cloneParameterOps(block, chain)))
    return failure();
  // What the bijections read: values of the graph, and where they are now.
  llvm::SetVector<Value> read;
  for (Operation *op : chain) {
    read.insert(op->operand_begin() + 1, op->operand_end());
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (nested != op && !op->isAncestor(operand.getParentBlock()->getParentOp()))
          read.insert(operand);
    });
  }
  BlockActivation activation;
  activation.isLogarithmic = true;
  SmallVector<Value> values(read.begin(), read.end());
  for (Value value : values)
    activation.shared.push_back(specializer.lookup(value));
  activation.build = [values, chain](ImplicitLocOpBuilder &builder, Value z, ValueRange shared,
                                     bool withSlope) -> FailureOr<ActivatedUnit> {
    Specializer inner(builder, withSlope);
    for (auto [value, inside] : llvm::zip_equal(values, shared))
      inner.getMapping().map(value, inside);
    FailureOr<Transformed> result = inner.apply(chain, /*inverse=*/false, z);
    if (failed(result))
      return failure();
    Value slope = result->logDet;
    if (withSlope && !slope)
      slope = constant(builder, z, 0);
    return ActivatedUnit{result->event, slope};
  };
  return activation;
}

static FailureOr<BlockActivation> readActivation(BlockAutoregressiveNetworkOp op, Specializer &specializer) {
  if (!op.getBijection().empty())
    return readBijection(op.getBijection(), specializer);
  BlockActivation activation;
  activation.build = buildDefault;
  if (std::optional<StringRef> name = op.getActivation())
    activation.build = [name = name->str()](ImplicitLocOpBuilder &builder, Value z, ValueRange, bool withSlope) {
      return buildNamed(builder, name, z, withSlope);
    };
  return activation;
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

static FailureOr<BlockNetwork> readNetwork(BlockAutoregressiveNetworkOp op, Specializer &specializer) {
  BlockNetwork network;
  network.dim = getNumElements(op.getX().getType());
  for (Value weight : op.getWeights())
    network.weights.push_back(specializer.lookup(weight));
  for (Value bias : op.getBiases())
    network.biases.push_back(specializer.lookup(bias));
  FailureOr<BlockActivation> activation = readActivation(op, specializer);
  if (failed(activation))
    return failure();
  network.activation = std::move(*activation);
  // FlowJAX adds the condition in front of the first activation: never, if there
  // is none.
  if (op.getCondition() && network.depth() > 0)
    network.offset = buildDense(specializer.getBuilder(), specializer.lookup(op.getCondWeight()), /*bias=*/Value(),
                                specializer.lookup(op.getCondition()));
  return network;
}

FailureOr<Transformed> BlockAutoregressiveNetworkOp::buildTransform(Specializer &specializer, Value x) {
  FailureOr<BlockNetwork> network = readNetwork(*this, specializer);
  if (failed(network))
    return failure();
  return buildBlockNetwork(specializer.getBuilder(), *network, x, specializer.wantsLogDets());
}

//===----------------------------------------------------------------------===//
// Inverse
//===----------------------------------------------------------------------===//

InverseKind BlockAutoregressiveNetworkOp::getInverseKind() {
  return getWeights().size() == 1 ? InverseKind::Sweep : InverseKind::Root;
}

/// One layer: a triangular system, solved from the first coordinate to the last.
static Transformed buildTriangularInverse(ImplicitLocOpBuilder &builder, const BlockNetwork &network, Value y,
                                          bool withLogDet) {
  auto type = cast<RankedTensorType>(y.getType());
  Type element = type.getElementType();
  Value diagonal = network.buildFlatDiagonal(builder, 0);
  SmallVector<int64_t> rowEnds = llvm::to_vector(llvm::seq<int64_t>(0, network.dim + 1));
  auto sweep =
      SweepOp::create(builder, /*units=*/TypeRange{}, type, /*extras=*/TypeRange{}, /*sums=*/TypeRange{}, network.dim,
                      /*reverse=*/false, /*transposed=*/false, /*prefix=*/Value(), network.weights, network.biases,
                      /*indexed=*/ValueRange{y, diagonal}, /*shared=*/ValueRange{}, /*init=*/ValueRange{},
                      ArrayRef<int64_t>{0, 0}, builder.getArrayAttr(builder.getDenseI64ArrayAttr(rowEnds)), 1);
  Location loc = builder.getLoc();
  Block &block = sweep.getStages().front().emplaceBlock();
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Value sum = block.addArgument(element, loc), target = block.addArgument(element, loc),
        factor = block.addArgument(element, loc);
  sample::YieldOp::create(inner,
                          ValueRange{arith::DivFOp::create(inner, arith::SubFOp::create(inner, target, sum), factor)});
  Transformed result{sweep.getState(), {}};
  if (!withLogDet)
    return result;
  FailureOr<MapOp> map = buildMap(
      builder, network.dim, diagonal, {}, [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        yields.summands.push_back(arith::NegFOp::create(at, math::LogOp::create(at, arguments.front())));
        return success();
      });
  result.logDet = map->getSums().front();
  return result;
}

namespace {
/// The bounds of `sample.block_sweep` for the default activation, by recurrences
/// from layer to layer of how a unit depends on its own coordinate t. They are
/// functions of the parameters.
class BoundsBuilder {
public:
  BoundsBuilder(ImplicitLocOpBuilder &builder, const BlockNetwork &network) : builder(builder), network(network) {}

  SmallVector<Value> run();

private:
  Value scale(double factor, Value x) { return arith::MulFOp::create(builder, constant(builder, x, factor), x); }
  Value add(Value x, Value y) { return arith::AddFOp::create(builder, x, y); }
  /// The diagonal blocks of layer `layer` times x.
  Value multiply(int64_t layer, Value x);
  /// The largest element of every block of x.
  Value buildLargest(Value x);

  ImplicitLocOpBuilder &builder;
  const BlockNetwork &network;
};
} // namespace

Value BoundsBuilder::multiply(int64_t layer, Value x) {
  auto type = RankedTensorType::get({network.dim * network.unitsPerBlock(layer)}, getElementTypeOrSelf(x.getType()));
  return BlockDenseOp::create(builder, type, network.buildDiagonal(builder, layer), x, network.dim,
                              /*transposed=*/false);
}

Value BoundsBuilder::buildLargest(Value x) {
  FailureOr<MapOp> map =
      buildMap(builder, network.dim, x, {}, [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        auto type = dyn_cast<RankedTensorType>(arguments[0].getType());
        yields.stacked.push_back(type ? ReduceMaxOp::create(at, type.getElementType(), arguments[0]).getY()
                                      : Value(arguments[0]));
        return success();
      });
  return map->getStacked().front();
}

SmallVector<Value> BoundsBuilder::run() {
  // The largest |tanh''|.
  const double largestCurvature = 4 / (3 * std::sqrt(3.0));
  Value steepest = network.buildFlatDiagonal(builder, 0); // the largest slope of what a unit accumulates
  Value linear = steepest;                                // its slope for the activation 0.01 z
  Value distance;                                         // what it differs from that at most; null: 0
  Value curvature;                                        // its largest second derivative; null: 0
  Value reach = buildLargest(steepest), ofUnits;
  reach = arith::DivFOp::create(builder, constant(builder, reach, 4), reach);
  for (int64_t layer = 1; layer <= network.depth(); ++layer) {
    Value bend = scale(largestCurvature, arith::MulFOp::create(builder, steepest, steepest));
    if (curvature)
      bend = add(bend, scale(1 + kLeak, curvature));
    Value largest = buildLargest(bend);
    ofUnits = ofUnits ? arith::MaximumFOp::create(builder, ofUnits, largest).getResult() : largest;
    Value away = constant(builder, bend, 1);
    if (distance)
      away = add(away, scale(kLeak, distance));
    curvature = multiply(layer, bend);
    distance = multiply(layer, away);
    steepest = multiply(layer, scale(1 + kLeak, steepest));
    linear = multiply(layer, scale(kLeak, linear));
  }
  Value reciprocal = arith::DivFOp::create(builder, constant(builder, linear, 1), linear);
  return {reciprocal, distance, scale(0.5, curvature), scale(0.5, ofUnits), reach};
}

FailureOr<Transformed> BlockAutoregressiveNetworkOp::buildInverse(Specializer &specializer, Value y) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  FailureOr<BlockNetwork> network = readNetwork(*this, specializer);
  if (failed(network))
    return failure();
  bool withLogDet = specializer.wantsLogDets();
  if (network->depth() == 0)
    return buildTriangularInverse(builder, *network, y, withLogDet);

  const BlockActivation &activation = network->activation;
  Type element = getElementTypeOrSelf(y.getType());
  SmallVector<Value> diagonals, bounds;
  for (int64_t layer = 0; layer <= network->depth(); ++layer)
    diagonals.push_back(network->buildDiagonal(builder, layer));
  if (!getActivation() && getBijection().empty())
    bounds = BoundsBuilder(builder, *network).run();
  auto sweep =
      BlockSweepOp::create(builder, y.getType(), element, y, network->offset, network->weights, network->biases,
                           diagonals, bounds, activation.shared, builder.getF64FloatAttr(bounds.empty() ? 0 : kLeak));
  Block &block = sweep.getActivation().emplaceBlock();
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Value z = block.addArgument(element, loc);
  for (Value value : activation.shared)
    block.addArgument(value.getType(), loc);
  FailureOr<ActivatedUnit> unit = activation.build(inner, z, block.getArguments().drop_front(), /*withSlope=*/true);
  if (failed(unit))
    return failure();
  inner.setLoc(loc);
  if (activation.isLogarithmic)
    unit->slope = math::ExpOp::create(inner, unit->slope);
  sample::YieldOp::create(inner, ValueRange{unit->value, unit->slope});
  eraseDeadOps(block);
  if (!bounds.empty()) {
    Block &cheap = sweep.getSurrogate().emplaceBlock();
    ImplicitLocOpBuilder guess = getBodyBuilder(loc, cheap);
    ActivatedUnit surrogate = buildSurrogate(guess, cheap.addArgument(element, loc));
    sample::YieldOp::create(guess, ValueRange{surrogate.value, surrogate.slope});
  }

  Transformed result{sweep.getX(), {}};
  if (!withLogDet)
    return result;
  Value logDet = sweep.getLogDet();
  if (activation.isLogarithmic) {
    // Slopes that underflow still have logarithms.
    FailureOr<Transformed> forward = buildBlockNetwork(builder, *network, result.event, /*withLogDet=*/true);
    if (failed(forward))
      return failure();
    logDet = forward->logDet;
  }
  result.logDet = arith::NegFOp::create(builder, logDet);
  return result;
}
