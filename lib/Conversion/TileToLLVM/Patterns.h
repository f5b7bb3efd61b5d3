//===- Patterns.h - Ops of the tile program as addresses --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the files of convert-tile-to-llvm. A buffer becomes two values: an address,
// and the number of elements behind it where the buffer begins.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CONVERSION_TILETOLLVM_PATTERNS_H
#define FLOWC_LIB_CONVERSION_TILETOLLVM_PATTERNS_H

#include "flowc/Conversion/MicroKernels.h"
#include "flowc/Dialect/Tile/IR/TileDialect.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace flowc {

/// Where a buffer begins.
struct Place {
  tile::BufferType type;
  mlir::Value base;   ///< !llvm.ptr
  mlir::Value offset; ///< index, in elements of the buffer

  Place(mlir::TypedValue<tile::BufferType> buffer, mlir::ValueRange converted)
      : type(buffer.getType()), base(converted[0]), offset(converted[1]) {}
};

/// Arithmetic of addresses, for tiles of one shape.
class AddressBuilder {
public:
  AddressBuilder(mlir::Location loc, mlir::OpBuilder &builder, const TileShape &shape)
      : b(loc, builder), shape(shape) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return b; }
  mlir::Value index(int64_t value);
  /// x + y and x * y, without an op where a constant zero makes it none.
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y);
  /// Elements between two elements of a buffer.
  int64_t getStride(tile::Layout layout) const;
  /// The address of an element (and in rows, of a vector of its lanes); null: of the first.
  mlir::Value address(const Place &place, mlir::Value element = {}, mlir::Value vector = {});
  /// Bytes to which accesses are aligned: to whole vectors of lanes, or to single elements.
  unsigned getAlignment(tile::BufferType type) const;

private:
  mlir::ImplicitLocOpBuilder b;
  const TileShape &shape;
};

/// The pattern of one op.
template <typename OpTy>
class TilePattern : public mlir::OpConversionPattern<OpTy> {
public:
  using Adaptor = typename mlir::OpConversionPattern<OpTy>::OneToNOpAdaptor;

  TilePattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context, const TileShape &shape)
      : mlir::OpConversionPattern<OpTy>(converter, context), shape(shape) {}

protected:
  TileShape shape;
};

/// Patterns of ops on buffers, and of micro-kernels, which are added to `module`.
void populateBufferPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter,
                            const TileShape &shape);
void populateKernelPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter,
                            const TileShape &shape, mlir::ModuleOp module);

} // namespace flowc

#endif // FLOWC_LIB_CONVERSION_TILETOLLVM_PATTERNS_H
