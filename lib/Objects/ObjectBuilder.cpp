//===- ObjectBuilder.cpp - What surrounds the kernels of an object --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectBuilder.h"

#include "flowc/Target/EmitCode.h"
#include "flowc/Target/OptimizeLLVM.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Constants.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"

#include <algorithm>

using namespace flowc;

/// Of workspaces and of what is prepared.
static constexpr int64_t kAlignment = 64;

static int64_t roundUp(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

ObjectBuilder::ObjectBuilder(const ObjectParts &parts)
    : parts(parts), module(parts.prefix, context), b(context), info(*parts.levels.front().target.info) {}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

llvm::Constant *ObjectBuilder::addPrepared(const std::string &bytes, const std::string &name) {
  // Levels often prepare the same.
  llvm::GlobalVariable *&constant = preparedConstants[bytes];
  if (!constant) {
    llvm::Constant *data = llvm::ConstantDataArray::getString(context, bytes, /*AddNull=*/false);
    constant = new llvm::GlobalVariable(module, data->getType(), /*isConstant=*/true,
                                        llvm::GlobalValue::InternalLinkage, data, name);
    constant->setAlignment(llvm::Align(kAlignment));
  }
  return constant;
}

Expected<ObjectBuilder::LinkedCode> ObjectBuilder::addKernel(const LevelCode &code, const std::string &name) {
  auto parsed = llvm::parseBitcodeFile(llvm::MemoryBufferRef(code.bitcode, name), context);
  if (!parsed)
    return Error{"cannot read the code of a kernel: " + llvm::toString(parsed.takeError())};
  for (llvm::GlobalObject &global : (*parsed)->global_objects())
    if (!global.isDeclaration() && !global.hasLocalLinkage())
      global.setName(name + "." + global.getName());
  if (llvm::Linker::linkModules(module, std::move(*parsed)))
    return Error{"cannot link the code of a kernel"};
  LinkedCode result;
  result.kernel = module.getFunction(name + ".kernel");
  if (parts.parameters)
    result.prepare = module.getFunction(name + ".prepare");
  else
    result.prepared = addPrepared(code.prepared, name + ".prepared");
  return result;
}

Expected<void> ObjectBuilder::addKernels() {
  for (const ObjectFunction &function : parts.functions) {
    linked.emplace_back();
    for (size_t level = 0; level < parts.levels.size(); ++level) {
      std::string name = parts.prefix + "_" + std::string(function.signature.spec->name);
      auto code = addKernel(function.levels[level], name + "." + parts.levels[level].target.cpu);
      if (!code)
        return code.takeError();
      linked.back().push_back(*code);
    }
  }
  for (size_t level = 0; level < parts.levels.size(); ++level)
    preparedBytes = std::max(preparedBytes, layOutPrepared(level));
  return {};
}

/// Where what each function prepares lies, behind a head; the number of bytes.
int64_t ObjectBuilder::layOutPrepared(size_t level) {
  int64_t bytes = kAlignment;
  for (size_t i = 0; i < linked.size(); ++i) {
    linked[i][level].preparedOffset = bytes;
    bytes += roundUp(parts.functions[i].levels[level].info.preparedElements * parts.elementSize());
  }
  return bytes;
}

int64_t ObjectBuilder::countWorkspaceBytes() const {
  int64_t elements = 0;
  for (const ObjectFunction &function : parts.functions)
    for (const LevelCode &level : function.levels)
      elements = std::max(elements, level.info.workspaceElements);
  return elements * parts.elementSize();
}

//===----------------------------------------------------------------------===//
// Functions in general
//===----------------------------------------------------------------------===//

llvm::Function *ObjectBuilder::beginFunction(const std::string &name, llvm::Type *result,
                                             llvm::ArrayRef<Parameter> parameters, bool isVisible) {
  llvm::SmallVector<llvm::Type *> types;
  for (const Parameter &parameter : parameters)
    types.push_back(parameter.type);
  auto *function = llvm::Function::Create(llvm::FunctionType::get(result, types, /*isVarArg=*/false),
                                          llvm::GlobalValue::ExternalLinkage, name, module);
  for (size_t i = 0; i < parameters.size(); ++i)
    function->getArg(i)->setName(parameters[i].name);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  // Processors have to get as far as the message that they cannot do more.
  function->addFnAttr("target-cpu", info.getBaselineCpu());
  if (isVisible)
    visible.push_back(function);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
  return function;
}

/// A function that returns a number of bytes, for memory of any alignment.
void ObjectBuilder::addSize(const std::string &name, int64_t bytes) {
  beginFunction(parts.prefix + name, b.getInt64Ty(), {}, /*isVisible=*/true);
  b.CreateRet(number(bytes + kAlignment - 1));
}

void ObjectBuilder::addErrorMessage() {
  llvm::Function *function =
      beginFunction(parts.prefix + "_error_message", b.getPtrTy(), {{"status", b.getInt32Ty()}}, /*isVisible=*/true);
  auto *unknown = llvm::BasicBlock::Create(context, "unknown", function);
  auto *choice = b.CreateSwitch(function->getArg(0), unknown);
  for (const StatusSpec &spec : kStatuses) {
    auto *block = llvm::BasicBlock::Create(context, spec.name, function);
    choice->addCase(b.getInt32(static_cast<uint32_t>(spec.status)), block);
    b.SetInsertPoint(block);
    b.CreateRet(b.CreateGlobalString(expandPrefix(spec.message, parts.prefix)));
  }
  b.SetInsertPoint(unknown);
  b.CreateRet(b.CreateGlobalString("unknown status"));
}

void ObjectBuilder::returnStatus(Status status) { b.CreateRet(b.getInt32(static_cast<uint32_t>(status))); }

void ObjectBuilder::returnIf(llvm::Value *condition, Status status) {
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto *leave = llvm::BasicBlock::Create(context, "leave", function);
  auto *goOn = llvm::BasicBlock::Create(context, "go_on", function);
  b.CreateCondBr(condition, leave, goOn);
  b.SetInsertPoint(leave);
  returnStatus(status);
  b.SetInsertPoint(goOn);
}

void ObjectBuilder::forLevel(llvm::Value *level, llvm::function_ref<void(size_t)> body) {
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto *none = llvm::BasicBlock::Create(context, "none", function);
  auto *done = llvm::BasicBlock::Create(context, "done", function);
  auto *choice = b.CreateSwitch(level, none);
  for (size_t i = 0; i < parts.levels.size(); ++i) {
    auto *block = llvm::BasicBlock::Create(context, "level", function, none);
    choice->addCase(b.getInt32(i + 1), block);
    b.SetInsertPoint(block);
    body(i);
    b.CreateBr(done);
  }
  b.SetInsertPoint(none);
  b.CreateUnreachable();
  b.SetInsertPoint(done);
}

llvm::Value *ObjectBuilder::alignUp(llvm::Value *pointer) {
  llvm::Value *address = b.CreatePtrToInt(pointer, b.getInt64Ty());
  return b.CreateGEP(b.getInt8Ty(), pointer, b.CreateAnd(b.CreateNeg(address), kAlignment - 1));
}

llvm::Value *ObjectBuilder::offset(llvm::Value *pointer, int64_t bytes) {
  return b.CreateGEP(b.getInt8Ty(), pointer, number(bytes));
}

llvm::Value *ObjectBuilder::loadNumber(llvm::Value *pointer, int64_t bytes) {
  return b.CreateAlignedLoad(b.getInt64Ty(), offset(pointer, bytes), llvm::Align(1));
}

void ObjectBuilder::storeNumber(llvm::Value *number, llvm::Value *pointer, int64_t bytes) {
  b.CreateAlignedStore(number, offset(pointer, bytes), llvm::Align(1));
}

llvm::Value *ObjectBuilder::makePointerArray(llvm::ArrayRef<llvm::Value *> pointers) {
  llvm::Value *array = emitAlloca(b, b.getPtrTy(), pointers.size());
  for (size_t i = 0; i < pointers.size(); ++i)
    b.CreateStore(pointers[i], offset(array, static_cast<int64_t>(i * sizeof(void *))));
  return array;
}

//===----------------------------------------------------------------------===//
// The object
//===----------------------------------------------------------------------===//

Expected<std::string> ObjectBuilder::build() {
  const TargetSpec &target = parts.levels.front().target;
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  if (auto ok = addKernels(); !ok)
    return ok.takeError();
  addDispatch();
  addSize("_workspace_size", countWorkspaceBytes());
  for (size_t i = 0; i < linked.size(); ++i)
    addEntry(parts.functions[i], linked[i]);
  if (parts.parameters) {
    addSize("_prepared_size", preparedBytes);
    addPrepareEntry();
  }
  addErrorMessage();
  for (llvm::GlobalObject &global : module.global_objects())
    if (global.hasExternalLinkage() && !global.isDeclaration() && !llvm::is_contained(visible, &global))
      global.setLinkage(llvm::GlobalValue::InternalLinkage);
  llvm::ModuleAnalysisManager analyses;
  llvm::GlobalDCEPass().run(module, analyses);
  return emitModule(module, target, NativeFile::Object);
}

Expected<std::string> flowc::linkParts(const ObjectParts &parts) { return ObjectBuilder(parts).build(); }
