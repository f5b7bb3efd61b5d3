//===- EmitUniform.cpp - Layout of parameters -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

/// Ranks as a table of 32-bit integers.
static SmallVector<int32_t> toTable(ArrayRef<int64_t> values) { return SmallVector<int32_t>(values); }

/// `value` where the mask has entry (row, column), else zero.
static Value applyMask(ImplicitLocOpBuilder &b, RankMaskAttr mask, Value outRank, Value inRank, Value value) {
  auto predicate = mask.getStrict() ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge;
  Value exists = arith::CmpIOp::create(b, predicate, outRank, inRank);
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(value.getType(), 0.0));
  return arith::SelectOp::create(b, exists, value, zero);
}

LogicalResult TileEmitter::emitPack(PackOp op) {
  Storage weight = find(op.getWeight()), panel = allocateResult(op);
  std::optional<Storage> bias;
  if (op.getBias())
    bias = find(op.getBias());
  std::optional<RankMaskAttr> mask = op.getMask();
  Value outRanks, inRanks;
  if (mask) {
    outRanks = table(toTable(mask->getOut()));
    inRanks = table(toTable(mask->getIn()));
  }
  Value stride = index(op.getWeight().getType().getDimSize(1));
  Value blocks = table(op.getBlocks());
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(shape.element, 0.0));
  forEach(index(op.getBlocks().size() / DenseTableStride), [&](Value block) {
    Value entry = mul(block, index(DenseTableStride));
    auto field = [&](int64_t i) { return loadIndex(blocks, add(entry, index(i))); };
    Value row0 = field(RowBegin), count = field(RowCount), column0 = field(InputBegin), columns = field(InputCount);
    Value offset = field(WeightOffset);
    forEach(count, [&](Value r) {
      Value row = add(row0, r);
      store(panel, add(offset, r), nullptr, bias ? load(*bias, row, nullptr) : zero);
    });
    Value weights = add(offset, count);
    forEach(columns, [&](Value k) {
      Value column = add(column0, k), to = add(weights, mul(k, count));
      forEach(count, [&](Value r) {
        Value row = add(row0, r);
        Value out = op.getTransposed() ? column : row, in = op.getTransposed() ? row : column;
        Value value = load(weight, add(mul(out, stride), in), nullptr);
        if (mask)
          value = applyMask(b, *mask, loadIndex(outRanks, out), loadIndex(inRanks, in), value);
        store(panel, add(to, r), nullptr, value);
      });
    });
  });
  return success();
}

LogicalResult TileEmitter::emitUnpackOuter(UnpackOuterOp op) {
  Storage panel = find(op.getPanel()), weight = allocateResult(op.getWeight()), bias = allocateResult(op.getBias());
  int64_t rowCount = op.getWeight().getType().getDimSize(0), columnCount = op.getWeight().getType().getDimSize(1);
  int64_t padded = op.getPanel().getType().getDimSize(1);
  std::optional<RankMaskAttr> mask = op.getMask();
  Value outRanks, inRanks;
  if (mask) {
    outRanks = table(toTable(mask->getOut()));
    inRanks = table(toTable(mask->getIn()));
  }
  forEach(index(rowCount), [&](Value row) {
    Value from = mul(row, index(padded)), to = mul(row, index(columnCount));
    store(bias, row, nullptr, load(panel, add(from, index(columnCount)), nullptr));
    forEach(index(columnCount), [&](Value column) {
      Value value = load(panel, add(from, column), nullptr);
      if (mask)
        value = applyMask(b, *mask, loadIndex(outRanks, row), loadIndex(inRanks, column), value);
      store(weight, add(to, column), nullptr, value);
    });
  });
  return success();
}

LogicalResult TileEmitter::emitReorder(ReorderOp op) {
  Storage from = find(op.getX()), to = allocateResult(op);
  auto type = cast<RankedTensorType>(op.getX().getType());
  int64_t columnCount = type.getNumElements() / type.getDimSize(0);
  Value rowOrder = op.getRows().empty() ? Value() : table(toTable(op.getRows()));
  Value columnOrder = op.getColumns().empty() ? Value() : table(toTable(op.getColumns()));
  forEach(index(type.getDimSize(0)), [&](Value row) {
    Value source = rowOrder ? loadIndex(rowOrder, row) : row;
    forEach(index(columnCount), [&](Value column) {
      Value sourceColumn = columnOrder ? loadIndex(columnOrder, column) : column;
      Value value = load(from, add(mul(source, index(columnCount)), sourceColumn), nullptr);
      store(to, add(mul(row, index(columnCount)), column), nullptr, value);
    });
  });
  return success();
}
