//===- X86.cpp - Processors of x86-64 -------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Targets.h"

#include "flowc/Runtime/FloatState.h"
#include "flowc/Target/EmitCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <algorithm>

using namespace flowc;

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

/// One permutation of one or two registers of AVX-512.
static mlir::Value permute(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::Value> table, mlir::Value index) {
  auto type = mlir::cast<mlir::VectorType>(table.front().getType());
  bool isDouble = type.getElementType().isF64(), isPair = table.size() == 2;
  if (isDouble)
    index = mlir::arith::ExtUIOp::create(b, mlir::VectorType::get(type.getShape(), b.getI64Type()), index);
  std::string name = isPair ? "llvm.x86.avx512.vpermi2var.p" : "llvm.x86.avx512.permvar.";
  name += isPair ? (isDouble ? "d" : "s") : (isDouble ? "df" : "sf");
  llvm::SmallVector<mlir::Value> operands{table.front(), index};
  llvm::append_range(operands, table.drop_front());
  return mlir::LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name + ".512"), operands)->getResult(0);
}

/// The best one last.
static constexpr VectorUnit kUnits[] = {
    {.name = "sse2", .bits = 128, .registers = 16},
    {.name = "avx", .bits = 256, .registers = 16},
    {.name = "avx512", .bits = 512, .registers = 32, .hasMasks = true, .tableVectors = 2, .lookUp = permute},
};

//===----------------------------------------------------------------------===//
// What a processor says
//===----------------------------------------------------------------------===//

namespace {
/// The words in which it does.
enum CpuWord {
  Leaf1Ecx,        ///< Register ecx of cpuid for 1.
  Leaf7Ebx,        ///< Register ebx of cpuid for 7, 0.
  ExtendedLeafEcx, ///< Register ecx of cpuid for 0x80000001.
  SavedState,      ///< Low word of xgetbv 0: registers that the system keeps.
};

/// Where it says that it has an instruction set.
struct CpuFeature {
  llvm::StringLiteral name;
  CpuWord word;
  int bit;
};
} // namespace

/// Those of x86-64-v4 which are not part of every x86-64.
/// Source: Intel, Software Developer's Manual 2A, CPUID; AMD, Programmer's Manual 3, appendix E.
static constexpr CpuFeature kFeatures[] = {
    {"sse3", Leaf1Ecx, 0},      {"ssse3", Leaf1Ecx, 9},        {"fma", Leaf1Ecx, 12},      {"sse4.1", Leaf1Ecx, 19},
    {"sse4.2", Leaf1Ecx, 20},   {"movbe", Leaf1Ecx, 22},       {"popcnt", Leaf1Ecx, 23},   {"avx", Leaf1Ecx, 28},
    {"f16c", Leaf1Ecx, 29},     {"bmi", Leaf7Ebx, 3},          {"avx2", Leaf7Ebx, 5},      {"bmi2", Leaf7Ebx, 8},
    {"avx512f", Leaf7Ebx, 16},  {"avx512dq", Leaf7Ebx, 17},    {"avx512cd", Leaf7Ebx, 28}, {"avx512bw", Leaf7Ebx, 30},
    {"avx512vl", Leaf7Ebx, 31}, {"lzcnt", ExtendedLeafEcx, 5},
};

/// Of every x86-64.
static constexpr llvm::StringLiteral kBaseline[] = {"cmov", "sse", "sse2"};

/// The system uses xsave, which is how xgetbv exists.
static constexpr uint32_t kUsesXSave = 1u << 27;
/// Registers that the system has to keep: xmm and ymm, and those of AVX-512.
static constexpr uint32_t kAVXState = 0x06, kAVX512State = 0xe6;

/// Registers eax, ebx, ecx, edx that `cpuid` gives for `leaf`.
static llvm::Value *callCpuid(llvm::IRBuilderBase &b, uint32_t leaf) {
  llvm::Type *i32 = b.getInt32Ty();
  auto *result = llvm::StructType::get(i32, i32, i32, i32);
  auto *code = llvm::InlineAsm::get(llvm::FunctionType::get(result, {i32, i32}, /*isVarArg=*/false), "cpuid",
                                    "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}",
                                    /*hasSideEffects=*/true);
  return b.CreateCall(code, {b.getInt32(leaf), b.getInt32(0)});
}

/// The low word of which registers the system keeps.
static llvm::Value *callXgetbv(llvm::IRBuilderBase &b) {
  llvm::Type *i32 = b.getInt32Ty();
  auto *result = llvm::StructType::get(i32, i32);
  auto *code = llvm::InlineAsm::get(llvm::FunctionType::get(result, {i32}, /*isVarArg=*/false), "xgetbv",
                                    "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", /*hasSideEffects=*/true);
  return b.CreateExtractValue(b.CreateCall(code, {b.getInt32(0)}), 0);
}

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

namespace {
class X86Target : public TargetInfo {
public:
  X86Target() : TargetInfo("x86_64-linux-gnu") {}

