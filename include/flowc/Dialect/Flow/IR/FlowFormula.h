//===- FlowFormula.h - Bijections given by a formula ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bridge between SSA and symbolic expressions: reading scalar ops as an
// expression, emitting an expression as ops.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWFORMULA_H
#define FLOWC_DIALECT_FLOW_IR_FLOWFORMULA_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Symbolic/DefinedWhere.h"
#include "flowc/Symbolic/Derivation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowFormula.h.inc"

namespace flowc::flow {

/// Emits the op of a function that has one (`FunctionRow::op`): arguments are floats,
/// or tensors of one type.
mlir::Value buildFunction(mlir::ImplicitLocOpBuilder &builder, symbolic::Function function, mlir::ValueRange arguments);

/// On a constant of a formula: the number that its type rounds (64 bits). What is derived of a
/// formula holds for the text, whatever the type: 0.1, 0.2 and 0.7 add up to 1.
inline constexpr llvm::StringLiteral kExactAttr = "flow.exact";

/// A constant that remembers what it was rounded from.
mlir::Value buildFormulaConstant(mlir::ImplicitLocOpBuilder &builder, mlir::FloatType type, double value);

/// Reads ops that compute one number (or one number per element of a tensor) from
/// others as an expression.
class ExpressionReader {
public:
  explicit ExpressionReader(symbolic::Algebra &algebra, symbolic::Powers powers = symbolic::Powers::Checked)
      : algebra(algebra), powers(powers) {}

  /// Makes `value` a symbol; the first one is the variable.
  symbolic::Expr addSymbol(mlir::Value value, std::string name, symbolic::Interval domain = symbolic::Interval::all(),
                           double start = 0);
  /// What `value` is; null if some op behind it is unknown (then `unknown` is that
  /// op) and `onUnknown` does not make a symbol of its result.
  symbolic::Expr read(mlir::Value value);
  /// Where a value that was read is defined as it was written (DefinedWhere.h). What
  /// decides in a select need not be defined for `Powers::Ieee`: a comparison of NaN is false.
  symbolic::Expr getCondition(mlir::Value value) const { return conditions.lookup(value); }
  /// Whether `op` can be read.
  static bool isKnown(mlir::Operation *op);

  /// Called for a value that no known op computes.
  std::function<symbolic::Expr(mlir::Value)> onUnknown;
  mlir::Operation *unknown = nullptr;
  const llvm::MapVector<mlir::Value, symbolic::Expr> &getSymbols() const { return symbols; }

private:
  /// What a known op computes of operands that were read.
  symbolic::Expr readOp(mlir::Operation *op);
  /// Where it is defined.
  symbolic::Expr readCondition(mlir::Operation *op);

  symbolic::Algebra &algebra;
  symbolic::Powers powers;
  llvm::MapVector<mlir::Value, symbolic::Expr> symbols;
  llvm::DenseMap<mlir::Value, symbolic::Expr> known, conditions;
};

/// Emits expressions, each part once. Forms are chosen that neither cancel nor
/// overflow: log1p, expm1, log(u^2 + v^2) and sqrt(u^2 + v^2) through the larger of
/// |u| and |v|, fractions of polynomials by numbers of at most 1, logarithms of functions
/// that vanish.
class ExpressionEmitter {
public:
  /// `type` is that of all numbers: a float, or a tensor of floats.
  ExpressionEmitter(mlir::ImplicitLocOpBuilder &builder, mlir::Type type) : builder(builder), type(type) {}

  void bind(symbolic::Expr e, mlir::Value value) { values[e] = value; }
  mlir::Value emit(symbolic::Expr e);

private:
  struct Square;
  /// A node t as a ratio t / m and 1 / m, for m = max(|t|, 1).
  struct Homogeneous {
    symbolic::Expr node;
    mlir::Value ratio, inverse;
  };

  mlir::Value emitNode(symbolic::Expr e);
  mlir::Value emitSum(symbolic::Expr e);
  mlir::Value emitProduct(symbolic::Expr e);
  mlir::Value emitPower(symbolic::Expr base, double exponent);
  mlir::Value emitWholePower(mlir::Value base, unsigned exponent);
  mlir::Value emitFactor(symbolic::Expr base, double exponent);
  static std::optional<std::pair<Square, Square>> matchSumOfSquares(symbolic::Expr e);
  mlir::Value emitRootOfSquare(const Square &square);
  std::pair<mlir::Value, mlir::Value> emitScaled(const std::pair<Square, Square> &squares);
  static symbolic::Expr findScaledNode(symbolic::Expr product);
  mlir::Value emitHomogeneous(symbolic::Expr e, double degree, const Homogeneous &h);
  mlir::Value emitFraction(symbolic::Expr e, symbolic::Expr t);
  mlir::Value emitPowerOfQuotient(symbolic::Expr e);
  mlir::Value emitLogOfPower(symbolic::Expr e);
  mlir::Value emitPowerMinus1(symbolic::Expr e);
  mlir::Value emitPowerOfExponential(symbolic::Expr base, double exponent);
  mlir::Value emitSelect(mlir::arith::CmpFPredicate predicate, mlir::Value value, double bound, mlir::Value yes,
                         mlir::Value no);
  mlir::Value emitLog(symbolic::Expr argument);
  mlir::Value emitLogOfDifference(symbolic::Expr sum);
  mlir::Value emitLogOfSum(symbolic::Expr argument);
  mlir::Value emitLogOfFunction(symbolic::Expr argument);
  mlir::Value emitLogOfSmall(mlir::Value u, llvm::function_ref<mlir::Value(mlir::Value)> emitFunction);
  mlir::Value emitLogOfDoubleExponential(symbolic::Expr sum);
  mlir::Value emitLogOfHazard(mlir::Value u);
  mlir::Value emitLogOfHyperbolic(bool isSinh, mlir::Value u);
  mlir::Value emitAsinhOfExp(mlir::Value u);
  mlir::Value emitAtanhOfExp(mlir::Value u);
  mlir::Value emitLog1mExp(mlir::Value u);
  mlir::Value emitFunction(symbolic::Expr e);
  mlir::Value constant(double value) { return buildConstant(builder, type, value); }

  mlir::ImplicitLocOpBuilder &builder;
  mlir::Type type;
  llvm::DenseMap<symbolic::Expr, mlir::Value> values;
};

/// A formula that was read, and what was derived from it.
struct FormulaDerivation {
  symbolic::Algebra algebra;
  symbolic::Derivation result;
  /// Symbols of the op's parameters, in their order.
  llvm::SmallVector<symbolic::Expr> parameters;
};

/// Derives what `op` needs, with its inverse if that is asked for.
std::unique_ptr<FormulaDerivation> deriveFormula(FormulaOp op, bool withInverse = true);

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_IR_FLOWFORMULA_H
