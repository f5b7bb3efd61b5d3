//===- MicroKernelsRows.cpp - Row-major data to tiles and back ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector of samples is transposed C columns at a time, C being the number of
// lanes, or a half or a quarter of it for the last columns. Pieces of C columns
// of `lanes` rows are put together to C full vectors, whose C x C blocks are
// then transposed; so narrow arrays cost few shuffles.
//
//===----------------------------------------------------------------------===//

#include "MicroKernelsBuilder.h"

using namespace flowc;
using namespace mlir;

namespace {
/// The rows of data that the lanes of one vector of a tile hold.
struct RowGroup {
  KernelBuilder &b;
  SmallVector<Value> rows;  // their addresses; past the end, the last row's
  SmallVector<Value> valid; // whether a row is before the end

  RowGroup(KernelBuilder &b, Value data, Value stride, Value firstRow, Value endRow);
  /// Lanes below `columns` of `count` lanes.
  Value mask(Value columns, int64_t count);
  VectorType piece(int64_t columns) const { return VectorType::get({columns}, b.shape.element); }

  /// Columns [column, column + count) to rows of a tile from `tile` on, of
  /// which `columns` exist.
  void load(Value tile, Value column, Value columns, int64_t count);
  void store(Value tile, Value column, Value columns, int64_t count, Value complete);
};
} // namespace

RowGroup::RowGroup(KernelBuilder &b, Value data, Value stride, Value firstRow, Value endRow) : b(b) {
  Value last = b.add(endRow, -1);
  for (int64_t lane = 0; lane < b.shape.lanes; ++lane) {
    Value row = b.add(firstRow, lane);
    rows.push_back(b.at(data, b.mul(b.min(row, last), stride)));
    valid.push_back(b.less(row, endRow));
  }
}

Value RowGroup::mask(Value columns, int64_t count) {
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, count));
  auto type = VectorType::get({count}, b.getI32Type());
  Value iota = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(numbers)));
  Value limit = arith::TruncIOp::create(b, b.getI32Type(), columns);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, iota, vector::BroadcastOp::create(b, type, limit));
}

/// A vector of the elements of `parts`, an even number of them or one.
static Value concatenate(KernelBuilder &b, SmallVector<Value> parts) {
  while (parts.size() > 1) {
    int64_t width = cast<VectorType>(parts.front().getType()).getNumElements();
    SmallVector<Value> next;
    for (size_t i = 0; i < parts.size(); i += 2)
      next.push_back(b.shuffle(parts[i], parts[i + 1], llvm::to_vector(llvm::seq<int64_t>(0, 2 * width))));
    parts = std::move(next);
  }
  return parts.front();
}

void RowGroup::load(Value tile, Value column, Value columns, int64_t count) {
  int64_t lanes = b.shape.lanes;
  VectorType type = piece(count);
  Value exist = mask(columns, count);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  SmallVector<Value> vectors;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Value> parts;
    for (int64_t lane = i; lane < lanes; lane += count)
      parts.push_back(LLVM::MaskedLoadOp::create(b, type, b.at(rows[lane], column), exist, zero, b.elementBytes()));
    vectors.push_back(concatenate(b, std::move(parts)));
  }
  transposeBlocks(b, vectors);
  for (int64_t i = 0; i < count; ++i)
    b.when(b.less(b.i64(i), columns), [&] { b.store(vectors[i], b.at(tile, i * b.shape.rowStride())); });
}

void RowGroup::store(Value tile, Value column, Value columns, int64_t count, Value complete) {
  int64_t lanes = b.shape.lanes;
  SmallVector<Value> vectors;
  Value last = b.add(columns, -1);
  for (int64_t i = 0; i < count; ++i)
    vectors.push_back(b.load(b.at(tile, b.mul(b.min(b.i64(i), last), b.shape.rowStride()))));
  transposeBlocks(b, vectors);
  auto forEachRow = [&](llvm::function_ref<void(int64_t, Value)> body) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value vector = vectors[lane % count];
      if (count < lanes)
        vector = vector::ExtractStridedSliceOp::create(b, vector, ArrayRef<int64_t>{lane / count * count},
                                                       ArrayRef<int64_t>{count}, ArrayRef<int64_t>{1});
      body(lane, vector);
    }
  };
  Value full = arith::AndIOp::create(b, complete, b.less(b.i64(count - 1), columns));
  b.when(
      full,
      [&] {
        forEachRow([&](int64_t lane, Value vector) { b.store(vector, b.at(rows[lane], column), b.elementBytes()); });
      },
      [&] {
        Value exist = mask(columns, count);
        auto maskType = cast<VectorType>(exist.getType());
        forEachRow([&](int64_t lane, Value vector) {
          Value row = vector::BroadcastOp::create(b, maskType, valid[lane]);
          LLVM::MaskedStoreOp::create(b, vector, b.at(rows[lane], column), arith::AndIOp::create(b, exist, row),
                                      b.elementBytes());
        });
      });
}

/// Calls `transfer` with (row group, tile address, column, columns left, count)
/// for every piece of the array.
static void forEachPiece(
    KernelBuilder &b, ValueRange arguments,
    llvm::function_ref<void(RowGroup &, Value tile, Value column, Value columns, int64_t count, Value complete)>
        transfer) {
  Value data = arguments[0], tile = arguments[1], columns = arguments[2], stride = arguments[3];
  Value firstRow = arguments[4], endRow = arguments[5], vectors = arguments[6];
  int64_t lanes = b.shape.lanes;
  b.loop(b.i64(0), vectors, 1, [&](Value j) {
    Value lane = b.mul(j, lanes), first = b.add(firstRow, lane);
    RowGroup group(b, data, stride, first, endRow);
    Value tileLane = b.at(tile, lane);
    b.loop(b.i64(0), columns, lanes, [&](Value column) {
      Value left = b.sub(columns, column);
      Value row = b.at(tileLane, b.mul(column, b.shape.rowStride()));
      Value complete = b.less(b.add(first, lanes - 1), endRow);
      auto piece = [&](int64_t count) { transfer(group, row, column, left, count, complete); };
      b.when(
          b.less(b.i64(lanes / 2), left), [&] { piece(lanes); },
          [&] {
            if (lanes < 8)
              return piece(lanes / 2);
            b.when(b.less(b.i64(lanes / 4), left), [&] { piece(lanes / 2); }, [&] { piece(lanes / 4); });
          });
    });
  });
}

func::FuncOp flowc::getOrCreateLoadRows(ModuleOp module, const TileShape &shape) {
  return KernelBuilder::getOrCreate(
      module, shape, "load_rows", 2, {false, false, false, false, false}, [](KernelBuilder &b, ValueRange arguments) {
        forEachPiece(b, arguments, [](RowGroup &group, Value tile, Value column, Value columns, int64_t count, Value) {
          group.load(tile, column, columns, count);
        });
      });
}

func::FuncOp flowc::getOrCreateStoreRows(ModuleOp module, const TileShape &shape) {
  return KernelBuilder::getOrCreate(
      module, shape, "store_rows", 2, {false, false, false, false, false}, [](KernelBuilder &b, ValueRange arguments) {
        forEachPiece(b, arguments,
                     [](RowGroup &group, Value tile, Value column, Value columns, int64_t count, Value complete) {
                       group.store(tile, column, columns, count, complete);
                     });
      });
}
