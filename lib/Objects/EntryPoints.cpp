//===- EntryPoints.cpp - The functions of an object that callers see ------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectBuilder.h"
#include "Parameters.h"

#include "flowc/Support/Hash.h"

using namespace flowc;

/// Where numbers stand at the head of what PREFIX_prepare writes.
static constexpr int64_t kPreparedIdentity = 0, kPreparedLevel = 8;

//===----------------------------------------------------------------------===//
// Functions of rows
//===----------------------------------------------------------------------===//

/// Fails unless `prepared`, aligned, is what PREFIX_prepare wrote on such a processor.
void ObjectBuilder::checkPrepared(llvm::Value *prepared, llvm::Value *level) {
  returnIf(b.CreateICmpNE(loadNumber(prepared, kPreparedIdentity), number(parts.parameters->identity)),
           Status::NotPrepared);
  returnIf(b.CreateICmpNE(loadNumber(prepared, kPreparedLevel), b.CreateZExt(level, b.getInt64Ty())),
           Status::NotPrepared);
}

void ObjectBuilder::addEntry(const ObjectFunction &function, llvm::ArrayRef<LinkedCode> levels) {
  llvm::Type *ptr = b.getPtrTy();
  const Signature &signature = function.signature;
  std::vector<Parameter> parameters;
  for (const Argument &argument : signature.arguments)
    parameters.push_back({argument.name, argument.isPointer() ? ptr : b.getInt64Ty()});
  llvm::Function *entry = beginFunction(parts.prefix + "_" + std::string(signature.spec->name), b.getInt32Ty(),
                                        parameters, /*isVisible=*/true);
  auto findAll = [&](ArgumentKind kind) {
    llvm::SmallVector<llvm::Value *> values;
    for (size_t i = 0; i < signature.arguments.size(); ++i)
      if (signature.arguments[i].kind == kind)
        values.push_back(entry->getArg(i));
    return values;
  };
  auto find = [&](ArgumentKind kind, llvm::Value *otherwise = nullptr) {
    llvm::SmallVector<llvm::Value *> values = findAll(kind);
    return values.empty() ? otherwise : values.front();
  };
  llvm::Value *prepared = find(ArgumentKind::Prepared), *rows = find(ArgumentKind::Rows);
  llvm::Value *seed = find(ArgumentKind::Seed, number(0)), *first = find(ArgumentKind::First, number(0));

  returnIf(b.CreateICmpSLT(rows, number(0)), Status::NegativeRows);
  returnIf(b.CreateIsNull(rows), Status::OK);
  for (llvm::Argument &argument : entry->args())
    if (argument.getType() == ptr)
      returnIf(b.CreateIsNull(&argument), Status::NullPointer);
  returnIf(b.CreateICmpULT(find(ArgumentKind::WorkspaceSize),
                           b.CreateCall(module.getFunction(parts.prefix + "_workspace_size"))),
           Status::SmallWorkspace);
  llvm::Value *level = getLevel();
  returnIf(b.CreateICmpSLT(level, b.getInt32(1)), Status::NoCode);
  if (prepared) {
    prepared = alignUp(prepared);
    checkPrepared(prepared, level);
  }
  llvm::Value *inputArray = makePointerArray(findAll(ArgumentKind::Input));
  llvm::Value *outputArray = makePointerArray(findAll(ArgumentKind::Output));
  llvm::Value *memory = alignUp(find(ArgumentKind::Workspace)), *saved = info.emitSetFloatState(b);
  forLevel(level, [&](size_t i) {
    const LinkedCode &code = levels[i];
    llvm::Value *values = prepared ? offset(prepared, code.preparedOffset) : code.prepared;
    b.CreateCall(code.kernel, {values, inputArray, outputArray, memory, rows, first, seed});
  });
  info.emitRestoreFloatState(b, saved);
  returnStatus(Status::OK);
}

//===----------------------------------------------------------------------===//
// Parameters at run time
//===----------------------------------------------------------------------===//

