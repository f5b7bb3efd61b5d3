//===- Converter.h - From the program of a sample to ONNX -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each op has a function that converts it, which is found by the op's name. What an op
// computes stands in its description (docs/Spec.md).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_ONNX_CONVERTER_H
#define FLOWC_LIB_ONNX_CONVERTER_H

#include "Number.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace flowc::onnx {

class Converter;

/// What converts ops.
class Patterns {
public:
  using Convert = std::function<llvm::LogicalResult(Converter &, mlir::Operation *)>;

  template <typename OpTy>
  void add(llvm::LogicalResult (*convert)(Converter &, OpTy)) {
    table[OpTy::getOperationName()] = [convert](Converter &c, mlir::Operation *op) {
      return convert(c, llvm::cast<OpTy>(op));
    };
  }
  /// An op of one result that a node computes from the same operands.
  template <typename OpTy>
  void addSame(const char *node);
  /// An op of one result that is a formula of its operand(s).
  template <typename OpTy>
  void addFormula(Number (*formula)(Number));
  template <typename OpTy>
  void addFormula(Number (*formula)(Number, Number));

  const Convert *find(llvm::StringRef op) const {
    auto it = table.find(op);
    return it == table.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<Convert> table;
};

// Each adds the patterns of one file.
void addArithmetic(Patterns &patterns);
void addBlocks(Patterns &patterns);
void addFunctions(Patterns &patterns);
void addLoops(Patterns &patterns);
void addMoves(Patterns &patterns);
void addParameters(Patterns &patterns);
void addRoot(Patterns &patterns);
void addSmall(Patterns &patterns);
void addSweep(Patterns &patterns);

/// The number of elements of a value.
int64_t countElements(mlir::Value value);
/// The number of axes of its own that a value has.
int64_t rankOf(mlir::Value value);
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// Converts ops one after the other, and keeps what became of their values.
class Converter {
public:
  Converter(GraphBuilder &builder, const Patterns &patterns) : b(builder), patterns(patterns) {}

  GraphBuilder &b;

  const Tensor &get(mlir::Value value) const { return values.find(value)->second; }
  Number number(mlir::Value value) const { return {&b, get(value)}; }
  void set(mlir::Value value, const Tensor &tensor) { values[value] = tensor; }
  std::vector<Tensor> getAll(mlir::ValueRange range) const;

  ElementType convertType(mlir::Type type) const;

  /// Converts the ops of `block`, whose arguments are set; the values that it yields.
  /// Fails, with an error at the op, where an op has no form in ONNX.
  llvm::FailureOr<std::vector<Tensor>> convert(mlir::Block &block);

private:
  const Patterns &patterns;
  llvm::DenseMap<mlir::Value, Tensor> values;
};

template <typename OpTy>
void Patterns::addSame(const char *node) {
  table[OpTy::getOperationName()] = [node](Converter &c, mlir::Operation *op) {
    c.set(op->getResult(0), c.b.make(node, c.getAll(op->getOperands())));
    return llvm::success();
  };
}

template <typename OpTy>
void Patterns::addFormula(Number (*formula)(Number)) {
  table[OpTy::getOperationName()] = [formula](Converter &c, mlir::Operation *op) {
    c.set(op->getResult(0), formula(c.number(op->getOperand(0))));
    return llvm::success();
  };
}

template <typename OpTy>
void Patterns::addFormula(Number (*formula)(Number, Number)) {
  table[OpTy::getOperationName()] = [formula](Converter &c, mlir::Operation *op) {
    c.set(op->getResult(0), formula(c.number(op->getOperand(0)), c.number(op->getOperand(1))));
    return llvm::success();
  };
}

} // namespace flowc::onnx

#endif // FLOWC_LIB_ONNX_CONVERTER_H
