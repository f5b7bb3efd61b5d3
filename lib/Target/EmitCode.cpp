//===- EmitCode.cpp - Small pieces of LLVM's IR ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Target/EmitCode.h"

#include "llvm/IR/IRBuilder.h"

using namespace flowc;

llvm::Value *flowc::emitAlloca(llvm::IRBuilderBase &b, llvm::Type *type, size_t count) {
  llvm::BasicBlock &entry = b.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> atBegin(&entry, entry.begin());
  return atBegin.CreateAlloca(llvm::ArrayType::get(type, count));
}

llvm::Value *flowc::emitIf(llvm::IRBuilderBase &b, llvm::Value *condition,
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
