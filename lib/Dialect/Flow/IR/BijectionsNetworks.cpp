//===- BijectionsNetworks.cpp - Coupling and masked autoregression --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bijections whose parameters a network computes from part of the event.
//
//===----------------------------------------------------------------------===//

#include "Networks.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/IR/TypeUtilities.h"

#include <numeric>

using namespace mlir;
using namespace flowc::flow;

FailureOr<Transformed> flowc::flow::buildTransformer(Region &transformer, ImplicitLocOpBuilder &builder,
                                                     bool withLogDets, Value coordinate, Value raw, bool inverse) {
  Block &block = transformer.front();
  Specializer specializer(builder, withLogDets);
  specializer.getMapping().map(block.getArgument(1), raw);
  return specializer.specialize(block, inverse, coordinate);
}

/// Emits the transformer on every element of `event`; `raw` holds the raw
/// parameters of one element after the other.
static FailureOr<Transformed> buildTransformerMap(Region &transformer, Specializer &specializer, Value event, Value raw,
                                                  bool inverse) {
  FailureOr<MapOp> map =
      buildMap(specializer.getBuilder(), getNumElements(event.getType()), {event, raw}, {},
               [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) -> LogicalResult {
                 FailureOr<Transformed> result =
                     buildTransformer(transformer, at, specializer.wantsLogDets(), arguments[0], arguments[1], inverse);
                 if (failed(result))
                   return failure();
                 yields.stacked.push_back(result->event);
                 if (result->logDet)
                   yields.summands.push_back(result->logDet);
                 return success();
               });
  if (failed(map))
    return failure();
  return Transformed{map->getStacked().front(), map->getSums().empty() ? Value() : map->getSums().front()};
}

//===----------------------------------------------------------------------===//
// CouplingOp
//===----------------------------------------------------------------------===//

Halves flowc::flow::splitHalves(CouplingOp op, ImplicitLocOpBuilder &builder, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t headSize = op.getUntransformedDim();
  if (headSize == 0)
    return {{}, x};
  auto getPart = [&](int64_t elements) { return RankedTensorType::get({elements}, type.getElementType()); };
  auto pieces = SplitOp::create(builder, TypeRange{getPart(headSize), getPart(type.getNumElements() - headSize)}, x);
  return {pieces.getResult(0), pieces.getResult(1)};
}

Value flowc::flow::buildNetwork(CouplingOp op, Specializer &specializer, Value head) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value hidden = buildConcat(builder, {head, op.getCondition() ? specializer.lookup(op.getCondition()) : Value()});
  size_t layers = op.getWeights().size();
  for (auto [layer, weight, bias] : llvm::enumerate(op.getWeights(), op.getBiases())) {
    hidden = buildDense(builder, specializer.lookup(weight), specializer.lookup(bias), hidden);
    if (layer + 1 < layers)
      hidden = buildActivationMap(builder, op.getActivation(), hidden);
  }
  return hidden;
}

static FailureOr<Transformed> buildCoupling(CouplingOp op, Specializer &specializer, Value x, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  auto [head, tail] = splitHalves(op, builder, x);
  Value raw = buildNetwork(op, specializer, head);
  FailureOr<Transformed> result = buildTransformerMap(op.getTransformer(), specializer, tail, raw, inverse);
  if (failed(result))
    return failure();
  builder.setLoc(loc);
  return Transformed{buildConcat(builder, {head, result->event}), result->logDet};
}

FailureOr<Transformed> CouplingOp::buildTransform(Specializer &specializer, Value x) {
  return buildCoupling(*this, specializer, x, /*inverse=*/false);
}

FailureOr<Transformed> CouplingOp::buildInverse(Specializer &specializer, Value y) {
  return buildCoupling(*this, specializer, y, /*inverse=*/true);
}

//===----------------------------------------------------------------------===//
// MaskedAutoregressiveOp
//===----------------------------------------------------------------------===//

namespace {
/// The network of a masked autoregressive bijection with the units of every
/// layer sorted by rank, the condition first.
struct SortedNetwork {
  SmallVector<Value> weights, biases;
  /// Ranks of the inputs, of the units of each hidden layer, of the outputs.
  SmallVector<SmallVector<int64_t>> ranks;

