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
  llvm::Type *ptr = b.getPtrTy(), *i64 = b.getInt64Ty();
  const Signature &signature = function.signature;
  std::vector<Parameter> parameters;
  if (parts.parameters)
    parameters.push_back({"prepared", ptr});
  for (const Argument &input : signature.inputs)
    parameters.push_back({input.name, ptr});
  parameters.push_back({"rows", i64});
  if (signature.isDrawn())
    parameters.insert(parameters.end(), {{"seed", i64}, {"first", i64}});
  for (const Argument &output : signature.outputs)
    parameters.push_back({output.name, ptr});
  parameters.insert(parameters.end(), {{"workspace", ptr}, {"workspace_size", i64}});
  llvm::Function *entry = beginFunction(parts.prefix + "_" + std::string(signature.spec->name), b.getInt32Ty(),
                                        parameters, /*isVisible=*/true);

  llvm::Argument *next = entry->arg_begin();
  auto take = [&](size_t count) {
    llvm::SmallVector<llvm::Value *> taken;
    for (; count > 0; --count)
      taken.push_back(next++);
    return taken;
  };
  llvm::Value *prepared = parts.parameters ? next++ : nullptr;
  llvm::SmallVector<llvm::Value *> inputs = take(signature.inputs.size());
  llvm::Value *rows = next++;
  llvm::SmallVector<llvm::Value *> draws = signature.isDrawn() ? take(2) : take(0);
  llvm::SmallVector<llvm::Value *> outputs = take(signature.outputs.size());
  llvm::Value *workspace = next++, *workspaceSize = next;

  returnIf(b.CreateICmpSLT(rows, number(0)), Status::NegativeRows);
  returnIf(b.CreateIsNull(rows), Status::OK);
  for (llvm::Argument &argument : entry->args())
    if (argument.getType() == ptr)
      returnIf(b.CreateIsNull(&argument), Status::NullPointer);
  returnIf(b.CreateICmpULT(workspaceSize, b.CreateCall(module.getFunction(parts.prefix + "_workspace_size"))),
           Status::SmallWorkspace);
  llvm::Value *level = getLevel();
  returnIf(b.CreateICmpSLT(level, b.getInt32(1)), Status::NoCode);
  if (prepared) {
    prepared = alignUp(prepared);
    checkPrepared(prepared, level);
  }
  llvm::Value *inputArray = makePointerArray(inputs), *outputArray = makePointerArray(outputs);
  llvm::Value *memory = alignUp(workspace), *saved = info.emitSetFloatState(b);
  forLevel(level, [&](size_t i) {
    const LinkedCode &code = levels[i];
    llvm::Value *values = prepared ? offset(prepared, code.preparedOffset) : code.prepared;
    llvm::Value *seed = draws.empty() ? number(0) : draws[0], *first = draws.empty() ? number(0) : draws[1];
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
