//===- LowerToLLVM.cpp - Loops to the llvm dialect -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One full conversion with the patterns of all dialects that are left: cheaper
// than a pass per dialect, and nothing can be left unconverted silently.
//
//===----------------------------------------------------------------------===//

#include "flowc/Conversion/SampleToTile.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/DialectConversion.h"

namespace flowc {
#define GEN_PASS_DEF_LOWERTOLLVM
#include "flowc/Conversion/Passes.h.inc"
} // namespace flowc

using namespace mlir;

namespace {
struct LowerToLLVM : flowc::impl::LowerToLLVMBase<LowerToLLVM> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext &context = getContext();
    ModuleOp module = getOperation();
    LLVMTypeConverter converter(&context);
    RewritePatternSet patterns(&context);
    populateSCFToControlFlowConversionPatterns(patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    vector::populateVectorStepLoweringPatterns(patterns);
    vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(context);
    target.addLegalOp<ModuleOp>();
    ConversionConfig config;
    config.allowPatternRollback = false;
    if (failed(applyFullConversion(module, target, std::move(patterns), config)))
      return signalPassFailure();

    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (SymbolTable::getSymbolVisibility(function) == SymbolTable::Visibility::Private && !function.isExternal())
        function.setLinkage(LLVM::Linkage::Internal);
  }
};
} // namespace
