//===- KernelSignature.h - Signatures under construction --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_KERNELSIGNATURE_H
#define FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_KERNELSIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace flowc::sample {

/// A function under construction: types and attributes of its arguments and
/// results.
struct Signature {
  llvm::SmallVector<mlir::Type> inputs, results;
  llvm::SmallVector<mlir::DictionaryAttr> inputAttrs, resultAttrs;

  explicit Signature(mlir::MLIRContext *context) : context(context) {}

  void addInput(mlir::Type type, mlir::DictionaryAttr attrs) {
    inputs.push_back(type);
    inputAttrs.push_back(attrs);
  }
  void addResult(mlir::Type type, llvm::StringRef unitAttr = {}) {
    results.push_back(type);
    resultAttrs.push_back(unitAttr.empty() ? mlir::DictionaryAttr::get(context) : getUnit(unitAttr));
  }
  mlir::DictionaryAttr getUnit(llvm::StringRef name) const {
    return mlir::DictionaryAttr::get(
        context, mlir::NamedAttribute(mlir::StringAttr::get(context, name), mlir::UnitAttr::get(context)));
  }
  /// Sets the type and the attributes of `function`.
  void apply(mlir::func::FuncOp function) const {
    function.setType(mlir::FunctionType::get(context, inputs, results));
    function.setAllArgAttrs(inputAttrs);
    function.setAllResultAttrs(resultAttrs);
  }

private:
  mlir::MLIRContext *context;
};

} // namespace flowc::sample

#endif // FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_KERNELSIGNATURE_H
