//===- Buffers.cpp - Addresses, loads and stores --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::tile;

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

static bool isZero(Value value) { return !value || matchPattern(value, m_Zero()); }

Value AddressBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

Value AddressBuilder::add(Value x, Value y) {
  if (isZero(x) || isZero(y))
    return isZero(x) ? y : x;
  return arith::AddIOp::create(b, x, y);
}

Value AddressBuilder::mul(Value x, int64_t y) {
  return y == 1 || isZero(x) ? x : arith::MulIOp::create(b, x, index(y)).getResult();
}

int64_t AddressBuilder::getStride(Layout layout) const {
  switch (layout) {
  case Layout::Uniform:
    return 1;
  case Layout::Rows:
    return shape.rowStride();
  case Layout::Sums:
    return shape.lanes;
  }
  llvm_unreachable("unknown layout");
}

Value AddressBuilder::address(const Place &place, Value element, Value vector) {
  Value offset = add(place.offset, mul(element, getStride(place.type.getLayout())));
  offset = add(offset, mul(vector, shape.lanes));
  if (isZero(offset))
    return place.base;
  Value offset64 = arith::IndexCastOp::create(b, b.getI64Type(), offset);
  return LLVM::GEPOp::create(b, place.base.getType(), place.type.getElement(), place.base, ValueRange{offset64});
}

unsigned AddressBuilder::getAlignment(BufferType type) const {
  unsigned bytes = type.getElement().getIntOrFloatBitWidth() / 8;
  return type.getLayout() == Layout::Uniform ? bytes : bytes * unsigned(shape.lanes);
}

//===----------------------------------------------------------------------===//
// Where buffers are
//===----------------------------------------------------------------------===//

/// The buffer that `op` makes begins at `base`.
static LogicalResult replaceByStart(Operation *op, Value base, ConversionPatternRewriter &rewriter) {
  Value zero = arith::ConstantIndexOp::create(rewriter, op->getLoc(), 0);
  rewriter.replaceOpWithMultiple(op, {ValueRange{base, zero}});
  return success();
}

namespace {
struct LowerConstant : TilePattern<tile::ConstantOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(tile::ConstantOp op, Adaptor, ConversionPatternRewriter &rewriter) const override {
    Type pointer = LLVM::LLVMPointerType::get(getContext());
    Value base = LLVM::AddressOfOp::create(rewriter, op.getLoc(), pointer, op.getTable());
    return replaceByStart(op, base, rewriter);
  }
};

struct LowerArgument : TilePattern<ArgumentOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(ArgumentOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value arrays = adaptor.getArrays().front();
    Type pointer = arrays.getType();
    Value where = LLVM::GEPOp::create(rewriter, op.getLoc(), pointer, pointer, arrays,
                                      ArrayRef<LLVM::GEPArg>{int32_t(op.getIndex())});
    Value base = LLVM::LoadOp::create(rewriter, op.getLoc(), pointer, where);
    return replaceByStart(op, base, rewriter);
  }
};

struct LowerParameter : TilePattern<ParameterOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(ParameterOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value memory = adaptor.getMemory().front();
    Value base = LLVM::GEPOp::create(rewriter, op.getLoc(), memory.getType(), shape.element, memory,
                                     ArrayRef<LLVM::GEPArg>{int32_t(op.getOffset())});
    return replaceByStart(op, base, rewriter);
  }
};

struct LowerBuffer : TilePattern<BufferOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(BufferOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(op, {ValueRange{adaptor.getMemory().front(), adaptor.getOffset().front()}});
    return success();
  }
};

struct LowerShift : TilePattern<ShiftOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(ShiftOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value memory = adaptor.getMemory().front();
    Value offset =
        arith::IndexCastOp::create(rewriter, op.getLoc(), rewriter.getI64Type(), adaptor.getOffset().front());
    rewriter.replaceOpWithNewOp<LLVM::GEPOp>(op, memory.getType(), op.getElement(), memory, ValueRange{offset});
    return success();
  }
};

struct LowerView : TilePattern<ViewOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(ViewOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Place whole(op.getWhole(), adaptor.getWhole());
    Value first = b.mul(adaptor.getFirst().front(), b.getStride(whole.type.getLayout()));
    rewriter.replaceOpWithMultiple(op, {ValueRange{whole.base, b.add(whole.offset, first)}});
    return success();
  }
};

