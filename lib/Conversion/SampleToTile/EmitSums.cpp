//===- EmitSums.cpp - Sums over rows --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weight gradients add up rows themselves. Other values are added up lane by lane,
// tile after tile; at the end of the kernel come the sums over lanes.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

bool TileEmitter::hasOneUser(Value value) { return !value.use_empty() && llvm::all_equal(value.getUsers()); }

/// The weight gradient that `value` is, if that adds it up over rows itself.
OuterOp TileEmitter::findOuter(Value value) {
  if (!hasOneUser(value))
    return {};
  if (auto outer = value.getDefiningOp<OuterOp>())
    return outer;
  auto scan = value.getDefiningOp<ScanOp>();
  if (!scan)
    return {};
  unsigned number = cast<OpResult>(value).getResultNumber();
  return number >= scan.getFinals().size() ? findOuter(scan.getYield().getOperand(number)) : OuterOp();
}

/// Which lanes of a vector belong to rows of the batch.
Value TileEmitter::rowsExist(Value vector) {
  auto type = VectorType::get({shape.lanes}, b.getIndexType());
  Value lane = add(firstRow, mul(vector, index(shape.lanes)));
  Value lanes = arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, lane), vector::StepOp::create(b, type));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lanes, vector::BroadcastOp::create(b, type, rows));
}

/// Adds the lanes of a value that is there for the current tile to its sum.
void TileEmitter::accumulateSum(Value value) {
  Storage to = sums.lookup(value);
  if (findOuter(value))
    return;
  // A scan with a single user adds up layer by layer.
  if (auto scan = value.getDefiningOp<ScanOp>(); scan && hasOneUser(value) && !storages.contains(value))
    return;
  Storage from = find(value);
  auto sumType = [&](int64_t elements) {
    return tile::BufferType::get(b.getContext(), elements, shape.element, tile::Layout::Sums);
  };
  forEach(index(from.elements), [&](Value i) {
    Value element = tile::ViewOp::create(b, sumType(1), to.buffer, i);
    element = tile::PinOp::create(b, element.getType(), element);
    Value sum = tile::LoadOp::create(b, shape.vectorType(), element, index(0));
    auto loop = scf::ForOp::create(b, index(0), numVectors, index(1), ValueRange{sum});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value vector = loop.getInductionVar();
      // Zero times infinity, in a lane that belongs to no row, must not count.
      Value zero = arith::ConstantOp::create(b, b.getZeroAttr(shape.vectorType()));
      Value term = arith::SelectOp::create(b, rowsExist(vector), load(from, i, vector), zero);
      Value next = arith::AddFOp::create(b, loop.getRegionIterArg(0), term);
      scf::YieldOp::create(b, next);
    }
    tile::StoreOp::create(b, loop.getResult(0), element, index(0));
  });
}
