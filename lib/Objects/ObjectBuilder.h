//===- ObjectBuilder.h - What surrounds the kernels of an object *- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_OBJECTS_OBJECTBUILDER_H
#define FLOWC_LIB_OBJECTS_OBJECTBUILDER_H

#include "ObjectParts.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

namespace flowc {

/// Builds one module of LLVM's with the kernels of all functions and levels, and with the
/// functions that callers see. These check what they are given, find out what the processor
/// can, set the floating-point state, and call a kernel. They run on any processor.
///
/// The level of this processor counts from 1; 0 is not known yet, and a negative one none.
class ObjectBuilder {
public:
  explicit ObjectBuilder(const ObjectParts &parts);

  /// The object file.
  Expected<std::string> build();

private:
  /// A kernel in the module.
  struct LinkedCode {
    llvm::Function *kernel = nullptr;
    llvm::Function *prepare = nullptr;  ///< Null if `prepared` is constant.
    llvm::Constant *prepared = nullptr; ///< Null if it is given at run time.
    int64_t preparedOffset = 0;         ///< Then: where it lies, in bytes.
  };
  struct Parameter {
    std::string name;
    llvm::Type *type;
  };

  // Kernels (ObjectBuilder.cpp).
  Expected<void> addKernels();
  Expected<LinkedCode> addKernel(const LevelCode &code, const std::string &name);
  llvm::Constant *addPrepared(const std::string &bytes, const std::string &name);
  int64_t layOutPrepared(size_t level);
  int64_t countWorkspaceBytes() const;

  // Functions in general.
  llvm::Function *beginFunction(const std::string &name, llvm::Type *result, llvm::ArrayRef<Parameter> parameters,
                                bool isVisible);
  void addSize(const std::string &name, int64_t bytes);
  void addErrorMessage();
  void returnStatus(Status status);
  /// Returns `status` if `condition` holds, and goes on if not.
  void returnIf(llvm::Value *condition, Status status);
  /// Calls `body` for each level, with its number, in code that runs at that level alone.
  void forLevel(llvm::Value *level, llvm::function_ref<void(size_t)> body);
  llvm::Value *alignUp(llvm::Value *pointer);
  llvm::Value *offset(llvm::Value *pointer, int64_t bytes);
  llvm::Value *loadNumber(llvm::Value *pointer, int64_t bytes);
  void storeNumber(llvm::Value *number, llvm::Value *pointer, int64_t bytes);
  llvm::Value *makePointerArray(llvm::ArrayRef<llvm::Value *> pointers);
  llvm::Constant *number(uint64_t value) { return b.getInt64(value); }

  // What the processor can (Dispatch.cpp).
  void addDispatch();
  llvm::Function *addDetection();
  llvm::Value *getLevel() { return b.CreateCall(levelFunction); }

  // Functions that callers see (EntryPoints.cpp).
  void addEntry(const ObjectFunction &function, llvm::ArrayRef<LinkedCode> levels);
  void checkPrepared(llvm::Value *prepared, llvm::Value *level);
  void addPrepareEntry();
  void checkParameters(llvm::Value *parameters, llvm::Value *size);
  llvm::Value *hashWords(llvm::Value *begin, llvm::Value *end);

  const ObjectParts &parts;
  llvm::LLVMContext context;
  llvm::Module module;
  llvm::IRBuilder<> b;
  const TargetInfo &info;
  /// By function, then by level.
  std::vector<std::vector<LinkedCode>> linked;
  llvm::StringMap<llvm::GlobalVariable *> preparedConstants;
  /// Bytes of what is prepared at run time, at most.
  int64_t preparedBytes = 0;
  llvm::Function *levelFunction = nullptr;
  std::vector<llvm::GlobalValue *> visible;
};

} // namespace flowc

#endif // FLOWC_LIB_OBJECTS_OBJECTBUILDER_H
