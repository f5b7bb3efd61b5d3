//===- EmitBlock.h - Sweeps over blocks of a network ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CONVERSION_SAMPLETOTILE_EMITBLOCK_H
#define FLOWC_LIB_CONVERSION_SAMPLETOTILE_EMITBLOCK_H

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

namespace flowc {

/// Arithmetic on vectors of lanes.
struct Lanes {
  using Value = mlir::Value;

  mlir::ImplicitLocOpBuilder &b;
  mlir::VectorType type;

  Value constant(double value) {
    return mlir::arith::ConstantOp::create(
        b, mlir::DenseElementsAttr::get(type, mlir::Attribute(b.getFloatAttr(type.getElementType(), value))));
  }
  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, x, y); }
  Value mul(double x, Value y) { return mul(constant(x), y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, x, y, z); }
  Value abs(Value x) { return mlir::math::AbsFOp::create(b, x); }
  Value both(Value x, Value y) { return mlir::arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return mlir::arith::OrIOp::create(b, x, y); }
  Value select(Value condition, Value x, Value y) { return mlir::arith::SelectOp::create(b, condition, x, y); }
  Value less(Value x, Value y) { return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::OLT, x, y); }
  Value atMost(Value x, Value y) { return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::OLE, x, y); }
  Value isNaN(Value x) { return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::UNO, x, x); }
  /// Also true of NaN.
  Value atMostOrNaN(Value x, Value y) { return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::ULE, x, y); }
  Value atLeastOrNaN(Value x, Value y) { return mlir::arith::CmpFOp::create(b, mlir::arith::CmpFPredicate::UGE, x, y); }
  Value all(Value lanes) { return mlir::vector::ReductionOp::create(b, mlir::vector::CombiningKind::AND, lanes); }
  double epsilon() const {
    return std::ldexp(
        1.0, 1 - int(llvm::APFloat::semanticsPrecision(type.getElementType().isF64() ? llvm::APFloat::IEEEdouble()
                                                                                     : llvm::APFloat::IEEEsingle())));
  }
};

/// A sweep over the blocks of a network, and the block and vector it is at.
struct TileEmitter::BlockSweep {
  int64_t dim = 0;
  /// Units per block after every layer; the last is 1.
  llvm::SmallVector<int64_t> units;
  llvm::SmallVector<Storage> weights, diagonals;
  /// Of every layer: the biases, the micro-kernel's table, the first
  /// block in it for each coordinate.
  llvm::SmallVector<mlir::Value> biases, blocks, blockEnds;
  /// What the units of the block get from finished blocks.
  llvm::SmallVector<Storage> raw;
  /// The block; the vector of the tile from which on lanes are handled at a time,
  /// as many as `type` has.
  mlir::Value block, vector;
  mlir::VectorType type;

  int64_t depth() const { return int64_t(units.size()) - 1; }
};

} // namespace flowc

#endif // FLOWC_LIB_CONVERSION_SAMPLETOTILE_EMITBLOCK_H
