//===- MicroKernelsBuilder.h - Emitting loops on pointers -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CONVERSION_MICROKERNELSBUILDER_H
#define FLOWC_LIB_CONVERSION_MICROKERNELSBUILDER_H

#include "flowc/Conversion/MicroKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace flowc {

/// A builder inside one micro-kernel. Integers are i64 throughout.
struct KernelBuilder : mlir::ImplicitLocOpBuilder {
  using Value = mlir::Value;

  KernelBuilder(mlir::Location loc, const TileShape &shape)
      : ImplicitLocOpBuilder(loc, loc.getContext()), shape(shape),
        pointer(mlir::LLVM::LLVMPointerType::get(loc.getContext())) {}

  TileShape shape;
  mlir::Type pointer;

  /// Bytes of an element, and of a vector of `shape`.
  int64_t elementBytes() const { return shape.element.getIntOrFloatBitWidth() / 8; }
  int64_t vectorBytes() const { return shape.lanes * elementBytes(); }

  /// The kernel `name`, if it exists; otherwise calls `body` with its
  /// arguments to emit it. Arguments are pointers, of which none aliases
  /// another, then extents of type index that `body` sees as i64, with i64 ones
  /// in between where `wide` says so.
  static mlir::func::FuncOp getOrCreate(mlir::ModuleOp module, const TileShape &shape, mlir::StringRef name,
                                        unsigned pointers, mlir::ArrayRef<bool> wide,
                                        llvm::function_ref<void(KernelBuilder &, mlir::ValueRange)> body);

  Value i64(int64_t value) { return mlir::arith::ConstantOp::create(*this, getI64IntegerAttr(value)); }
  Value add(Value a, Value b) { return mlir::arith::AddIOp::create(*this, a, b); }
  Value sub(Value a, Value b) { return mlir::arith::SubIOp::create(*this, a, b); }
  Value mul(Value a, Value b) { return mlir::arith::MulIOp::create(*this, a, b); }
  Value mul(Value a, int64_t b) { return mul(a, i64(b)); }
  Value add(Value a, int64_t b) { return add(a, i64(b)); }
  /// a / b for a >= 0 and b a power of two.
  Value div(Value a, int64_t b) { return mlir::arith::ShRUIOp::create(*this, a, i64(llvm::Log2_64(b))); }
  Value min(Value a, Value b) { return mlir::arith::MinSIOp::create(*this, a, b); }
  Value less(Value a, Value b) { return mlir::arith::CmpIOp::create(*this, mlir::arith::CmpIPredicate::slt, a, b); }

  /// pointer + offset elements.
  Value at(Value base, Value offset, mlir::Type element = {}) {
    return mlir::LLVM::GEPOp::create(*this, pointer, element ? element : shape.element, base,
                                     mlir::ArrayRef<mlir::LLVM::GEPArg>{offset});
  }
  Value at(Value base, int64_t offset) { return offset ? at(base, i64(offset)) : base; }

  /// A vector at an address aligned to `alignment`, by default to its size.
  Value load(Value address, int64_t alignment = 0) { return load(shape.vectorType(), address, alignment); }
  Value load(mlir::VectorType type, Value address, int64_t alignment = 0) {
    return mlir::LLVM::LoadOp::create(*this, type, address, alignment ? alignment : vectorBytes());
  }
  void store(Value value, Value address, int64_t alignment = 0) {
    mlir::LLVM::StoreOp::create(*this, value, address, alignment ? alignment : vectorBytes());
  }
  /// The element at an address in all lanes.
  Value loadSplat(Value address) {
    return splat(mlir::LLVM::LoadOp::create(*this, shape.element, address, elementBytes()));
  }
  Value splat(Value scalar) { return mlir::vector::BroadcastOp::create(*this, shape.vectorType(), scalar); }
  Value splat(double value) {
    return mlir::arith::ConstantOp::create(
        *this, mlir::DenseElementsAttr::get(shape.vectorType(), mlir::Attribute(getFloatAttr(shape.element, value))));
  }
  Value shuffle(Value a, Value b, mlir::ArrayRef<int64_t> lanes) {
    return mlir::vector::ShuffleOp::create(*this, a, b, lanes);
  }
  /// Which of `lanes` lanes have a number below `limit`.
  Value lanesBelow(int64_t lanes, Value limit);
  /// Entry `field` of row `row` of a table of int32 with rows of `stride`.
  Value tableEntry(Value table, Value row, int64_t stride, int64_t field) {
    Value address = at(table, add(mul(row, stride), field), getI32Type());
    return mlir::arith::ExtSIOp::create(*this, getI64Type(),
                                        mlir::LLVM::LoadOp::create(*this, getI32Type(), address, 4));
  }

  /// for (i = from; i < to; i += step) body(i)
  void loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body);
  void loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
    loop(from, to, i64(step), body);
  }
  /// The same with values carried along.
  mlir::SmallVector<Value> loop(Value from, Value to, int64_t step, mlir::ValueRange init,
                                llvm::function_ref<mlir::SmallVector<Value>(Value, mlir::ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no = {});
  /// body(n) with the constant n that equals `value`, one of `cases`, of which
  /// the last is taken without a test.
  void dispatch(Value value, mlir::ArrayRef<int64_t> cases, llvm::function_ref<void(int64_t)> body);
};

/// Transposes, in place, the n x n blocks of n vectors of k * n elements: in
/// each group of n lanes, element j of vector i and element i of vector j swap.
void transposeBlocks(KernelBuilder &b, mlir::SmallVectorImpl<mlir::Value> &vectors);

} // namespace flowc

#endif // FLOWC_LIB_CONVERSION_MICROKERNELSBUILDER_H