/// As `hashBytes`, of whole words.
llvm::Value *ObjectBuilder::hashWords(llvm::Value *begin, llvm::Value *end) {
  llvm::BasicBlock *before = b.GetInsertBlock();
  llvm::Function *function = before->getParent();
  auto *loop = llvm::BasicBlock::Create(context, "hash", function);
  auto *body = llvm::BasicBlock::Create(context, "hash_word", function);
  auto *done = llvm::BasicBlock::Create(context, "hashed", function);
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  llvm::PHINode *at = b.CreatePHI(b.getPtrTy(), 2), *hash = b.CreatePHI(b.getInt64Ty(), 2);
  at->addIncoming(begin, before);
  hash->addIncoming(number(kHashStart), before);
  b.CreateCondBr(b.CreateICmpEQ(at, end), done, body);
  b.SetInsertPoint(body);
  llvm::Value *mixed = b.CreateMul(b.CreateXor(hash, loadNumber(at, 0)), number(kHashFactor));
  hash->addIncoming(b.CreateXor(mixed, b.CreateLShr(mixed, 32)), body);
  at->addIncoming(offset(at, 8), body);
  b.CreateBr(loop);
  b.SetInsertPoint(done);
  return hash;
}

/// Fails unless these are parameters of the flow, and whole.
void ObjectBuilder::checkParameters(llvm::Value *parameters, llvm::Value *size) {
  const ParameterLayout &layout = *parts.parameters;
  returnIf(b.CreateICmpNE(size, number(layout.size)), Status::WrongParameters);
  auto expect = [&](int64_t at, llvm::Value *value) {
    returnIf(b.CreateICmpNE(loadNumber(parameters, at), value), Status::WrongParameters);
  };
  expect(kParametersMagic, number(kMagicOfParameters));
  expect(kParametersIdentity, number(layout.identity));
  expect(kParametersHash, hashWords(offset(parameters, kParametersHead), offset(parameters, layout.size)));
}

void ObjectBuilder::addPrepareEntry() {
  llvm::Type *ptr = b.getPtrTy(), *i64 = b.getInt64Ty();
  llvm::Function *entry = beginFunction(parts.prefix + "_prepare", b.getInt32Ty(),
                                        {{"parameters", ptr}, {"size", i64}, {"prepared", ptr}, {"prepared_size", i64}},
                                        /*isVisible=*/true);
  llvm::Value *parameters = entry->getArg(0), *prepared = entry->getArg(2);
  returnIf(b.CreateIsNull(parameters), Status::NullPointer);
  returnIf(b.CreateIsNull(prepared), Status::NullPointer);
  returnIf(b.CreateICmpULT(entry->getArg(3), b.CreateCall(module.getFunction(parts.prefix + "_prepared_size"))),
           Status::SmallWorkspace);
  checkParameters(parameters, entry->getArg(1));
  llvm::Value *level = getLevel();
  returnIf(b.CreateICmpSLT(level, b.getInt32(1)), Status::NoCode);

  llvm::SmallVector<llvm::Value *> leaves;
  if (!parts.parameters->condition.empty())
    leaves.push_back(addPrepared(parts.parameters->condition, parts.prefix + ".condition"));
  for (int64_t at : parts.parameters->offsets)
    leaves.push_back(offset(parameters, at));
  llvm::Value *leafArray = makePointerArray(leaves), *memory = alignUp(prepared), *saved = info.emitSetFloatState(b);
  forLevel(level, [&](size_t i) {
    for (const std::vector<LinkedCode> &function : linked)
      b.CreateCall(function[i].prepare, {leafArray, offset(memory, function[i].preparedOffset)});
  });
  info.emitRestoreFloatState(b, saved);
  storeNumber(number(parts.parameters->identity), memory, kPreparedIdentity);
  storeNumber(b.CreateZExt(level, i64), memory, kPreparedLevel);
  returnStatus(Status::OK);
}
