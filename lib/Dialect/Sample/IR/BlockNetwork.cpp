//===- BlockNetwork.cpp - Emission of block networks ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The log-determinant is found on the way forward: u, the derivative of every unit
// by its own coordinate, is 1 at the input, and layer l makes it
//
//   u[l] = blockdiag(W[l]) (a'(h[l-1]) u[l-1])
//
// with h what a layer accumulates. All of u is positive; the log-determinant is
// the sum of the logarithms of the last one. Where derivatives of the activation
// may underflow, each block is scaled by its largest one, whose logarithm is added
// at the end (FlowJAX's `logmatmulexp`).
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/BlockNetwork.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::sample;

/// Units of a block, up to which the last hidden layer's activations and the
/// product with the last weights are one body.
static constexpr int64_t kUnrolledUnits = 16;

static RankedTensorType getMatrixType(Value matrix) { return cast<RankedTensorType>(matrix.getType()); }

int64_t BlockNetwork::unitsPerBlock(int64_t layer) const { return getMatrixType(weights[layer]).getDimSize(0) / dim; }

Value BlockNetwork::buildDiagonal(ImplicitLocOpBuilder &builder, int64_t layer) const {
  if (!diagonals.empty())
    return diagonals[layer];
  RankedTensorType type = getMatrixType(weights[layer]);
  auto result = RankedTensorType::get({type.getDimSize(0), type.getDimSize(1) / dim}, type.getElementType());
  return BlockDiagonalOp::create(builder, result, weights[layer], dim);
}

Value BlockNetwork::buildFlatDiagonal(ImplicitLocOpBuilder &builder, int64_t layer) const {
  Value diagonal = buildDiagonal(builder, layer);
  RankedTensorType type = getMatrixType(diagonal);
  return ReshapeOp::create(builder, RankedTensorType::get({type.getNumElements()}, type.getElementType()), diagonal);
}

RankMaskAttr BlockNetwork::getMask(int64_t layer) const {
  RankedTensorType type = getMatrixType(weights[layer]);
  auto getRanks = [&](int64_t units) {
    SmallVector<int64_t> ranks;
    for (int64_t block = 0; block < dim; ++block)
      ranks.append(units / dim, block);
    return ranks;
  };
  return RankMaskAttr::get(type.getContext(), getRanks(type.getDimSize(0)), getRanks(type.getDimSize(1)),
                           /*strict=*/false);
}

static Value buildLayer(ImplicitLocOpBuilder &builder, const BlockNetwork &network, int64_t layer, Value input) {
  return buildDense(builder, network.weights[layer], network.biases[layer], input, network.getMask(layer));
}

/// The elements of `value`, a float or a small tensor, as floats.
static SmallVector<Value> split(ImplicitLocOpBuilder &builder, Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return {value};
  SmallVector<Type> pieces(type.getNumElements(), type.getElementType());
  return SmallVector<Value>(SplitOp::create(builder, pieces, value).getPieces());
}

/// The reverse: a float, if there is one only.
static Value join(ImplicitLocOpBuilder &builder, ValueRange pieces) {
  return pieces.size() == 1 ? pieces.front() : buildConcat(builder, pieces);
}

/// The sum over the blocks of log(`x`), one element per block.
static Value buildSumOfLogs(ImplicitLocOpBuilder &builder, Value x) {
  FailureOr<MapOp> map = buildMap(builder, getNumElements(x.getType()), x, {},
                                  [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.summands.push_back(math::LogOp::create(at, arguments.front()));
                                    return success();
                                  });
  return map->getSums().front();
}

namespace {
/// Emits one network layer by layer.
class NetworkBuilder {
public:
  NetworkBuilder(ImplicitLocOpBuilder &builder, const BlockNetwork &network) : builder(builder), network(network) {}