  RankMaskAttr getMask(MLIRContext *context, size_t layer) const {
    return RankMaskAttr::get(context, ranks[layer + 1], ranks[layer], /*strict=*/layer + 1 == weights.size());
  }
};
} // namespace

/// Order of `ranks` that sorts them, stable; empty if they are sorted.
static SmallVector<int64_t> getOrder(ArrayRef<int64_t> ranks) {
  SmallVector<int64_t> order(ranks.size());
  std::iota(order.begin(), order.end(), 0);
  if (llvm::is_sorted(ranks))
    return {};
  llvm::sort(order, [&](int64_t a, int64_t b) { return std::pair(ranks[a], a) < std::pair(ranks[b], b); });
  return order;
}

static Value buildReorder(ImplicitLocOpBuilder &builder, Value x, ArrayRef<int64_t> rows,
                          ArrayRef<int64_t> columns = {}) {
  if (rows.empty() && columns.empty())
    return x;
  return ReorderOp::create(builder, x.getType(), x, rows, columns);
}

static SortedNetwork buildSortedNetwork(MaskedAutoregressiveOp op, Specializer &specializer) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  SortedNetwork network;
  SmallVector<int64_t> order = getOrder(op.getInRanks());
  network.ranks.emplace_back(op.getInRanks());
  llvm::sort(network.ranks.back());
  for (auto [layer, weight, bias] : llvm::enumerate(op.getWeights(), op.getBiases())) {
    ArrayRef<int64_t> ranks = layer + 1 < op.getWeights().size() ? op.getHiddenRanks() : op.getOutRanks();
    SmallVector<int64_t> rows = getOrder(ranks);
    network.weights.push_back(buildReorder(builder, specializer.lookup(weight), rows, order));
    network.biases.push_back(buildReorder(builder, specializer.lookup(bias), rows));
    network.ranks.emplace_back(ranks);
    llvm::sort(network.ranks.back());
    order = rows;
  }
  return network;
}

bool flowc::flow::isBiasOnly(MaskedAutoregressiveOp op) {
  ArrayRef<int64_t> seen = op.getWeights().size() > 1 ? op.getHiddenRanks() : op.getInRanks();
  return llvm::all_of(seen, [&](int64_t rank) { return rank >= op.getOutRanks().back(); });
}

InverseKind MaskedAutoregressiveOp::getInverseKind() { return InverseKind::Sweep; }

Value flowc::flow::buildNetwork(MaskedAutoregressiveOp op, Specializer &specializer, Value x,
                                SmallVectorImpl<DenseOp> *layers) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  SortedNetwork network = buildSortedNetwork(op, specializer);
  Value hidden = buildConcat(builder, {op.getCondition() ? specializer.lookup(op.getCondition()) : Value(), x});
  for (size_t layer = 0; layer < network.weights.size(); ++layer) {
    hidden = buildDense(builder, network.weights[layer], network.biases[layer], hidden,
                        network.getMask(op.getContext(), layer));
    if (layers)
      layers->push_back(hidden.getDefiningOp<DenseOp>());
    if (layer + 1 < network.weights.size())
      hidden = buildActivationMap(builder, op.getActivation(), hidden);
  }
  return hidden;
}

FailureOr<Transformed> MaskedAutoregressiveOp::buildTransform(Specializer &specializer, Value x) {
  Value raw = isBiasOnly(*this) ? specializer.lookup(getBiases().back()) : buildNetwork(*this, specializer, x);
  return buildTransformerMap(getTransformer(), specializer, x, raw, /*inverse=*/false);
}

/// For units of ascending `ranks`, the first unit of every step of a sweep: a
/// hidden unit of rank r reads coordinates up to r, so step r + 1 computes it.
static SmallVector<int64_t> getHiddenRowEnds(ArrayRef<int64_t> ranks, int64_t steps) {
  SmallVector<int64_t> ends{0};
  for (int64_t step = 0; step < steps; ++step)
    ends.push_back(llvm::upper_bound(ranks, step - 1) - ranks.begin());
  return ends;
}

