//===- EmitMap.cpp - Maps on tiles ---------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"
#include "flowc/Conversion/ExpandMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// Shorter maps have nothing to gain from `LogOfProduct`.
static constexpr int64_t kFewestFactors = 4;

namespace {
/// What a sum of logarithms is the logarithm of the product of, element by element; null
/// for other sums. The logarithms may be subtracted, as those of slopes are on the way
/// back.
struct Factor {
  Value value;
  bool isSubtracted = false;

  Factor() = default;
  Factor(MapOp op, Value summand);
  explicit operator bool() const { return static_cast<bool>(value); }
};
} // namespace

Factor::Factor(MapOp op, Value summand) {
  if (auto negative = summand.getDefiningOp<arith::NegFOp>(); negative && negative->hasOneUse()) {
    isSubtracted = true;
    summand = negative.getOperand();
  }
  auto log = summand.getDefiningOp<math::LogOp>();
  bool isProduct = log && isa<FloatType>(log.getType()) && log->hasOneUse() && isPositive(log.getOperand());
  if (isProduct && op.getExtent() >= kFewestFactors)
    value = log.getOperand();
}

/// Longer sums are added up in blocks of so many terms: their rounding errors grow
/// with the length of a block plus the number of blocks. Sums over the coordinates of
/// a flow are short; those over data need not be.
static constexpr int64_t kSumBlock = 256, kShortSum = 4 * kSumBlock;

SmallVector<Value> TileEmitter::sumInBlocks(int64_t extent, ValueRange init,
                                            llvm::function_ref<SmallVector<Value>(Value, ValueRange)> step) {
  Value blocks = index(llvm::divideCeil(extent, kSumBlock));
  return forRange(index(0), blocks, init, [&](Value block, ValueRange totals) {
    Value from = mul(block, index(kSumBlock));
    Value to = arith::MinUIOp::create(b, add(from, index(kSumBlock)), index(extent));
    SmallVector<Value> sums;
    for (Value total : totals)
      sums.push_back(arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(total.getType()))));
    sums = forRange(from, to, sums, step);
    for (auto [sum, total] : llvm::zip_equal(sums, totals))
      sum = arith::AddFOp::create(b, total, sum);
    return sums;
  });
}

/// Emits a map: one loop over vectors of lanes around one over elements, sums in registers.
class TileEmitter::MapEmitter {
public:
  MapEmitter(TileEmitter &tile, MapOp op);

  LogicalResult emit();

private:
  void emitVector(Value j);
  BodyMap loadShared(Value j);
  SmallVector<Value> loadSums(Value j);
  SmallVector<Value> emitStep(const BodyMap &outer, Value i, Value j, ValueRange sumsHere);
  SmallVector<Value> addSummands(ArrayRef<BodyValue> summands, const BodyMap &values, ValueRange sumsHere);
  SmallVector<Value> forElements(ValueRange sumsBefore, llvm::function_ref<SmallVector<Value>(Value, ValueRange)> step);
  void storeSums(Value j, ValueRange sumsAfter);

  TileEmitter &tile;
  MapOp op;
  Block &body;
  ImplicitLocOpBuilder &b;
  SmallVector<Storage> indexed, shared, init, stacked, sumStorages;
  SmallVector<Factor> factors;
  LogicalResult status = success();
};

TileEmitter::MapEmitter::MapEmitter(TileEmitter &tile, MapOp op) : tile(tile), op(op), body(*op.getBlock()), b(tile.b) {
  auto findAll = [&](ValueRange operands) {
    return llvm::map_to_vector<6>(operands, [&](Value operand) { return tile.find(operand); });
  };
  auto allocateAll = [&](ValueRange results) {
    return llvm::map_to_vector<6>(results, [&](Value result) { return tile.allocateResult(result); });
  };
  llvm::append_range(indexed, findAll(op.getIndexed()));
  llvm::append_range(shared, findAll(op.getShared()));
  llvm::append_range(init, findAll(op.getInit()));
  llvm::append_range(stacked, allocateAll(op.getStacked()));
  llvm::append_range(sumStorages, allocateAll(op.getSums()));
  for (Value summand : body.getTerminator()->getOperands().drop_front(stacked.size()))
    factors.push_back(tile.uniform ? Factor() : Factor(op, summand));
}

/// What the body sees whole.
BodyMap TileEmitter::MapEmitter::loadShared(Value j) {
  BodyMap outer;
  for (auto [k, storage] : llvm::enumerate(shared)) {
    BlockArgument argument = body.getArgument(indexed.size() + k);
    outer[argument] = tile.loadBodyValue(storage, argument.getType(), nullptr, j);
  }
  return outer;
}

