//===- ExpressionReader.cpp - Ops as expressions --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowBodies.h"
#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/IR/FlowFormula.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Algebra;
using flowc::symbolic::Expr;
using flowc::symbolic::Function;
using flowc::symbolic::Relation;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

using ReadFn = Expr (*)(Algebra &, Operation *, ArrayRef<Expr>);

template <Function function>
static Expr readCall(Algebra &algebra, Operation *, ArrayRef<Expr> operands) {
  return operands.size() == 1 ? algebra.call(function, operands[0]) : algebra.call(function, operands[0], operands[1]);
}

static std::optional<Relation> getRelation(arith::CmpFPredicate predicate) {
  using enum arith::CmpFPredicate;
  switch (predicate) {
  case OLT:
  case ULT:
    return Relation::Less;
  case OLE:
  case ULE:
    return Relation::LessEqual;
  case OGT:
  case UGT:
    return Relation::Greater;
  case OGE:
  case UGE:
    return Relation::GreaterEqual;
  case OEQ:
    return Relation::Equal;
  case UNE:
    return Relation::NotEqual;
  default:
    return std::nullopt;
  }
}

static Expr readCompare(Algebra &algebra, Operation *op, ArrayRef<Expr> operands) {
  std::optional<Relation> relation = getRelation(cast<arith::CmpFOp>(op).getPredicate());
  return relation ? algebra.compare(*relation, operands[0], operands[1]) : nullptr;
}

static const llvm::StringMap<ReadFn> &getTable() {
  using Operands = ArrayRef<Expr>;
  static const llvm::StringMap<ReadFn> table = {
      {"arith.addf", [](Algebra &a, Operation *, Operands u) { return a.add(u[0], u[1]); }},
      {"arith.subf", [](Algebra &a, Operation *, Operands u) { return a.subtract(u[0], u[1]); }},
      {"arith.mulf", [](Algebra &a, Operation *, Operands u) { return a.multiply(u[0], u[1]); }},
      {"arith.divf", [](Algebra &a, Operation *, Operands u) { return a.divide(u[0], u[1]); }},
      {"arith.negf", [](Algebra &a, Operation *, Operands u) { return a.negate(u[0]); }},
      {"arith.select", [](Algebra &a, Operation *, Operands u) { return a.select(u[0], u[1], u[2]); }},
      {"arith.cmpf", readCompare},
      {"arith.maximumf", readCall<Function::Max>},
      {"arith.minimumf", readCall<Function::Min>},
      {"math.absf", readCall<Function::Abs>},
      {"math.asinh", readCall<Function::Asinh>},
      {"math.atan", readCall<Function::Atan>},
      {"math.atanh", readCall<Function::Atanh>},
      {"math.cos", readCall<Function::Cos>},
      {"math.cosh", readCall<Function::Cosh>},
      {"math.erf", readCall<Function::Erf>},
      {"math.exp", readCall<Function::Exp>},
      {"math.expm1", [](Algebra &a, Operation *, Operands u) { return a.sum(-1, {{1, a.call(Function::Exp, u[0])}}); }},
      {"math.fma", [](Algebra &a, Operation *, Operands u) { return a.add(a.multiply(u[0], u[1]), u[2]); }},
      {"math.log", readCall<Function::Log>},
      {"math.log1p", [](Algebra &a, Operation *, Operands u) { return a.call(Function::Log, a.sum(1, {{1, u[0]}})); }},
      {"math.powf", [](Algebra &a, Operation *, Operands u) { return a.power(u[0], u[1]); }},
      {"math.rsqrt", [](Algebra &a, Operation *, Operands u) { return a.power(u[0], -0.5); }},
      {"math.sin", readCall<Function::Sin>},
      {"math.sinh", readCall<Function::Sinh>},
      {"math.sqrt", [](Algebra &a, Operation *, Operands u) { return a.power(u[0], 0.5); }},
      {"math.tanh", readCall<Function::Tanh>},
      {Log1pExpOp::getOperationName(), readCall<Function::Softplus>},
      {InvLogitOp::getOperationName(), readCall<Function::Sigmoid>},
      {LgammaOp::getOperationName(), readCall<Function::Lgamma>},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

bool ExpressionReader::isKnown(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return getRelation(compare.getPredicate()).has_value();
  return getTable().contains(op->getName().getStringRef());
}

Expr ExpressionReader::addSymbol(Value value, std::string name, symbolic::Interval domain, double start) {
  Expr symbol = algebra.symbol(std::move(name), domain, start);
  symbols.insert({value, symbol});
  known[value] = symbol;
  return symbol;
}

Expr ExpressionReader::read(Value value) {
  if (Expr expression = known.lookup(value))
    return expression;
  Operation *op = value.getDefiningOp();
  Expr result = nullptr;
  if (auto number = dyn_cast_or_null<FloatAttr>(getUniformConstant(value))) {
    result = algebra.constant(number.getValueAsDouble());
  } else if (op && isKnown(op)) {
    SmallVector<Expr> operands;
    for (Value operand : op->getOperands()) {
      operands.push_back(read(operand));
      if (!operands.back())
        return nullptr;
    }
    result = getTable().lookup(op->getName().getStringRef())(algebra, op, operands);
  } else if (onUnknown) {
    result = onUnknown(value);
  } else {
    unknown = op;
  }
  if (result)
    known[value] = result;
  return result;
}
