//===- EmitMath.cpp - Emission of formulas --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitMath.h"

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Flow/IR/LogDensities.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <numbers>

namespace flowc {

using namespace mlir;
using ast::MathExpr;
using Kind = MathExpr::Kind;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

using EmitFn = Value (*)(ImplicitLocOpBuilder &, ValueRange);

template <typename OpTy>
static Value emitUnary(ImplicitLocOpBuilder &builder, ValueRange operands) {
  return OpTy::create(builder, operands[0]);
}

template <typename OpTy>
static Value emitBinary(ImplicitLocOpBuilder &builder, ValueRange operands) {
  return OpTy::create(builder, operands[0], operands[1]);
}

/// Comparisons with NaN are false, but `!=` is true.
template <arith::CmpFPredicate predicate>
static Value emitComparison(ImplicitLocOpBuilder &builder, ValueRange operands) {
  return arith::CmpFOp::create(builder, predicate, operands[0], operands[1]);
}

static EmitFn getOperator(Kind kind) {
  switch (kind) {
  case Kind::Negate:
    return emitUnary<arith::NegFOp>;
  case Kind::Add:
    return emitBinary<arith::AddFOp>;
  case Kind::Subtract:
    return emitBinary<arith::SubFOp>;
  case Kind::Multiply:
    return emitBinary<arith::MulFOp>;
  case Kind::Divide:
    return emitBinary<arith::DivFOp>;
  case Kind::Power:
    return emitBinary<math::PowFOp>;
  case Kind::Less:
    return emitComparison<arith::CmpFPredicate::OLT>;
  case Kind::LessEqual:
    return emitComparison<arith::CmpFPredicate::OLE>;
  case Kind::Greater:
    return emitComparison<arith::CmpFPredicate::OGT>;
  case Kind::GreaterEqual:
    return emitComparison<arith::CmpFPredicate::OGE>;
  case Kind::Equal:
    return emitComparison<arith::CmpFPredicate::OEQ>;
  case Kind::NotEqual:
    return emitComparison<arith::CmpFPredicate::UNE>;
  default:
    return nullptr;
  }
}

Value emitMathOperator(ImplicitLocOpBuilder &builder, Kind kind, ValueRange operands) {
  EmitFn emit = getOperator(kind);
  return emit ? emit(builder, operands) : Value();
}

Value emitMathFunction(ImplicitLocOpBuilder &builder, StringRef name, ValueRange arguments) {
  const symbolic::FunctionRow *row = symbolic::findFunction(name);
  if (!row || !row->isLogDensity())
    return row ? flow::buildFunction(builder, row->function, arguments) : Value();
  SmallVector<Value> all(arguments);
  for (const symbolic::FunctionArgument &argument : row->arguments.subspan(all.size()))
    all.push_back(sample::buildConstant(builder, all.front().getType(), *argument.otherwise));
  return flow::buildLogDensity(builder, row->function, all);
}

//===----------------------------------------------------------------------===//
// Scalar formulas
//===----------------------------------------------------------------------===//

Value emitScalarMath(ImplicitLocOpBuilder &builder, FloatType type, const MathExpr &formula, MathScope &names) {
  auto emit = [&](const MathExpr &part) { return emitScalarMath(builder, type, part, names); };
  switch (formula.kind) {
  case Kind::Number:
    return flow::buildFormulaConstant(builder, type, formula.number);
  case Kind::Name:
    if (Value value = names.lookup(formula.text))
      return value;
    return flow::buildFormulaConstant(builder, type, std::numbers::pi); // the only other name
  case Kind::Let: {
    Value value = emit(formula.operands[0]);
    MathScope::ScopeTy scope(names);
    names.insert(formula.text, value);
    return emit(formula.operands[1]);
  }
  default:
    break;
  }
  SmallVector<Value> operands;
  for (const MathExpr &operand : formula.operands)
    operands.push_back(emit(operand));
  return formula.kind == Kind::Call ? emitMathFunction(builder, formula.text, operands)
                                    : emitMathOperator(builder, formula.kind, operands);
}

} // namespace flowc
