//===- AArch64.cpp - Processors of AArch64 --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NEON and fused multiply-add are part of every processor, and kernels use nothing else: there
// is one level, and nothing to find out.
//
//===----------------------------------------------------------------------===//

#include "Targets.h"

#include "flowc/Runtime/FloatState.h"
#include "flowc/Target/EmitCode.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicsAArch64.h"
#include "llvm/Support/TargetSelect.h"

using namespace flowc;

/// A vector is two of the 32 registers. That hides latencies as well as twice the number of
/// vectors would, and sums over lanes have the shape, and the bits, that they have with AVX.
static constexpr VectorUnit kNEON = {.name = "neon", .bits = 256, .registers = 16};

namespace {
class AArch64Target : public TargetInfo {
public:
  AArch64Target() : TargetInfo("aarch64-linux-gnu") {}

  llvm::ArrayRef<VectorUnit> getVectorUnits() const override { return kNEON; }
  const VectorUnit &getVectors(const CpuFeatures &) const override { return kNEON; }
  bool hasFMA(const CpuFeatures &) const override { return true; }
  Expected<CpuFeatures> getFeatures(const std::string &cpu) const override;
  // What else there is (SVE, ...) the code generator may use, too.
  bool isUsedByKernels(llvm::StringRef) const override { return true; }
  std::string getBaselineCpu() const override { return "generic"; }
  std::vector<std::string> getDefaultCpus() const override { return {getBaselineCpu()}; }

  bool require(CpuWords &, llvm::StringRef feature) const override {
    return feature == "fp-armv8" || feature == "neon";
  }
  std::vector<llvm::Value *> emitCpuWords(llvm::IRBuilderBase &) const override { return {}; }
  llvm::Value *emitSetFloatState(llvm::IRBuilderBase &b) const override;
  void emitRestoreFloatState(llvm::IRBuilderBase &b, llvm::Value *saved) const override;

protected:
  void initialise() const override {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
  }
};
} // namespace

Expected<CpuFeatures> AArch64Target::getFeatures(const std::string &cpu) const {
  if (cpu != getBaselineCpu())
    return Error{"unknown CPU '" + cpu + "', expected " + getBaselineCpu() + ": every AArch64 runs its code"};
  CpuFeatures features;
  features["fp-armv8"] = features["neon"] = true;
  return features;
}

/// Control and status: the latter has the flags of exceptions.
llvm::Value *AArch64Target::emitSetFloatState(llvm::IRBuilderBase &b) const {
  llvm::Value *saved = emitAlloca(b, b.getInt64Ty(), 2);
  llvm::Value *savedStatus = b.CreateGEP(b.getInt64Ty(), saved, b.getInt64(1));
  b.CreateStore(b.CreateIntrinsic(llvm::Intrinsic::aarch64_get_fpcr, {}), saved);
  b.CreateStore(b.CreateIntrinsic(llvm::Intrinsic::aarch64_get_fpsr, {}), savedStatus);
  b.CreateIntrinsic(llvm::Intrinsic::aarch64_set_fpcr, {b.getInt64(kFloatStateOfAArch64)});
  return saved;
}

void AArch64Target::emitRestoreFloatState(llvm::IRBuilderBase &b, llvm::Value *saved) const {
  llvm::Type *i64 = b.getInt64Ty();
  llvm::Value *savedStatus = b.CreateGEP(i64, saved, b.getInt64(1));
  b.CreateIntrinsic(llvm::Intrinsic::aarch64_set_fpcr, {b.CreateLoad(i64, saved)});
  b.CreateIntrinsic(llvm::Intrinsic::aarch64_set_fpsr, {b.CreateLoad(i64, savedStatus)});
}

const TargetInfo &flowc::getAArch64Target() {
  static const AArch64Target target;
  return target;
}