  FailureOr<Transformed> run(Value x, bool withLogDet);
  FailureOr<SmallVector<Value>> buildSlopes(Value x, bool withLogDet);

private:
  /// Emits a map over units that yields what `yield` makes of the activation of
  /// what hidden layer `layer` has accumulated.
  using YieldFn = llvm::function_ref<void(ImplicitLocOpBuilder &, ActivatedUnit, ValueRange rest, MapYields &)>;
  FailureOr<MapOp> buildUnits(int64_t layer, Value hidden, ValueRange rest, bool withSlope, YieldFn yield);
  LogicalResult buildBlocks(int64_t layer, Value &hidden, Value &u, Value &logDet);
  /// The slopes of a layer, in the map that `buildBlocks` emits.
  FailureOr<Value> buildSlopesOfBlocks(int64_t layer, Value hidden);
  LogicalResult activate(ImplicitLocOpBuilder &at, ArrayRef<Value> units, ArrayRef<Value> offsets, ValueRange shared,
                         SmallVectorImpl<Value> &values, SmallVectorImpl<Value> &slopes);
  /// Whether a layer with a part of the log-determinant is emitted block by block.
  bool isInBlocks(int64_t layer) const {
    return network.activation.isLogarithmic ||
           (layer == network.depth() - 1 && network.unitsPerBlock(layer) <= kUnrolledUnits);
  }
  Value addLogDet(Value a, Value b) { return a ? arith::AddFOp::create(builder, a, b).getResult() : b; }

  ImplicitLocOpBuilder &builder;
  const BlockNetwork &network;
};
} // namespace

FailureOr<MapOp> NetworkBuilder::buildUnits(int64_t layer, Value hidden, ValueRange rest, bool withSlope,
                                            YieldFn yield) {
  SmallVector<Value> indexed{hidden};
  bool hasOffset = layer == 0 && network.offset;
  if (hasOffset)
    indexed.push_back(network.offset);
  llvm::append_range(indexed, rest);
  return buildMap(builder, getNumElements(hidden.getType()), indexed, network.activation.shared,
                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) -> LogicalResult {
                    Value z = arguments[0];
                    if (hasOffset)
                      z = arith::AddFOp::create(at, z, arguments[1]);
                    FailureOr<ActivatedUnit> unit =
                        network.activation.build(at, z, arguments.drop_front(indexed.size()), withSlope);
                    if (failed(unit))
                      return failure();
                    yield(at, *unit, arguments.slice(1 + hasOffset, rest.size()), yields);
                    return success();
                  });
}

/// Emits the activations of the units of a block, and their slopes.
LogicalResult NetworkBuilder::activate(ImplicitLocOpBuilder &at, ArrayRef<Value> units, ArrayRef<Value> offsets,
                                       ValueRange shared, SmallVectorImpl<Value> &values,
                                       SmallVectorImpl<Value> &slopes) {
  for (auto [i, z] : llvm::enumerate(units)) {
    Value moved = offsets.empty() ? z : arith::AddFOp::create(at, z, offsets[i]).getResult();
    FailureOr<ActivatedUnit> unit = network.activation.build(at, moved, shared, /*withSlope=*/true);
    if (failed(unit))
      return failure();
    values.push_back(unit->value);
    slopes.push_back(unit->slope);
  }
  return success();
}

/// Slopes of the units of a block from their logarithms, each divided by the largest one,
/// whose logarithm is returned.
static Value scaleSlopes(ImplicitLocOpBuilder &at, SmallVectorImpl<Value> &slopes) {
  Value largest =
      slopes.size() == 1 ? slopes.front() : ReduceMaxOp::create(at, slopes.front().getType(), join(at, slopes)).getY();
  // Bounded from below: where all slopes are zero, so is their sum.
  Value floor = buildConstant(at, largest.getType(), largest.getType().isF64() ? -1e300 : -1e37);
  Value isAbove = arith::CmpFOp::create(at, arith::CmpFPredicate::OGT, largest, floor);
  largest = arith::SelectOp::create(at, isAbove, largest, floor);
  for (Value &slope : slopes)
    slope = math::ExpOp::create(at, arith::SubFOp::create(at, slope, largest));
  return largest;
}

static Value buildLogOfSum(ImplicitLocOpBuilder &at, ArrayRef<Value> values) {
  Value sum = values.front();
  for (Value value : values.drop_front())
    sum = arith::AddFOp::create(at, sum, value);
  return math::LogOp::create(at, sum);
}

