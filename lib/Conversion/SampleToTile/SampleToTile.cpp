//===- SampleToTile.cpp - Sample program to tile program --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Conversion/SampleToTile.h"
#include "TileEmitter.h"
#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"
#include "flowc/Runtime/KernelABI.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace flowc {
#define GEN_PASS_DEF_CONVERTSAMPLETOTILE
#include "flowc/Conversion/Passes.h.inc"
} // namespace flowc

using namespace mlir;
using namespace flowc;

/// An array of int64 that whoever loads the kernel looks up by `name`.
static void addNumbers(ModuleOp module, StringRef name, ArrayRef<int64_t> numbers) {
  OpBuilder builder(module.getBodyRegion());
  auto type = RankedTensorType::get({int64_t(numbers.size())}, builder.getI64Type());
  tile::TableOp::create(builder, module.getLoc(), name, /*exported=*/true, DenseElementsAttr::get(type, numbers));
}

namespace {
struct ConvertSampleToTile : flowc::impl::ConvertSampleToTileBase<ConvertSampleToTile> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<sample::KernelFunctions> functions = sample::findKernelFunctions(module, {"kernel", "prepare"});
    if (failed(functions))
      return signalPassFailure();
    auto [kernel, prepare, finish] = *functions;
    // Two sums of one value are one sum.
    SmallVector<Operation *> scans;
    kernel.walk([&](sample::ScanOp scan) { scans.push_back(scan); });
    RewritePatternSet patterns(&getContext());
    sample::ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(scans, std::move(patterns), config)))
      return signalPassFailure();
    FloatType element;
    kernel.walk([&](Operation *op) {
      for (Type type : op->getResultTypes())
        if (auto found = dyn_cast<FloatType>(getElementTypeOrSelf(type)))
          element = found;
      return element ? WalkResult::interrupt() : WalkResult::advance();
    });
    for (Type type : kernel.getArgumentTypes())
      if (auto found = dyn_cast<FloatType>(getElementTypeOrSelf(type)); found && !element)
        element = found;
    if (!element) {
      kernel.emitError("computes no floats");
      return signalPassFailure();
    }
    auto unit = getVectorUnit(vectors);
    if (!unit) {
      module.emitError() << unit.error().message;
      return signalPassFailure();
    }
    TileShape shape(element, **unit);
    module->setAttr(tile::TileDialect::kShapeAttr, tile::ShapeAttr::get(&getContext(), vectors, element));

    TileEmitter kernelEmitter(module, shape, kernel, /*uniform=*/false);
    TileEmitter prepareEmitter(module, shape, prepare, /*uniform=*/true);
    if (failed(kernelEmitter.emitKernel()) || failed(prepareEmitter.emitPrepare()))
      return signalPassFailure();
    int64_t gradientElements = 0, finishWorkspace = 0, finishParts = 1;
    if (finish) {
      TileEmitter finishEmitter(module, shape, finish, /*uniform=*/true);
      if (failed(finishEmitter.emitFinish(kernelEmitter.getSumOffsets())))
        return signalPassFailure();
      gradientElements = finishEmitter.getGradientElements();
      finishWorkspace = finishEmitter.getWorkspaceElements();
      finishParts = finishEmitter.getParts();
    }

    // The order of KernelInfo.
    SmallVector<int64_t> info = {kKernelABIVersion,
                                 prepareEmitter.getPreparedElements(),
                                 kernelEmitter.getWorkspaceElements(),
                                 kernelEmitter.getSumElements(),
                                 kernelEmitter.getNumInputs(),
                                 kernelEmitter.getNumOutputs(),
                                 gradientElements,
                                 kernelEmitter.getMacs(),
                                 finishWorkspace};
    static_assert(sizeof(KernelInfo) == 9 * sizeof(int64_t));
    addNumbers(module, "info", info);
    if (int64_t prepareParts = prepareEmitter.getParts(); prepareParts > 1 || finishParts > 1)
      addNumbers(module, "parts", {prepareParts, finishParts});
    static_assert(sizeof(KernelParts) == 2 * sizeof(int64_t));

    for (func::FuncOp function : {kernel, prepare, finish}) {
      if (!function)
        continue;
      std::string name = function.getName().str();
      function.erase();
      module.lookupSymbol<func::FuncOp>(name + ".tile").setName(name);
    }
  }
};
} // namespace
