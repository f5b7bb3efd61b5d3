//===- FormulaBuilder.h - Formulas as ops, element by element ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_FLOW_IR_FORMULABUILDER_H
#define FLOWC_LIB_DIALECT_FLOW_IR_FORMULABUILDER_H

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Sample/IR/Root.h"

#include "llvm/ADT/SetVector.h"

namespace flowc::flow {

/// Emits both directions for one element.
class FormulaBuilder {
public:
  FormulaBuilder(FormulaDerivation &derivation, mlir::ImplicitLocOpBuilder &builder, mlir::Type type)
      : algebra(derivation.algebra), result(derivation.result), parameters(derivation.parameters), builder(builder),
        emitter(builder, type), type(type) {}

  /// Gives parameters, or parts that depend on parameters only, their values.
  void bind(llvm::ArrayRef<symbolic::Expr> expressions, mlir::ValueRange values) {
    for (auto [e, value] : llvm::zip_equal(expressions, values))
      emitter.bind(e, value);
  }
  Transformed forward(mlir::Value x);
  Transformed inverse(mlir::Value y);
  /// How exact a root has to be; 0 asks for full precision.
  void setTolerance(double value) { tolerance = value; }
  /// Parts that depend on parameters only, of one direction.
  llvm::SetVector<symbolic::Expr> getUniform(bool isInverse);

private:
  /// What the root is sought in: t, x(t), and g(x(t)) - target with its derivative.
  struct Equation {
    symbolic::Expr t, position, target, function, slope;
  };
  Equation getEquation();
  /// Whether the root is bracketed by the bounds of the slope. A lower bound alone is
  /// no help: f may rise so fast that Newton's method creeps back from the far end.
  bool isBracketed() const;
  /// What a bracket needs of the parameters: f(0), 1 / f' at 0, at most and at least,
  /// and |f(0)| / f' at least.
  llvm::SmallVector<symbolic::Expr> getBracketParts();
  RootBracket emitBracket();
  mlir::Value solve(mlir::Value y);

  symbolic::Algebra &algebra;
  symbolic::Derivation &result;
  llvm::ArrayRef<symbolic::Expr> parameters;
  mlir::ImplicitLocOpBuilder &builder;
  ExpressionEmitter emitter;
  mlir::Type type;
  std::optional<Equation> equation;
  double tolerance = 0;
};

} // namespace flowc::flow

#endif // FLOWC_LIB_DIALECT_FLOW_IR_FORMULABUILDER_H