/// A hidden layer with its part of the log-determinant, block by block: u becomes
/// the product of slopes and u, or, in the last hidden layer, nothing.
LogicalResult NetworkBuilder::buildBlocks(int64_t layer, Value &hidden, Value &u, Value &logDet) {
  bool isFirst = layer == 0, isLast = layer == network.depth() - 1, hasOffset = isFirst && network.offset;
  // What slopes are multiplied by: u, and in the end the last weights.
  SmallVector<Value> factors{isFirst ? network.buildFlatDiagonal(builder, 0) : u};
  if (isLast)
    factors.push_back(network.buildFlatDiagonal(builder, layer + 1));
  // Their product is one of parameters if there is one hidden layer.
  if (isFirst && isLast && network.diagonals.empty())
    factors = {arith::MulFOp::create(builder, factors[0], factors[1])};
  SmallVector<Value> indexed{hidden};
  if (hasOffset)
    indexed.push_back(network.offset);
  llvm::append_range(indexed, factors);
  FailureOr<MapOp> map =
      buildMap(builder, network.dim, indexed, network.activation.shared,
               [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) -> LogicalResult {
                 SmallVector<SmallVector<Value>> inputs;
                 for (Value argument : arguments.take_front(indexed.size()))
                   inputs.push_back(split(at, argument));
                 SmallVector<Value> values, slopes;
                 if (failed(activate(at, inputs[0], hasOffset ? ArrayRef(inputs[1]) : ArrayRef<Value>(),
                                     arguments.drop_front(indexed.size()), values, slopes)))
                   return failure();
                 yields.stacked.push_back(join(at, values));
                 Value largest = network.activation.isLogarithmic ? scaleSlopes(at, slopes) : Value();
                 for (size_t f = inputs.size() - factors.size(); f < inputs.size(); ++f)
                   for (auto [slope, factor] : llvm::zip_equal(slopes, inputs[f]))
                     slope = arith::MulFOp::create(at, slope, factor);
                 if (!isLast) {
                   yields.stacked.push_back(join(at, slopes));
                   if (largest)
                     yields.summands.push_back(largest);
                   return success();
                 }
                 Value log = buildLogOfSum(at, slopes);
                 yields.summands.push_back(largest ? arith::AddFOp::create(at, log, largest).getResult() : log);
                 return success();
               });
  if (failed(map))
    return failure();
  hidden = map->getStacked().front();
  u = isLast ? Value() : map->getStacked().back();
  if (!map->getSums().empty())
    logDet = addLogDet(logDet, map->getSums().front());
  return success();
}

FailureOr<Transformed> NetworkBuilder::run(Value x, bool withLogDet) {
  Value hidden = buildLayer(builder, network, 0, x), u, logDet;
  int64_t depth = network.depth();
  if (depth == 0 && withLogDet)
    logDet = buildSumOfLogs(builder, network.buildFlatDiagonal(builder, 0));
  for (int64_t layer = 0; layer < depth; ++layer) {
    bool isLast = layer == depth - 1;
    if (!withLogDet) {
      FailureOr<MapOp> map = buildUnits(layer, hidden, {}, /*withSlope=*/false,
                                        [](ImplicitLocOpBuilder &, ActivatedUnit unit, ValueRange, MapYields &yields) {
                                          yields.stacked.push_back(unit.value);
                                        });
      if (failed(map))
        return failure();
      hidden = map->getStacked().front();
    } else if (isInBlocks(layer)) {
      if (failed(buildBlocks(layer, hidden, u, logDet)))
        return failure();
    } else {
      if (layer == 0)
        u = network.buildFlatDiagonal(builder, 0);
      FailureOr<MapOp> map =
          buildUnits(layer, hidden, u, /*withSlope=*/true,
                     [](ImplicitLocOpBuilder &at, ActivatedUnit unit, ValueRange rest, MapYields &yields) {
                       yields.stacked = {unit.value, arith::MulFOp::create(at, unit.slope, rest.front())};
                     });
      if (failed(map))
        return failure();
      hidden = map->getStacked().front();
      u = map->getStacked().back();
    }
    if (u) {
      auto type = cast<RankedTensorType>(x.getType());
      auto units = RankedTensorType::get({network.dim * network.unitsPerBlock(layer + 1)}, type.getElementType());
      u = BlockDenseOp::create(builder, units, network.buildDiagonal(builder, layer + 1), u, network.dim,
                               /*transposed=*/false);
      if (isLast)
        logDet = addLogDet(logDet, buildSumOfLogs(builder, u));
    }
    hidden = buildLayer(builder, network, layer + 1, hidden);
  }
  return Transformed{hidden, logDet};
}

