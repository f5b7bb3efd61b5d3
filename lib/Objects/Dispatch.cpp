//===- Dispatch.cpp - What the processor of an object can -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A constructor of the program asks the processor once, before `main` or while the library
// is loaded: cpuid takes microseconds in a virtual machine. Nothing writes the answer later.
// Whoever calls a function earlier, in a constructor of their own, makes it ask itself.
//
//===----------------------------------------------------------------------===//

#include "ObjectBuilder.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace flowc;

/// All exceptions masked, round to nearest, FTZ, DAZ: as `ScopedFloatingPointState`.
static constexpr uint32_t kKernelState = 0x9fc0;

/// Registers eax, ebx, ecx, edx that `cpuid` gives for `leaf`.
static llvm::Value *callCpuid(llvm::IRBuilder<> &b, uint32_t leaf) {
  llvm::Type *i32 = b.getInt32Ty();
  auto *result = llvm::StructType::get(i32, i32, i32, i32);
  auto *code = llvm::InlineAsm::get(llvm::FunctionType::get(result, {i32, i32}, /*isVarArg=*/false), "cpuid",
                                    "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}",
                                    /*hasSideEffects=*/true);
  return b.CreateCall(code, {b.getInt32(leaf), b.getInt32(0)});
}

/// The low word of which registers the system keeps.
static llvm::Value *callXgetbv(llvm::IRBuilder<> &b) {
  llvm::Type *i32 = b.getInt32Ty();
  auto *result = llvm::StructType::get(i32, i32);
  auto *code = llvm::InlineAsm::get(llvm::FunctionType::get(result, {i32}, /*isVarArg=*/false), "xgetbv",
                                    "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", /*hasSideEffects=*/true);
  return b.CreateExtractValue(b.CreateCall(code, {b.getInt32(0)}), 0);
}

/// `compute()` if `condition` holds, else 0.
static llvm::Value *computeIf(llvm::IRBuilder<> &b, llvm::Value *condition,
                              llvm::function_ref<llvm::Value *()> compute) {
  llvm::BasicBlock *before = b.GetInsertBlock();
  llvm::Function *function = before->getParent();
  auto *then = llvm::BasicBlock::Create(b.getContext(), "then", function);
  auto *behind = llvm::BasicBlock::Create(b.getContext(), "behind", function);
  b.CreateCondBr(condition, then, behind);
  b.SetInsertPoint(then);
  llvm::Value *value = compute();
  b.CreateBr(behind);
  b.SetInsertPoint(behind);
  llvm::PHINode *result = b.CreatePHI(value->getType(), 2);
  result->addIncoming(value, then);
  result->addIncoming(llvm::Constant::getNullValue(value->getType()), before);
  return result;
}

llvm::Function *ObjectBuilder::addDetection() {
  constexpr unsigned ebx = 1, ecx = 2;
  constexpr uint32_t usesXSave = 1u << 27;
  llvm::Function *function = beginFunction(parts.prefix + ".detect", b.getInt32Ty(), {}, /*isVisible=*/false);
  if (!isX86) {
    b.CreateRet(b.getInt32(1));
    return function;
  }
  llvm::Value *last = b.CreateExtractValue(callCpuid(b, 0), 0);
  std::array<llvm::Value *, 4> words = {};
  auto word = [&](CpuWord which) -> llvm::Value *& { return words[static_cast<size_t>(which)]; };
  word(CpuWord::Leaf1Ecx) = b.CreateExtractValue(callCpuid(b, 1), ecx);
  word(CpuWord::ExtendedLeafEcx) = b.CreateExtractValue(callCpuid(b, 0x80000001), ecx);
  word(CpuWord::Leaf7Ebx) =
      computeIf(b, b.CreateICmpUGE(last, b.getInt32(7)), [&] { return b.CreateExtractValue(callCpuid(b, 7), ebx); });
  word(CpuWord::SavedState) =
      computeIf(b, b.CreateIsNotNull(b.CreateAnd(word(CpuWord::Leaf1Ecx), usesXSave)), [&] { return callXgetbv(b); });
  llvm::Value *level = b.getInt32(-1);
  for (size_t i = 0; i < parts.levels.size(); ++i) {
    llvm::Value *isMissing = b.getInt32(0);
    for (size_t j = 0; j < words.size(); ++j)
      isMissing = b.CreateOr(isMissing, b.CreateAnd(b.CreateNot(words[j]), parts.levels[i].required[j]));
    level = b.CreateSelect(b.CreateIsNull(isMissing), b.getInt32(i + 1), level);
  }
  b.CreateRet(level);
  return function;
}

void ObjectBuilder::addDispatch() {
  llvm::Function *detect = addDetection();
  auto *known = new llvm::GlobalVariable(module, b.getInt32Ty(), /*isConstant=*/false,
                                         llvm::GlobalValue::InternalLinkage, b.getInt32(0), parts.prefix + ".level");
  llvm::Function *constructor = beginFunction(parts.prefix + ".load", b.getVoidTy(), {}, /*isVisible=*/false);
  b.CreateStore(b.CreateCall(detect), known);
  b.CreateRetVoid();
  constexpr int priority = 65535; // That of constructors without one.
  llvm::appendToGlobalCtors(module, constructor, priority);

  levelFunction = beginFunction(parts.prefix + ".get_level", b.getInt32Ty(), {}, /*isVisible=*/false);
  llvm::Value *level = b.CreateLoad(b.getInt32Ty(), known);
  llvm::Value *own = computeIf(b, b.CreateIsNull(level), [&] { return b.CreateCall(detect); });
  b.CreateRet(b.CreateOr(level, own));
}

llvm::Value *ObjectBuilder::setFloatingPointState() {
  if (!isX86)
    return nullptr;
  llvm::Value *memory = allocate(b.getInt32Ty(), 2);
  llvm::Value *saved = memory, *wanted = offset(memory, 4);
  b.CreateIntrinsic(llvm::Intrinsic::x86_sse_stmxcsr, {saved});
  b.CreateStore(b.getInt32(kKernelState), wanted);
  b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {wanted});
  return saved;
}

void ObjectBuilder::restoreFloatingPointState(llvm::Value *saved) {
  if (saved)
    b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {saved});
}
