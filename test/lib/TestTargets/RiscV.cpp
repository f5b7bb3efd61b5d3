//===- RiscV.cpp - Processors of RISC-V with vectors ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The example of docs/AddingATarget.md. (What keeps it out of lib/Target: a processor without
// vectors could not tell that it has none, and subnormal numbers are not zero.)
//
//===----------------------------------------------------------------------===//

#include "RiscV.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/Support/TargetSelect.h"

using namespace flowc;

/// Registers have 128 bits or more, and are used in pairs.
static constexpr VectorUnit kVectors = {.name = "rvv", .bits = 256, .registers = 16};

/// Every processor of the profile RVA23 has them.
static constexpr llvm::StringLiteral kFeatures[] = {"64bit", "m", "a", "f", "d", "c", "v"};

namespace {
class RiscVTarget : public TargetInfo {
public:
  RiscVTarget() : TargetInfo("riscv64-linux-gnu") {}

  llvm::ArrayRef<VectorUnit> getVectorUnits() const override { return kVectors; }
  const VectorUnit &getVectors(const CpuFeatures &) const override { return kVectors; }
  bool hasFMA(const CpuFeatures &) const override { return true; }
  Expected<CpuFeatures> getFeatures(const std::string &cpu) const override {
    if (cpu != getBaselineCpu())
      return Error{"unknown CPU '" + cpu + "', expected " + getBaselineCpu()};
    CpuFeatures features;
    for (llvm::StringRef name : kFeatures)
      features[name] = true;
    return features;
  }
  bool isUsedByKernels(llvm::StringRef) const override { return true; }
  std::string getBaselineCpu() const override { return "generic-rv64"; }
  std::vector<std::string> getDefaultCpus() const override { return {getBaselineCpu()}; }

  bool require(CpuWords &, llvm::StringRef feature) const override { return llvm::is_contained(kFeatures, feature); }
  std::vector<llvm::Value *> emitCpuWords(llvm::IRBuilderBase &) const override { return {}; }
  /// Rounding and the flags of exceptions are one register, which can be swapped with 0: round
  /// to nearest.
  llvm::Value *emitSetFloatState(llvm::IRBuilderBase &b) const override {
    auto *type = llvm::FunctionType::get(b.getInt64Ty(), /*isVarArg=*/false);
    return b.CreateCall(llvm::InlineAsm::get(type, "csrrw $0, fcsr, zero", "=r", /*hasSideEffects=*/true));
  }
  void emitRestoreFloatState(llvm::IRBuilderBase &b, llvm::Value *saved) const override {
    auto *type = llvm::FunctionType::get(b.getVoidTy(), {b.getInt64Ty()}, /*isVarArg=*/false);
    b.CreateCall(llvm::InlineAsm::get(type, "csrw fcsr, $0", "r", /*hasSideEffects=*/true), {saved});
  }

protected:
  void initialise() const override {
    LLVMInitializeRISCVTargetInfo();
    LLVMInitializeRISCVTarget();
    LLVMInitializeRISCVTargetMC();
    LLVMInitializeRISCVAsmPrinter();
    LLVMInitializeRISCVAsmParser(); // for fcsr
  }
};
} // namespace

const TargetInfo &flowc::getRiscVTarget() {
  static const RiscVTarget target;
  return target;
}
