//===- KernelFunctions.cpp - The functions of a sample program ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::sample;

/// The pass that makes the function of this name.
static StringRef getMaker(StringRef name) {
  if (name == "kernel")
    return "flow-specialize";
  return name == "prepare" ? "sample-hoist-parameters" : "sample-differentiate of parameters";
}

static bool isReal(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

/// Checks that `function` is one block that returns.
static LogicalResult verifyBody(func::FuncOp function) {
  if (function.getBody().hasOneBlock() && !function.getBody().front().empty() &&
      isa<func::ReturnOp>(function.getBody().front().back()))
    return success();
  return function.emitError("must be one block that returns");
}

/// Checks that a function has one type of floats; `element`, if there is one, is that
/// of the functions before.
static LogicalResult verifyFloats(func::FuncOp function, FloatType &element) {
  WalkResult result = function.walk([&](Operation *op) {
    SmallVector<Type> types(op->getOperandTypes());
    llvm::append_range(types, op->getResultTypes());
    for (Region &region : op->getRegions())
      llvm::append_range(types, region.getArgumentTypes());
    for (Type type : types) {
      auto found = dyn_cast<FloatType>(getElementTypeOrSelf(type));
      if (found && element && found != element) {
        op->emitOpError("has ") << type << " where the kernel works in " << element;
        return WalkResult::interrupt();
      }
      element = found ? found : element;
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Checks that rows are floats, and that the other arguments of @kernel are what
/// @prepare (if there is one) returns.
static LogicalResult verifyKernelArguments(func::FuncOp kernel, func::FuncOp prepare) {
  SmallVector<Type> parameters;
  for (auto [number, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    if (!kernel.getArgAttr(static_cast<unsigned>(number), SampleDialect::kRowAttr))
      parameters.push_back(type);
    else if (!isReal(type))
      return kernel.emitError("argument ") << number << " is a row, which cannot be " << type;
  }
  if (prepare && TypeRange(parameters) != TypeRange(prepare.getResultTypes()))
    return kernel.emitError("takes ") << parameters << " apart from rows but @prepare returns "
                                      << prepare.getResultTypes();
  return success();
}

/// Checks the arguments of @finish: leaves, then cotangents of sums.
static LogicalResult verifyFinishArguments(const KernelFunctions &functions) {
  func::FuncOp kernel = functions.kernel, prepare = functions.prepare, finish = functions.finish;
  SmallVector<Type> sums, leaves, cotangents;
  for (auto [number, type] : llvm::enumerate(kernel.getResultTypes()))
    if (kernel.getResultAttr(static_cast<unsigned>(number), SampleDialect::kSumAttr))
      sums.push_back(type);
  for (auto [number, type] : llvm::enumerate(finish.getArgumentTypes())) {
    bool isCotangent = finish.getArgAttr(static_cast<unsigned>(number), SampleDialect::kCotangentAttr) != nullptr;
    if (!isCotangent && !cotangents.empty())
      return finish.emitError("takes a parameter after cotangents");
    (isCotangent ? cotangents : leaves).push_back(type);
  }
  if (prepare && TypeRange(leaves) != TypeRange(prepare.getArgumentTypes()))
    return finish.emitError("takes the parameters ") << leaves << " but @prepare takes " << prepare.getArgumentTypes();
  for (Type type : finish.getResultTypes())
    if (!isReal(type))
      return finish.emitError("returns ") << type << ", which is no gradient";
  // The first sum is the loss.
  if (sums.empty() || TypeRange(cotangents) != TypeRange(sums).drop_front())
    return finish.emitError("takes the cotangents ") << cotangents << " but @kernel returns the sums " << sums;
  return success();
}

FailureOr<KernelFunctions> flowc::sample::findKernelFunctions(ModuleOp module, ArrayRef<StringRef> required) {
  for (StringRef name : required)
    if (!module.lookupSymbol<func::FuncOp>(name))
      return module.emitError("needs the function @") << name << ", which " << getMaker(name) << " makes";
  KernelFunctions functions{module.lookupSymbol<func::FuncOp>("kernel"), module.lookupSymbol<func::FuncOp>("prepare"),
                            module.lookupSymbol<func::FuncOp>("finish")};
  FloatType element;
  for (func::FuncOp function : {functions.kernel, functions.prepare, functions.finish})
    if (function && (failed(verifyBody(function)) || failed(verifyWellFormed(function, /*leastExtent=*/0)) ||
                     failed(verifyFloats(function, element))))
      return failure();
  if (!functions.kernel)
    return functions;
  if (failed(verifyKernelArguments(functions.kernel, functions.prepare)) ||
      (functions.finish && failed(verifyFinishArguments(functions))))
    return failure();
  return functions;
}

FailureOr<KernelFunctions> flowc::sample::findDifferentiableKernel(ModuleOp module) {
  FailureOr<KernelFunctions> functions = findKernelFunctions(module, {"kernel"});
  if (succeeded(functions) && functions->kernel.getNumResults() == 0)
    return functions->kernel.emitError("has no results to differentiate");
  auto isEmpty = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getNumElements() == 0;
  };
  if (succeeded(functions) && llvm::any_of(functions->kernel.getResultTypes(), isEmpty))
    return functions->kernel.emitError("has a result without elements, which has no derivative");
  return functions;
}
