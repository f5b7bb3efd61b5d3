//===- Dispatch.cpp - What the processor of an object can -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A constructor of the program asks the processor once, before `main` or while the library
// is loaded: on x86 that takes microseconds in a virtual machine. Nothing writes the answer later.
// Whoever calls a function earlier, in a constructor of their own, makes it ask itself.
//
//===----------------------------------------------------------------------===//

#include "ObjectBuilder.h"

#include "flowc/Target/EmitCode.h"

#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace flowc;

llvm::Function *ObjectBuilder::addDetection() {
  llvm::Function *function = beginFunction(parts.prefix + ".detect", b.getInt32Ty(), {}, /*isVisible=*/false);
  std::vector<llvm::Value *> words = info.emitCpuWords(b);
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
  llvm::Value *own = emitIf(b, b.CreateIsNull(level), [&] { return b.CreateCall(detect); });
  b.CreateRet(b.CreateOr(level, own));
}