/// The sums before the first element.
SmallVector<Value> TileEmitter::MapEmitter::loadSums(Value j) {
  SmallVector<Value> before;
  for (auto [storage, operand, factor] : llvm::zip_equal(init, op.getInit(), factors)) {
    if (!factor) {
      llvm::append_range(before, tile.loadBodyValue(storage, operand.getType(), nullptr, j));
      continue;
    }
    LogOfProduct product = buildEmptyProduct(b, tile.shape.vectorType());
    before.append({product.mantissa, product.minusK});
  }
  return before;
}

/// The sums with the summands of one element.
SmallVector<Value> TileEmitter::MapEmitter::addSummands(ArrayRef<BodyValue> summands, const BodyMap &values,
                                                        ValueRange sumsHere) {
  SmallVector<Value> next;
  for (auto [summand, factor] : llvm::zip_equal(summands, factors)) {
    ValueRange here = sumsHere.drop_front(next.size());
    if (!factor) {
      for (auto [sum, value] : llvm::zip(here, summand))
        next.push_back(arith::AddFOp::create(b, sum, value));
      continue;
    }
    LogOfProduct product = buildMultiply(b, {here[0], here[1]}, values.lookup(factor.value).front());
    next.append({product.mantissa, product.minusK});
  }
  return next;
}

/// Element `i`; the sums with it.
SmallVector<Value> TileEmitter::MapEmitter::emitStep(const BodyMap &outer, Value i, Value j, ValueRange sumsHere) {
  BodyMap values = outer;
  for (auto [k, storage] : llvm::enumerate(indexed)) {
    BlockArgument argument = body.getArgument(k);
    values[argument] = tile.loadBodyValue(storage, argument.getType(), i, j);
  }
  BodyEmitter emitter(b, tile.bodyLanes());
  for (auto [k, storage] : llvm::enumerate(llvm::concat<Storage>(indexed, shared))) {
    BlockArgument argument = body.getArgument(k);
    SmallVector<Value> table = tile.loadTable(storage, argument, k < indexed.size() ? i : Value());
    if (!table.empty())
      emitter.addTable(argument, table);
  }
  if (failed(emitter.emit(body, values))) {
    status = failure();
    return SmallVector<Value>(sumsHere);
  }
  SmallVector<BodyValue> yielded = emitter.getYielded(body, values);
  for (auto [k, storage] : llvm::enumerate(stacked))
    tile.storeBodyValue(storage, yielded[k], i, j);
  return addSummands(ArrayRef(yielded).drop_front(stacked.size()), values, sumsHere);
}

/// All elements, one after the other; the sums in the end.
SmallVector<Value>
TileEmitter::MapEmitter::forElements(ValueRange sumsBefore,
                                     llvm::function_ref<SmallVector<Value>(Value, ValueRange)> step) {
  int64_t extent = op.getExtent();
  if (extent == 1)
    return step(tile.index(0), sumsBefore);
  bool isProduct = llvm::any_of(factors, [](const Factor &factor) { return bool(factor); });
  if (extent <= kShortSum || sumsBefore.empty() || isProduct)
    return tile.forRange(tile.index(0), tile.index(extent), sumsBefore, step);
  return tile.sumInBlocks(extent, sumsBefore, step);
}

void TileEmitter::MapEmitter::storeSums(Value j, ValueRange sumsAfter) {
  size_t at = 0;
  for (auto [storage, from, factor] : llvm::zip_equal(sumStorages, init, factors)) {
    BodyValue value;
    if (factor) {
      Value before = tile.load(from, nullptr, j), log = buildLog(b, LogOfProduct{sumsAfter[at], sumsAfter[at + 1]});
      value.push_back(factor.isSubtracted ? arith::SubFOp::create(b, before, log).getResult()
                                          : arith::AddFOp::create(b, before, log).getResult());
      at += 2;
    } else {
      value.append(sumsAfter.begin() + at, sumsAfter.begin() + at + storage.elements);
      at += storage.elements;
    }
    tile.storeBodyValue(storage, value, nullptr, j);
  }
}

void TileEmitter::MapEmitter::emitVector(Value j) {
  BodyMap outer = loadShared(j);
  SmallVector<Value> sums =
      forElements(loadSums(j), [&](Value i, ValueRange sumsHere) { return emitStep(outer, i, j, sumsHere); });
  storeSums(j, sums);
}

LogicalResult TileEmitter::MapEmitter::emit() {
  tile.forEachVector([&](Value j) { emitVector(j); });
  return status;
}

LogicalResult TileEmitter::emitMap(MapOp op) { return MapEmitter(*this, op).emit(); }