FailureOr<Value> NetworkBuilder::buildSlopesOfBlocks(int64_t layer, Value hidden) {
  SmallVector<Value> indexed{hidden};
  bool hasOffset = layer == 0 && network.offset;
  if (hasOffset)
    indexed.push_back(network.offset);
  FailureOr<MapOp> map = buildMap(builder, network.dim, indexed, network.activation.shared,
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    SmallVector<Value> units = split(at, arguments[0]), offsets, values, slopes;
                                    if (hasOffset)
                                      offsets = split(at, arguments[1]);
                                    LogicalResult result = activate(
                                        at, units, offsets, arguments.drop_front(indexed.size()), values, slopes);
                                    if (succeeded(result))
                                      yields.stacked.push_back(join(at, slopes));
                                    return result;
                                  });
  return failed(map) ? FailureOr<Value>(failure()) : FailureOr<Value>(map->getStacked().front());
}

FailureOr<SmallVector<Value>> NetworkBuilder::buildSlopes(Value x, bool withLogDet) {
  SmallVector<Value> slopes;
  for (int64_t layer = 0; layer < network.depth(); ++layer) {
    Value hidden = buildLayer(builder, network, layer, x);
    // Only the last hidden layer of a network with slopes, not logarithms, is in blocks.
    if (withLogDet && isInBlocks(layer)) {
      FailureOr<Value> inBlocks = buildSlopesOfBlocks(layer, hidden);
      if (failed(inBlocks))
        return failure();
      slopes.push_back(*inBlocks);
      continue;
    }
    FailureOr<MapOp> map = buildUnits(layer, hidden, {}, /*withSlope=*/true,
                                      [](ImplicitLocOpBuilder &, ActivatedUnit unit, ValueRange, MapYields &yields) {
                                        yields.stacked = {unit.value, unit.slope};
                                      });
    if (failed(map))
      return failure();
    x = map->getStacked().front();
    slopes.push_back(map->getStacked().back());
  }
  return slopes;
}

FailureOr<Transformed> flowc::sample::buildBlockNetwork(ImplicitLocOpBuilder &builder, const BlockNetwork &network,
                                                        Value x, bool withLogDet) {
  return NetworkBuilder(builder, network).run(x, withLogDet);
}

FailureOr<SmallVector<Value>> flowc::sample::buildBlockSlopes(ImplicitLocOpBuilder &builder,
                                                              const BlockNetwork &network, Value x, bool withLogDet) {
  return NetworkBuilder(builder, network).buildSlopes(x, withLogDet);
}

//===----------------------------------------------------------------------===//
// The network of a sweep
//===----------------------------------------------------------------------===//

/// The activation that a region computes, at `shared`.
static BlockActivation readRegion(Region &region, ValueRange shared) {
  BlockActivation activation;
  activation.shared = llvm::to_vector(shared);
  activation.build = [&region](ImplicitLocOpBuilder &builder, Value z, ValueRange inside,
                               bool) -> FailureOr<ActivatedUnit> {
    Block &block = region.front();
    IRMapping mapping;
    mapping.map(block.getArgument(0), z);
    mapping.map(block.getArguments().drop_front(), inside);
    for (Operation &op : block.without_terminator())
      builder.clone(op, mapping);
    auto get = [&](unsigned i) { return mapping.lookupOrDefault(block.getTerminator()->getOperand(i)); };
    return ActivatedUnit{get(0), get(1)};
  };
  return activation;
}

SweptNetwork::SweptNetwork(BlockSweepOp sweep, Block &block, IRMapping &mapping, const IRMapping &values) {
  auto addArgument = [&](Value operand) -> Value {
    Value argument = block.addArgument(operand.getType(), sweep.getLoc());
    mapping.map(argument, values.lookupOrDefault(operand));
    return argument;
  };
  auto addParameter = [&](Value operand) { return parameters.emplace_back(operand, addArgument(operand)).second; };
  x = addArgument(sweep.getX());
  network.dim = sweep.getX().getType().getNumElements();
  for (Value weight : sweep.getWeights())
    network.weights.push_back(addParameter(weight));
  for (Value bias : sweep.getBiases())
    network.biases.push_back(addParameter(bias));
  for (Value diagonal : sweep.getDiagonals())
    network.diagonals.push_back(addParameter(diagonal));
  if (sweep.getOffset())
    network.offset = addParameter(sweep.getOffset());
  SmallVector<Value> shared;
  for (Value operand : sweep.getShared())
    shared.push_back(addParameter(operand));
  network.activation = readRegion(sweep.getActivation(), shared);
}
