//===- Kernels.cpp - Calls of micro-kernels -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../SampleToTile/Body.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::tile;

namespace {
/// The pattern of an op that becomes a call.
template <typename OpTy>
class KernelPattern : public TilePattern<OpTy> {
public:
  KernelPattern(const TypeConverter &converter, MLIRContext *context, const TileShape &shape, ModuleOp module)
      : TilePattern<OpTy>(converter, context, shape), module(module) {}

protected:
  void replaceByCall(OpTy op, func::FuncOp kernel, ArrayRef<Value> arguments,
                     ConversionPatternRewriter &rewriter) const {
    rewriter.replaceOpWithNewOp<func::CallOp>(op, kernel, arguments);
  }
  ModuleOp module;
};

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

template <typename OpTy, func::FuncOp (*getKernel)(ModuleOp, const TileShape &)>
struct LowerMoveRows : KernelPattern<OpTy> {
  using KernelPattern<OpTy>::KernelPattern;
  LogicalResult matchAndRewrite(OpTy op, typename LowerMoveRows::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, this->shape);
    Value data = b.address(Place(op.getData(), adaptor.getData()));
    Value tile = b.address(Place(op.getTile(), adaptor.getTile()));
    Value columns = b.index(op.getTile().getType().getElements());
    this->replaceByCall(op, getKernel(this->module, this->shape),
                        {data, tile, columns, columns, adaptor.getFirst().front(), adaptor.getEnd().front(),
                         adaptor.getVectors().front()},
                        rewriter);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

static_assert(int64_t(flowc::UnusedLanes::Zero) == int64_t(tile::UnusedLanes::Zero) &&
              int64_t(flowc::UnusedLanes::Repeated) == int64_t(tile::UnusedLanes::Repeated));

struct LowerDense : KernelPattern<DenseOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(DenseOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value biases = b.address(Place(op.getBiases(), adaptor.getBiases()));
    Value weights = b.address(Place(op.getWeights(), adaptor.getWeights()));
    SmallVector<Value> arguments{weights, biases, b.address(Place(op.getTable(), adaptor.getTable())),
                                 b.address(Place(op.getX(), adaptor.getX())),
                                 b.address(Place(op.getY(), adaptor.getY()))};
    Epilogue epilogue;
    if (!op.getEpilogue().empty()) {
      Block &body = op.getEpilogue().front();
      BlockArgument operand = op.getOfOperand() ? body.getArgument(*op.getOfOperand()) : BlockArgument();
      epilogue = makeEpilogue(body, body.getArgument(op.getSum()), operand, shape.lanes);
    }
    if (op.getOperand())
      arguments.push_back(b.address(Place(op.getOperand(), adaptor.getOperand())));
    arguments.append({adaptor.getFirst().front(), adaptor.getLast().front(), adaptor.getRows().front(),
                      b.index(int64_t(op.getLanes()))});
    replaceByCall(op, getOrCreateDense(module, shape, epilogue, op.getAccumulate()), arguments, rewriter);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Weight gradients
//===----------------------------------------------------------------------===//

static OuterMask getMask(WhichWeights which) {
  switch (which) {
  case WhichWeights::All:
    return OuterMask::None;
  case WhichWeights::AtLeast:
    return OuterMask::AtLeast;
  case WhichWeights::Above:
    return OuterMask::Above;
  }
  llvm_unreachable("unknown mask");
}

/// What dots and outer share: g, x, the sums, the table, ranks, and the blocks of the table.
template <typename OpTy, typename Adaptor>
static SmallVector<Value> getGradientArguments(AddressBuilder &b, OpTy op, Adaptor adaptor) {
  Type pointer = LLVM::LLVMPointerType::get(op.getContext());
  auto ranks = [&](auto buffer, ValueRange converted) -> Value {
    return buffer ? b.address(Place(buffer, converted)) : LLVM::ZeroOp::create(b.getBuilder(), pointer).getResult();
  };
  Value outRanks = ranks(op.getOutRanks(), adaptor.getOutRanks()), inRanks = outRanks;
  if (op.getInRanks())
    inRanks = ranks(op.getInRanks(), adaptor.getInRanks());
  return {b.address(Place(op.getG(), adaptor.getG())),
          b.address(Place(op.getX(), adaptor.getX())),
          b.address(Place(op.getWeight(), adaptor.getWeight())),
          b.address(Place(op.getBias(), adaptor.getBias())),
          b.address(Place(op.getTable(), adaptor.getTable())),
          outRanks,
          inRanks,
          b.index(0),
          b.index(op.getTable().getType().getElements() / DenseTableStride)};
}

struct LowerDots : KernelPattern<DotsOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(DotsOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    SmallVector<Value> arguments = getGradientArguments(b, op, adaptor);
    arguments.append({b.index(op.getG().getType().getElements()), b.index(op.getColumns()), adaptor.getRows().front(),
                      adaptor.getIsFirst().front()});
    DotsShape block{int64_t(op.getBlockRows()), int64_t(op.getBlockColumns())};
    replaceByCall(op, getOrCreateDots(module, shape, block, op.getColumns(), getMask(op.getWhich())), arguments,
                  rewriter);
    return success();
  }
};

struct LowerOuter : KernelPattern<OuterOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(OuterOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    SmallVector<Value> arguments = getGradientArguments(b, op, adaptor);
    arguments.append({b.index(op.getColumns()), adaptor.getRows().front(), adaptor.getIsFirst().front()});
    replaceByCall(op, getOrCreateOuter(module, shape, op.getColumns(), getMask(op.getWhich()), op.getWholeOnly()),
                  arguments, rewriter);
    return success();
  }
};

struct LowerTranspose : KernelPattern<TransposeOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(TransposeOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value x = b.address(Place(op.getX(), adaptor.getX())), to = b.address(Place(op.getTo(), adaptor.getTo()));
    replaceByCall(
        op, getOrCreateTranspose(module, shape),
        {x, to, b.index(op.getColumns()), b.index(op.getTo().getType().getElements()), adaptor.getVectors().front()},
        rewriter);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Draws
//===----------------------------------------------------------------------===//

/// What draws of one buffer take: where they go, how many, and which they are.
template <typename OpTy, typename Adaptor>
static SmallVector<Value> getDrawArguments(AddressBuilder &b, OpTy op, Adaptor adaptor) {
  return {b.address(Place(op.getTo(), adaptor.getTo())), b.index(op.getTo().getType().getElements()),
          adaptor.getSeed().front(), adaptor.getFirst().front(), adaptor.getVectors().front()};
}

struct LowerRandomNormal : KernelPattern<RandomNormalOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(RandomNormalOp op, Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    replaceByCall(op, getOrCreatePhiloxNormal(module, shape), getDrawArguments(b, op, adaptor), rewriter);
    return success();
  }
};

struct LowerRandomTail : KernelPattern<RandomTailOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(RandomTailOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    replaceByCall(op, getOrCreatePhiloxTail(module, shape, op.getStream()), getDrawArguments(b, op, adaptor), rewriter);
    return success();
  }
};

