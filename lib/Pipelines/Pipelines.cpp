//===- Pipelines.cpp - From a flow to a compiled kernel's module ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Pipelines/Pipelines.h"

#include "flowc/Conversion/MicroKernels.h"
#include "flowc/Conversion/Passes.h"
#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"
#include "flowc/Dialect/Tile/Transforms/Passes.h"
#include "flowc/Frontend/Emit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace flowc;

/// What sample-differentiate and sample-linearize call a derivative.
static const char *getDerivativeName(Derivative derivative) {
  switch (derivative) {
  case Derivative::Params:
    return "params";
  case Derivative::Inputs:
    return "inputs";
  case Derivative::Condition:
    return "condition";
  case Derivative::None:
    break;
  }
  llvm_unreachable("nothing to differentiate");
}

void flowc::registerPipelineDialects(DialectRegistry &registry) {
  registry
      .insert<flow::FlowDialect, sample::SampleDialect, tile::TileDialect, arith::ArithDialect, cf::ControlFlowDialect,
              func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect, vector::VectorDialect>();
  sample::registerDifferentiableExternalModels(registry);
}

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// Flow graph to an optimised sample program.
static void buildSamplePipeline(OpPassManager &pm, const KernelSpec &kernel, bool isWhole) {
  pm.addPass(flow::createStabilizePass());
  pm.addPass(flow::createSpecializePass({/*program=*/std::string(kernel.getProgram().name),
                                         /*rows=*/kernel.rows == RowSource::Drawn ? "drawn" : "given",
                                         /*weighted=*/kernel.weighted}));
  addCleanup(pm);
  auto differentiate = [&] {
    if (kernel.derivative == Derivative::None)
      return;
    pm.addPass(sample::createDifferentiatePass({getDerivativeName(kernel.derivative)}));
    addCleanup(pm);
  };
  // Forward mode comes before hoisting: what it makes of parameters, tangents among
  // them, is prepared too.
  bool hasTangent = kernel.tangent != Derivative::None, ofParams = kernel.derivative == Derivative::Params;
  if (hasTangent || isWhole)
    differentiate();
  if (hasTangent) {
    pm.addPass(sample::createLinearizePass({getDerivativeName(kernel.tangent)}));
    addCleanup(pm);
  }
  if (isWhole)
    return;
  pm.addPass(sample::createHoistParametersPass({/*stackWeights=*/ofParams}));
  if (!hasTangent)
    differentiate();
  pm.addPass(sample::createOutlineMapsPass());
  pm.addPass(sample::createFuseMapsPass());
  pm.addPass(sample::createFuseScanPass());
  addCleanup(pm);
  if (ofParams)
    pm.addPass(sample::createMergeSumsPass());
}

/// Sample program to tile program.
static void buildTilePipeline(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(sample::createPackWeightsPass());
  pm.addPass(createConvertSampleToTile({options.vectors}));
  pm.addPass(tile::createAssignStoragePass());
}

/// Tile program to the llvm dialect.
static void buildLLVMPipeline(OpPassManager &pm) {
  pm.addPass(createConvertTileToLLVM());
  addCleanup(pm);
  pm.addPass(createFlowExpandMath());
  pm.addPass(createLowerToLLVM());
}

void flowc::registerAllPasses() {
  flow::registerFlowPasses();
  sample::registerSamplePasses();
  tile::registerTilePasses();
  registerFlowConversionPasses();
  registerCanonicalizerPass();
  registerCSEPass();
  registerSymbolDCEPass();
}

namespace {
/// Makes the first error that MLIR reports the error message.
class ErrorCollector : public ScopedDiagnosticHandler {
public:
  ErrorCollector(MLIRContext &context, std::string &error)
      : ScopedDiagnosticHandler(&context, [&error](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error && error.empty()) {
            llvm::raw_string_ostream os(error);
            os << diagnostic.getLocation() << ": " << diagnostic.str();
          }
          return success();
        }) {}
};
} // namespace

/// Makes the condition a parameter like others.
static void fixCondition(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.removeArgAttr(i, sample::SampleDialect::kConditionAttr))
        function.removeArgAttr(i, sample::SampleDialect::kRowAttr);
}

OwningOpRef<ModuleOp> flowc::buildGraphModule(MLIRContext &context, const Flow &flow, const PipelineOptions &options,
                                              std::string &error) {
  ErrorCollector collector(context, error);
  OwningOpRef<ModuleOp> module = emitFlowGraph(context, flow.root(), options.dtype, "flow", error);
  if (module && options.fixedCondition)
    fixCondition(*module);
  if (module && options.target)
    emitDensity(*module, options.target->root(), options.dtype, "target");
  return module;
}

LogicalResult flowc::lowerGraphModule(ModuleOp module, EmitLevel level, const PipelineOptions &options,
                                      std::string &error) {
  if (level == EmitLevel::Flow)
    return success();
  ErrorCollector collector(*module.getContext(), error);
  PassManager pm(module.getContext());
  pm.enableVerifier(options.verify);
  buildSamplePipeline(pm, *findKernel(options.kernel), options.isWhole);
  if (level >= EmitLevel::Tile)
    buildTilePipeline(pm, options);
  // Code is cleaned up when it has addresses.
  if (level == EmitLevel::Tile && options.cleanTile)
    addCleanup(pm);
  if (level >= EmitLevel::LLVM)
    buildLLVMPipeline(pm);
  if (succeeded(pm.run(module)))
    return success();
  if (error.empty())
    error = "a pass failed without saying why";
  return failure();
}

OwningOpRef<ModuleOp> flowc::buildKernelModule(MLIRContext &context, const Flow &flow, EmitLevel level,
                                               const PipelineOptions &options, std::string &error) {
  OwningOpRef<ModuleOp> module = buildGraphModule(context, flow, options, error);
  if (module && failed(lowerGraphModule(*module, level, options, error)))
    return nullptr;
  return module;
}