FailureOr<SweepOp> flowc::flow::buildSweep(MaskedAutoregressiveOp op, Specializer &specializer, ValueRange indexed,
                                           SweepBodyFn body) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  SortedNetwork network = buildSortedNetwork(op, specializer);
  auto type = cast<RankedTensorType>(op.getY().getType());
  Type element = type.getElementType();
  int64_t extent = type.getNumElements();
  size_t layers = network.weights.size();

  SmallVector<std::unique_ptr<Region>> stages;
  SmallVector<Attribute> rowEnds;
  SmallVector<Type> units;
  for (size_t layer = 0; layer + 1 < layers; ++layer) {
    ArrayRef<int64_t> ranks = network.ranks[layer + 1];
    Block &block = stages.emplace_back(std::make_unique<Region>())->emplaceBlock();
    ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
    sample::YieldOp::create(inner, buildActivation(inner, op.getActivation(), block.addArgument(element, loc)));
    rowEnds.push_back(builder.getDenseI64ArrayAttr(getHiddenRowEnds(ranks, extent)));
    units.push_back(RankedTensorType::get({int64_t(ranks.size())}, element));
  }
  int64_t parameters = int64_t(op.getOutRanks().size()) / extent;
  SmallVector<int64_t> ends;
  for (int64_t step = 0; step <= extent; ++step)
    ends.push_back(step * parameters);
  rowEnds.push_back(builder.getDenseI64ArrayAttr(ends));

  Block &block = stages.emplace_back(std::make_unique<Region>())->emplaceBlock();
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Value raw = block.addArgument(MapOp::getElementType(network.biases.back().getType(), extent), loc);
  for (Value operand : indexed)
    block.addArgument(MapOp::getElementType(operand.getType(), extent), loc);
  SweepYields yields;
  if (failed(body(inner, raw, block.getArguments().drop_front(), yields)))
    return failure();
  inner.setLoc(loc);
  SmallVector<Value> yielded{yields.state}, init;
  llvm::append_range(yielded, yields.extras);
  llvm::append_range(yielded, yields.summands);
  sample::YieldOp::create(inner, yielded);
  eraseDeadOps(block);

  SmallVector<Type> extras, sums(ValueRange(yields.summands).getTypes());
  for (Value extra : yields.extras)
    extras.push_back(MapOp::getStackedType(extra.getType(), extent));
  for (Type sum : sums)
    init.push_back(buildConstant(builder, sum, 0));
  auto sweep =
      SweepOp::create(builder, units, type, extras, sums, extent, /*reverse=*/false, /*transposed=*/false,
                      op.getCondition() ? specializer.lookup(op.getCondition()) : Value(), network.weights,
                      network.biases, indexed, /*shared=*/ValueRange{}, init,
                      SmallVector<int64_t>(indexed.size(), int64_t(layers) - 1), builder.getArrayAttr(rowEnds), layers);
  for (auto [region, stage] : llvm::zip_equal(sweep.getStages(), stages))
    region.takeBody(*stage);
  return sweep;
}

FailureOr<Transformed> MaskedAutoregressiveOp::buildInverse(Specializer &specializer, Value y) {
  if (isBiasOnly(*this))
    return buildTransformerMap(getTransformer(), specializer, y, specializer.lookup(getBiases().back()),
                               /*inverse=*/true);
  FailureOr<SweepOp> sweep =
      buildSweep(*this, specializer, y,
                 [&](ImplicitLocOpBuilder &inner, Value raw, ValueRange indexed, SweepYields &yields) -> LogicalResult {
                   FailureOr<Transformed> result = buildTransformer(getTransformer(), inner, specializer.wantsLogDets(),
                                                                    indexed.front(), raw, /*inverse=*/true);
                   if (failed(result))
                     return failure();
                   yields.state = result->event;
                   if (result->logDet)
                     yields.summands.push_back(result->logDet);
                   return success();
                 });
  if (failed(sweep))
    return failure();
  return Transformed{sweep->getState(), sweep->getSums().empty() ? Value() : sweep->getSums().front()};
}