  llvm::ArrayRef<VectorUnit> getVectorUnits() const override { return kUnits; }
  const VectorUnit &getVectors(const CpuFeatures &features) const override {
    bool has512 = features.lookup("avx512f") && features.lookup("avx512dq");
    return kUnits[has512 ? 2 : features.lookup("avx") ? 1 : 0];
  }
  bool hasFMA(const CpuFeatures &features) const override { return features.lookup("fma"); }
  Expected<CpuFeatures> getFeatures(const std::string &cpu) const override;
  bool isUsedByKernels(llvm::StringRef feature) const override;
  std::string getBaselineCpu() const override { return "x86-64"; }
  std::vector<std::string> getDefaultCpus() const override { return {"x86-64-v2", "x86-64-v3", "x86-64-v4"}; }

  bool require(CpuWords &words, llvm::StringRef feature) const override;
  std::vector<llvm::Value *> emitCpuWords(llvm::IRBuilderBase &b) const override;
  llvm::Value *emitSetFloatState(llvm::IRBuilderBase &b) const override;
  void emitRestoreFloatState(llvm::IRBuilderBase &b, llvm::Value *saved) const override {
    b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {saved});
  }

protected:
  void initialise() const override {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // for cpuid
  }
};
} // namespace

/// The error for a processor that does not exist.
static Error makeUnknownCpu(const std::string &cpu) {
  llvm::SmallVector<llvm::StringRef> known;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  const auto *nearest = std::min_element(known.begin(), known.end(), [&](llvm::StringRef a, llvm::StringRef b) {
    return a.edit_distance(cpu) < b.edit_distance(cpu);
  });
  return Error{"unknown CPU '" + cpu + "', did you mean '" + nearest->str() + "'? (e.g. x86-64-v3, x86-64-v4, znver4)"};
}

Expected<CpuFeatures> X86Target::getFeatures(const std::string &cpu) const {
  if (llvm::X86::parseArchX86(cpu, /*Only64Bit=*/true) == llvm::X86::CK_None)
    return makeUnknownCpu(cpu);
  llvm::SmallVector<llvm::StringRef> enabled;
  llvm::X86::getFeaturesForCPU(cpu, enabled);
  CpuFeatures features;
  for (llvm::StringRef name : enabled)
    features[name] = true;
  // LLVM lists a feature only if no other one implies it.
  CpuFeatures implied;
  for (llvm::StringRef name : enabled)
    llvm::X86::updateImpliedFeatures(name, /*Enabled=*/true, implied);
  for (const auto &feature : implied)
    features[feature.first()] = feature.second;
  return features;
}

bool X86Target::isUsedByKernels(llvm::StringRef feature) const {
  static constexpr llvm::StringLiteral prefixes[] = {"sse",   "ssse",   "avx",   "fma",  "f16c", "bmi",
                                                     "lzcnt", "popcnt", "movbe", "cmov", "gfni"};
  return llvm::any_of(prefixes, [&](llvm::StringRef prefix) { return feature.starts_with(prefix); });
}

bool X86Target::require(CpuWords &words, llvm::StringRef feature) const {
  const auto *known = std::ranges::find(kFeatures, feature, &CpuFeature::name);
  if (known == std::end(kFeatures))
    return std::ranges::find(kBaseline, feature) != std::end(kBaseline);
  words[known->word] |= 1u << known->bit;
  if (feature == "avx" || feature == "avx512f") {
    words[Leaf1Ecx] |= kUsesXSave;
    words[SavedState] |= feature == "avx" ? kAVXState : kAVX512State;
  }
  return true;
}

std::vector<llvm::Value *> X86Target::emitCpuWords(llvm::IRBuilderBase &b) const {
  constexpr unsigned ebx = 1, ecx = 2;
  llvm::Value *last = b.CreateExtractValue(callCpuid(b, 0), 0);
  std::vector<llvm::Value *> words(SavedState + 1);
  words[Leaf1Ecx] = b.CreateExtractValue(callCpuid(b, 1), ecx);
  words[ExtendedLeafEcx] = b.CreateExtractValue(callCpuid(b, 0x80000001), ecx);
  words[Leaf7Ebx] =
      emitIf(b, b.CreateICmpUGE(last, b.getInt32(7)), [&] { return b.CreateExtractValue(callCpuid(b, 7), ebx); });
  words[SavedState] =
      emitIf(b, b.CreateIsNotNull(b.CreateAnd(words[Leaf1Ecx], kUsesXSave)), [&] { return callXgetbv(b); });
  return words;
}

llvm::Value *X86Target::emitSetFloatState(llvm::IRBuilderBase &b) const {
  llvm::Value *saved = emitAlloca(b, b.getInt32Ty(), 2);
  llvm::Value *wanted = b.CreateGEP(b.getInt8Ty(), saved, b.getInt64(4));
  b.CreateIntrinsic(llvm::Intrinsic::x86_sse_stmxcsr, {saved});
  b.CreateStore(b.getInt32(kFloatStateOfX86), wanted);
  b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {wanted});
  return saved;
}

const TargetInfo &flowc::getX86Target() {
  static const X86Target target;
  return target;
}