struct LowerPin : TilePattern<PinOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(PinOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    return replaceByStart(op, b.address(Place(op.getBuffer(), adaptor.getBuffer())), rewriter);
  }
};

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The address of an access at `indices`.
template <typename OpTy, typename Adaptor>
static Value addressOf(AddressBuilder &b, OpTy op, Adaptor adaptor) {
  auto indices = adaptor.getIndices();
  Value vector = indices.size() > 1 ? indices[1].front() : Value();
  return b.address(Place(op.getBuffer(), adaptor.getBuffer()), indices[0].front(), vector);
}

struct LowerLoad : TilePattern<LoadOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(LoadOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value where = addressOf(b, op, adaptor);
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, op.getValue().getType(), where,
                                              b.getAlignment(op.getBuffer().getType()));
    return success();
  }
};

struct LowerStore : TilePattern<StoreOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(StoreOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value where = addressOf(b, op, adaptor);
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, adaptor.getValue().front(), where,
                                               b.getAlignment(op.getBuffer().getType()));
    return success();
  }
};

struct LowerLoadTable : TilePattern<LoadTableOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(LoadTableOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder addresses(op.getLoc(), rewriter, shape);
    ImplicitLocOpBuilder &b = addresses.getBuilder();
    auto type = cast<VectorType>(op.getVectors().front().getType());
    auto maskType = VectorType::get(type.getShape(), b.getI1Type());
    Value zero = arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type)));
    Place place(op.getBuffer(), adaptor.getBuffer());
    SmallVector<Value> vectors;
    for (int64_t at = 0, lanes = type.getNumElements(); at < int64_t(op.getCount()); at += lanes) {
      SmallVector<bool> exists;
      for (int64_t lane = 0; lane < lanes; ++lane)
        exists.push_back(at + lane < int64_t(op.getCount()));
      Value mask = arith::ConstantOp::create(b, DenseElementsAttr::get(maskType, exists));
      Value where = addresses.address(place, addresses.add(adaptor.getFirst().front(), addresses.index(at)));
      vectors.push_back(LLVM::MaskedLoadOp::create(b, type, where, mask, zero, addresses.getAlignment(place.type)));
    }
    rewriter.replaceOp(op, vectors);
    return success();
  }
};

struct LowerLookUp : TilePattern<LookUpOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(LookUpOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (!shape.unit->lookUp || int64_t(op.getTable().size()) > shape.unit->tableVectors)
      return op.emitError() << "'" << shape.unit->name << "' has no instruction that looks up elements in "
                            << op.getTable().size() << " vectors";
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> table;
    for (ValueRange vector : adaptor.getTable())
      table.push_back(vector.front());
    rewriter.replaceOp(op, shape.unit->lookUp(b, table, adaptor.getIndex().front()));
    return success();
  }
};

/// Bytes of all elements.
static Value getSize(ImplicitLocOpBuilder &b, BufferType type) {
  int64_t bytes = type.getElements() * type.getElement().getIntOrFloatBitWidth() / 8;
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
}

struct LowerCopy : TilePattern<CopyOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(CopyOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value to = b.address(Place(op.getTo(), adaptor.getTo())), from = b.address(Place(op.getFrom(), adaptor.getFrom()));
    Value size = getSize(b.getBuilder(), op.getFrom().getType());
    rewriter.replaceOpWithNewOp<LLVM::MemcpyOp>(op, to, from, size, /*isVolatile=*/false);
    return success();
  }
};

struct LowerClear : TilePattern<ClearOp> {
  using TilePattern::TilePattern;
  LogicalResult matchAndRewrite(ClearOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value where = b.address(Place(op.getBuffer(), adaptor.getBuffer()));
    Value size = getSize(b.getBuilder(), op.getBuffer().getType());
    Value zero = arith::ConstantOp::create(b.getBuilder(), b.getBuilder().getI8IntegerAttr(0));
    rewriter.replaceOpWithNewOp<LLVM::MemsetOp>(op, where, zero, size, /*isVolatile=*/false);
    return success();
  }
};
} // namespace

void flowc::populateBufferPatterns(RewritePatternSet &patterns, const TypeConverter &converter,
                                   const TileShape &shape) {
  patterns.add<LowerConstant, LowerArgument, LowerParameter, LowerBuffer, LowerShift, LowerView, LowerPin, LowerLoad,
               LowerStore, LowerLoadTable, LowerLookUp, LowerCopy, LowerClear>(converter, patterns.getContext(), shape);
}
