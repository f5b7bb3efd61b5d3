//===- TileToLLVM.cpp - Buffers become addresses --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Function by function, so that each has the micro-kernels behind it that it is the
// first to call.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"

namespace flowc {
#define GEN_PASS_DEF_CONVERTTILETOLLVM
#include "flowc/Conversion/Passes.h.inc"
} // namespace flowc

using namespace mlir;
using namespace flowc;

/// Tables become constant arrays of the module.
static void lowerTables(ModuleOp module) {
  for (auto table : llvm::make_early_inc_range(module.getOps<tile::TableOp>())) {
    OpBuilder b(table);
    auto type = cast<RankedTensorType>(table.getNumbers().getType());
    auto array = LLVM::LLVMArrayType::get(type.getElementType(), type.getNumElements());
    bool isExported = table.getExported();
    LLVM::GlobalOp::create(b, table.getLoc(), array, /*isConstant=*/true,
                           isExported ? LLVM::Linkage::External : LLVM::Linkage::Internal, table.getSymName(),
                           table.getNumbers(), /*alignment=*/isExported ? 0 : 64);
    table.erase();
  }
}

static TypeConverter makeConverter(MLIRContext &context) {
  TypeConverter converter;
  Type pointer = LLVM::LLVMPointerType::get(&context), index = IndexType::get(&context);
  converter.addConversion([](Type type) { return type; });
  converter.addConversion([pointer](tile::MemoryType) { return pointer; });
  converter.addConversion([pointer, index](tile::BufferType, SmallVectorImpl<Type> &types) {
    types.append({pointer, index});
    return success();
  });
  return converter;
}

namespace {
struct ConvertTileToLLVM : flowc::impl::ConvertTileToLLVMBase<ConvertTileToLLVM> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    tile::ShapeAttr attribute = tile::findShape(module);
    if (!attribute) {
      module.emitError() << "needs the attribute '" << tile::TileDialect::kShapeAttr
                         << "', which convert-sample-to-tile gives a module";
      return signalPassFailure();
    }
    TileShape shape(attribute.getElement(), **getVectorUnit(attribute.getVectors().str()));
    lowerTables(module);
    TypeConverter converter = makeConverter(getContext());
    RewritePatternSet set(&getContext());
    populateBufferPatterns(set, converter, shape);
    populateKernelPatterns(set, converter, shape, module);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(set, converter);
    populateCallOpTypeConversionPattern(set, converter);
    populateReturnOpTypeConversionPattern(set, converter);
    FrozenRewritePatternSet patterns(std::move(set));
    ConversionTarget target(getContext());
    target.addIllegalDialect<tile::TileDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>(
        [&](func::FuncOp function) { return converter.isSignatureLegal(function.getFunctionType()); });
    target.addDynamicallyLegalOp<func::CallOp>(
        [&](func::CallOp call) { return converter.isLegal(call.getOperandTypes()); });
    target.addDynamicallyLegalOp<func::ReturnOp>(
        [&](func::ReturnOp op) { return converter.isLegal(op.getOperandTypes()); });
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    ConversionConfig config;
    config.allowPatternRollback = false;
    for (func::FuncOp function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      function->moveBefore(module.getBody(), module.getBody()->end());
      if (failed(applyPartialConversion(function, target, patterns, config)))
        return signalPassFailure();
    }
    module->removeAttr(tile::TileDialect::kShapeAttr);
    for (auto function : module.getOps<func::FuncOp>())
      function->removeAttr(tile::TileDialect::kReservedAttr);
  }
};
} // namespace