struct LowerRandomGamma : KernelPattern<RandomGammaOp> {
  using KernelPattern::KernelPattern;
  LogicalResult matchAndRewrite(RandomGammaOp op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    AddressBuilder b(op.getLoc(), rewriter, shape);
    Value concentration = b.address(Place(op.getConcentration(), adaptor.getConcentration()));
    Value gamma = b.address(Place(op.getGamma(), adaptor.getGamma()));
    Value factor = b.address(Place(op.getFactor(), adaptor.getFactor()));
    replaceByCall(op, getOrCreatePhiloxGamma(module, shape, op.getStream()),
                  {concentration, gamma, factor, b.index(op.getGamma().getType().getElements()),
                   adaptor.getSeed().front(), adaptor.getFirst().front(), adaptor.getVectors().front()},
                  rewriter);
    return success();
  }
};
} // namespace

void flowc::populateKernelPatterns(RewritePatternSet &patterns, const TypeConverter &converter, const TileShape &shape,
                                   ModuleOp module) {
  patterns.add<LowerMoveRows<LoadRowsOp, getOrCreateLoadRows>, LowerMoveRows<StoreRowsOp, getOrCreateStoreRows>,
               LowerDense, LowerDots, LowerOuter, LowerTranspose, LowerRandomNormal, LowerRandomTail, LowerRandomGamma>(
      converter, patterns.getContext(), shape, module);
}
