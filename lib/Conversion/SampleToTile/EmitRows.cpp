//===- EmitRows.cpp - Ops of the sample program on tiles ------------------===//
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

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

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

/// One loop over vectors of lanes around one over elements, sums in registers.
LogicalResult TileEmitter::emitMap(MapOp op) {
  Block &body = *op.getBlock();
  SmallVector<Storage> indexed, shared, init, stacked, sumStorages;
  for (Value operand : op.getIndexed())
    indexed.push_back(find(operand));
  for (Value operand : op.getShared())
    shared.push_back(find(operand));
  for (Value operand : op.getInit())
    init.push_back(find(operand));
  for (Value result : op.getStacked())
    stacked.push_back(allocateResult(result));
  for (Value result : op.getSums())
    sumStorages.push_back(allocateResult(result));
  SmallVector<Factor> factors;
  for (Value summand : body.getTerminator()->getOperands().drop_front(stacked.size()))
    factors.push_back(uniform ? Factor() : Factor(op, summand));

  LogicalResult status = success();
  forEachVector([&](Value j) {
    BodyMap outer;
    for (auto [k, storage] : llvm::enumerate(shared)) {
      BlockArgument argument = body.getArgument(indexed.size() + k);
      outer[argument] = loadBodyValue(storage, argument.getType(), nullptr, j);
    }
    SmallVector<Value> sumsBefore;
    for (auto [storage, operand, factor] : llvm::zip_equal(init, op.getInit(), factors)) {
      if (!factor) {
        llvm::append_range(sumsBefore, loadBodyValue(storage, operand.getType(), nullptr, j));
        continue;
      }
      LogOfProduct product = buildEmptyProduct(b, shape.vectorType());
      sumsBefore.append({product.mantissa, product.minusK});
    }

    auto emitStep = [&](Value i, ValueRange sumsHere) -> SmallVector<Value> {
      BodyMap values = outer;
      for (auto [k, storage] : llvm::enumerate(indexed)) {
        BlockArgument argument = body.getArgument(k);
        values[argument] = loadBodyValue(storage, argument.getType(), i, j);
      }
      BodyEmitter emitter(b, bodyLanes());
      for (auto [k, storage] : llvm::enumerate(llvm::concat<Storage>(indexed, shared))) {
        BlockArgument argument = body.getArgument(k);
        SmallVector<Value> table = loadTable(storage, argument, k < indexed.size() ? i : Value());
        if (!table.empty())
          emitter.addTable(argument, table);
      }
      if (failed(emitter.emit(body, values))) {
        status = failure();
        return SmallVector<Value>(sumsHere);
      }
      SmallVector<BodyValue> yielded = emitter.getYielded(body, values);
      for (auto [k, storage] : llvm::enumerate(stacked))
        storeBodyValue(storage, yielded[k], i, j);
      SmallVector<Value> next;
      for (auto [summand, factor] : llvm::zip_equal(llvm::drop_begin(yielded, stacked.size()), factors)) {
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
    };

    SmallVector<Value> sumsAfter;
    if (op.getExtent() == 1) {
      sumsAfter = emitStep(index(0), sumsBefore);
    } else if (op.getExtent() <= kShortSum || sumsBefore.empty() ||
               llvm::any_of(factors, [](const Factor &factor) { return bool(factor); })) {
      sumsAfter = forRange(index(0), index(op.getExtent()), sumsBefore, emitStep);
    } else {
      sumsAfter = sumInBlocks(op.getExtent(), sumsBefore, emitStep);
    }
    size_t at = 0;
    for (auto [storage, from, factor] : llvm::zip_equal(sumStorages, init, factors)) {
      BodyValue value;
      if (factor) {
        Value before = load(from, nullptr, j), log = buildLog(b, LogOfProduct{sumsAfter[at], sumsAfter[at + 1]});
        value.push_back(factor.isSubtracted ? arith::SubFOp::create(b, before, log).getResult()
                                            : arith::AddFOp::create(b, before, log).getResult());
        at += 2;
      } else {
        value.append(sumsAfter.begin() + at, sumsAfter.begin() + at + storage.elements);
        at += storage.elements;
      }
      storeBodyValue(storage, value, nullptr, j);
    }
  });
  return status;
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

/// A loop over layers. A carry has two buffers that change places every layer:
/// the body reads one and writes the other.
LogicalResult TileEmitter::emitScan(ScanOp op) {
  Block &body = *op.getBlock();
  int64_t numCarries = op.getCarries().size();
  Value layers = index(op.getLayers());

  SmallVector<Value> buffers;
  SmallVector<Storage> carries;
  for (Value operand : op.getCarries()) {
    Storage current = allocate(operand.getType()), next = allocate(operand.getType());
    copy(find(operand), current);
    buffers.append({current.buffer, next.buffer});
    carries.push_back(current);
  }
  SmallVector<Storage> over;
  for (Value operand : op.getOver())
    over.push_back(find(operand));
  // A stacked result that is only summed over rows is summed layer by layer.
  SmallVector<std::optional<Storage>> stacked, layerSums;
  for (Value result : op.getStacked()) {
    bool summed = sums.contains(result) && hasOneUser(result);
    layerSums.push_back(summed ? std::optional<Storage>(sums[result]) : std::nullopt);
    stacked.push_back(summed ? std::nullopt : std::optional<Storage>(allocateResult(result)));
  }

  auto moveTo = [](Storage carry, Value buffer) {
    carry.buffer = buffer;
    return carry;
  };
  bool inParts = partScans.contains(op);
  PartMemory memory = inParts ? beginPart() : PartMemory();
  auto loop = inParts ? scf::ForOp::create(b, firstPart, lastPart, index(1), buffers)
                      : scf::ForOp::create(b, index(0), layers, index(1), buffers);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value layer = loop.getInductionVar();
    if (op.getReverse() && !inParts)
      layer = arith::SubIOp::create(b, index(op.getLayers() - 1), layer);
    auto sliceOf = [&](const Storage &storage) {
      int64_t elements = storage.elements / op.getLayers();
      return slice(storage, mul(layer, index(elements)), elements);
    };
    for (int64_t c = 0; c < numCarries; ++c)
      storages[body.getArgument(c)] = moveTo(carries[c], loop.getRegionIterArg(2 * c));
    for (auto [k, storage] : llvm::enumerate(over))
      storages[body.getArgument(numCarries + k)] = sliceOf(storage);
    for (auto [k, operand] : llvm::enumerate(op.getShared()))
      storages[body.getArgument(numCarries + over.size() + k)] = find(operand);

    // Where the body's results go.
    ValueRange yielded = op.getYield().getOperands();
    SmallVector<Storage> targets;
    for (int64_t c = 0; c < numCarries; ++c)
      targets.push_back(moveTo(carries[c], loop.getRegionIterArg(2 * c + 1)));
    for (auto [k, storage] : llvm::enumerate(stacked)) {
      Value value = yielded[numCarries + k];
      if (storage) {
        targets.push_back(sliceOf(*storage));
        continue;
      }
      targets.push_back({});
      Storage sum = *layerSums[k];
      int64_t elements = sum.elements / op.getLayers();
      if (!sums.try_emplace(value, slice(sum, mul(layer, index(elements)), elements)).second)
        return op.emitOpError("yields one value as two sums");
    }
    for (auto [value, target] : llvm::zip_equal(yielded, targets))
      if (target.buffer && canWriteTo(value, body))
        destinations.try_emplace(value, target);
    macsFactor *= op.getLayers();
    if (failed(emitBlock(body)))
      return failure();
    macsFactor /= op.getLayers();
    for (auto [value, target] : llvm::zip_equal(yielded, targets))
      if (target.buffer)
        copy(find(value), target);
    SmallVector<Value> swapped;
    for (int64_t c = 0; c < numCarries; ++c) {
      swapped.push_back(loop.getRegionIterArg(2 * c + 1));
      swapped.push_back(loop.getRegionIterArg(2 * c));
    }
    if (!swapped.empty())
      scf::YieldOp::create(b, swapped);
  }
  if (inParts)
    endPart(memory);
  for (int64_t c = 0; c < numCarries; ++c) {
    Storage final = moveTo(carries[c], loop.getResult(2 * c));
    storages[op.getFinals()[c]] = final;
    auto it = destinations.find(op.getFinals()[c]);
    if (it != destinations.end()) {
      copy(final, it->second);
      storages[op.getFinals()[c]] = it->second;
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Moving rows
//===----------------------------------------------------------------------===//

LogicalResult TileEmitter::emitSplit(SplitOp op) {
  Storage whole = find(op.getX());
  int64_t at = 0;
  for (Value piece : op.getPieces()) {
    int64_t size = getNumElements(piece.getType());
    storages[piece] = slice(whole, index(at), size);
    at += size;
  }
  return success();
}

LogicalResult TileEmitter::emitConcat(ConcatOp op) {
  Storage whole = allocateResult(op);
  int64_t at = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    int64_t size = getNumElements(operand.get().getType());
    if (!inPlace.contains(&operand))
      copy(find(operand.get()), slice(whole, index(at), size));
    at += size;
  }
  return success();
}

LogicalResult TileEmitter::emitGather(GatherOp op) {
  Storage from = find(op.getX()), to = allocateResult(op);
  moveElements(from, findIntegers(op.getIndices()), to);
  return success();
}

LogicalResult TileEmitter::emitReverse(ReverseOp op) {
  Storage from = find(op.getX()), to = allocateResult(op);
  forEach(index(to.elements), [&](Value i) {
    Value row = arith::SubIOp::create(b, index(to.elements - 1), i);
    forEachVector([&](Value j) { store(to, i, j, load(from, row, j)); });
  });
  return success();
}
