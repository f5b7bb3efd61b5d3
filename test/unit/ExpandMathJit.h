//===- ExpandMathJit.h - Compile a module for a test ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shortest way from functions of arith, math, vector, scf and llvm ops to
// machine code, so that the tests of the innermost layers do not depend on the
// compiler's own pipeline.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_EXPANDMATHJIT_H
#define FLOWC_TEST_UNIT_EXPANDMATHJIT_H

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <gtest/gtest.h>
#include <immintrin.h>
#include <memory>

namespace flowc::test {

/// A context with the dialects of the tile program.
struct TileContext : mlir::MLIRContext {
  TileContext() : mlir::MLIRContext(Threading::DISABLED) {
    loadDialect<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                mlir::LLVM::LLVMDialect, mlir::math::MathDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
    mlir::registerBuiltinDialectTranslation(*this);
    mlir::registerLLVMDialectTranslation(*this);
  }
};

/// Machine code of a module for this machine.
class Jit {
public:
  /// Lowers `module` in place and compiles it; null, with a test failure, if
  /// that fails.
  static std::unique_ptr<Jit> compile(mlir::ModuleOp module) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    mlir::PassManager pm(module.getContext());
    pm.addPass(mlir::createCanonicalizerPass());
    pm.addPass(mlir::createCSEPass());
    pm.addPass(mlir::createSCFToControlFlowPass());
    pm.addPass(mlir::createConvertVectorToLLVMPass());
    pm.addPass(mlir::createConvertMathToLLVMPass());
    pm.addPass(mlir::createArithToLLVMConversionPass());
    pm.addPass(mlir::createConvertIndexToLLVMPass());
    pm.addPass(mlir::createConvertControlFlowToLLVMPass());
    pm.addPass(mlir::createConvertFuncToLLVMPass());
    pm.addPass(mlir::createReconcileUnrealizedCastsPass());
    if (mlir::failed(pm.run(module))) {
      ADD_FAILURE() << "lowering failed";
      return nullptr;
    }
    auto context = std::make_unique<llvm::LLVMContext>();
    std::unique_ptr<llvm::Module> llvmModule = mlir::translateModuleToLLVMIR(module, *context);
    if (!llvmModule) {
      ADD_FAILURE() << "translation failed";
      return nullptr;
    }
    auto builder = llvm::cantFail(llvm::orc::JITTargetMachineBuilder::detectHost());
    builder.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
    std::unique_ptr<llvm::TargetMachine> machine = llvm::cantFail(builder.createTargetMachine());
    llvmModule->setDataLayout(machine->createDataLayout());
    llvmModule->setTargetTriple(machine->getTargetTriple());
    for (llvm::Function &function : *llvmModule) {
      function.addFnAttr("target-cpu", machine->getTargetCPU());
      function.addFnAttr("target-features", machine->getTargetFeatureString());
    }
    optimize(*llvmModule, *machine);

    auto jit = std::make_unique<Jit>();
    jit->lljit = llvm::cantFail(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(builder).create());
    llvm::cantFail(jit->lljit->addIRModule(llvm::orc::ThreadSafeModule(std::move(llvmModule), std::move(context))));
    return jit;
  }

  template <typename Function>
  Function *lookup(llvm::StringRef name) {
    return llvm::cantFail(lljit->lookup(name)).toPtr<Function>();
  }

private:
  static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
    llvm::PipelineTuningOptions tuning;
    tuning.LoopVectorization = false;
    tuning.SLPVectorization = false;
    tuning.LoopUnrolling = false;
    llvm::PassBuilder passes(&machine, tuning);
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager callGraph;
    llvm::ModuleAnalysisManager modules;
    passes.registerModuleAnalyses(modules);
    passes.registerCGSCCAnalyses(callGraph);
    passes.registerFunctionAnalyses(functions);
    passes.registerLoopAnalyses(loops);
    passes.crossRegisterProxies(loops, functions, callGraph, modules);
    passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
    if (const char *path = std::getenv("FLOWC_TEST_DUMP_LLVM")) {
      std::error_code error;
      llvm::raw_fd_ostream os(path, error);
      module.print(os, nullptr);
    }
  }

  std::unique_ptr<llvm::orc::LLJIT> lljit;
};

/// Kernels run with FTZ and DAZ; so do the tests, while one of these lives.
struct FlushSubnormals {
  FlushSubnormals() : saved(_mm_getcsr()) { _mm_setcsr(saved | 0x8040); }
  ~FlushSubnormals() { _mm_setcsr(saved); }
  unsigned saved;
};

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_EXPANDMATHJIT_H
