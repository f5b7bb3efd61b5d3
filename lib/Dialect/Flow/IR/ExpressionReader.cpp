//===- ExpressionReader.cpp - Ops as expressions --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Algebra;
using flowc::symbolic::Expr;
using flowc::symbolic::Relation;

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

using ReadFn = Expr (*)(Algebra &, Operation *, ArrayRef<Expr>);

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

/// Arithmetic; functions are those of the table (Symbolic/Functions.h).
static const llvm::StringMap<ReadFn> &getOperators() {
  using Operands = ArrayRef<Expr>;
  static const llvm::StringMap<ReadFn> table = {
      {"arith.addf", [](Algebra &a, Operation *, Operands u) { return a.add(u[0], u[1]); }},
      {"arith.subf", [](Algebra &a, Operation *, Operands u) { return a.subtract(u[0], u[1]); }},
      {"arith.mulf", [](Algebra &a, Operation *, Operands u) { return a.multiply(u[0], u[1]); }},
      {"arith.divf", [](Algebra &a, Operation *, Operands u) { return a.divide(u[0], u[1]); }},
      {"arith.negf", [](Algebra &a, Operation *, Operands u) { return a.negate(u[0]); }},
      {"arith.cmpf", readCompare},
      {"math.fma", [](Algebra &a, Operation *, Operands u) { return a.add(a.multiply(u[0], u[1]), u[2]); }},
      {"math.powf", [](Algebra &a, Operation *, Operands u) { return a.power(u[0], u[1]); }},
      {"math.rsqrt", [](Algebra &a, Operation *, Operands u) { return a.power(u[0], -0.5); }},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Value flowc::flow::buildFormulaConstant(ImplicitLocOpBuilder &builder, FloatType type, double value) {
  Value constant = buildConstant(builder, type, value);
  auto number = constant.getDefiningOp<arith::ConstantOp>();
  if (cast<FloatAttr>(number.getValue()).getValueAsDouble() != value)
    number->setAttr(kExactAttr, builder.getF64FloatAttr(value));
  return constant;
}

bool ExpressionReader::isKnown(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return getRelation(compare.getPredicate()).has_value();
  StringRef name = op->getName().getStringRef();
  return getOperators().contains(name) || symbolic::findFunctionOfOp(name);
}

Expr ExpressionReader::addSymbol(Value value, std::string name, symbolic::Interval domain, double start) {
  Expr symbol = algebra.symbol(std::move(name), domain, start);
  symbols.insert({value, symbol});
  known[value] = symbol;
  return symbol;
}

Expr ExpressionReader::readOp(Operation *op) {
  SmallVector<Expr> operands;
  for (Value operand : op->getOperands())
    operands.push_back(known.lookup(operand));
  StringRef name = op->getName().getStringRef();
  ReadFn readOperator = getOperators().lookup(name);
  return readOperator ? readOperator(algebra, op, operands)
                      : algebra.call(symbolic::findFunctionOfOp(name)->function, operands);
}

Expr ExpressionReader::readCondition(Operation *op) {
  SmallVector<Expr> operands;
  for (Value operand : op->getOperands())
    operands.push_back(known.lookup(operand));
  auto conditionOf = [&](unsigned i) { return conditions.lookup(op->getOperand(i)); };
  if (isa<arith::SelectOp>(op)) {
    Expr arms = symbolic::holdsInArms(algebra, operands[0], conditionOf(1), conditionOf(2));
    return powers == symbolic::Powers::Ieee ? arms : symbolic::bothHold(algebra, conditionOf(0), arms);
  }
  Expr condition = nullptr;
  if (isa<math::PowFOp>(op))
    condition = symbolic::getPowerCondition(algebra, operands[0], operands[1]);
  else if (isa<math::RsqrtOp>(op))
    condition = symbolic::getPowerCondition(algebra, operands[0], algebra.constant(-0.5));
  else if (const symbolic::FunctionRow *row = symbolic::findFunctionOfOp(op->getName().getStringRef()))
    condition = symbolic::getCondition(algebra, row->function, operands);
  for (Value operand : op->getOperands())
    condition = symbolic::bothHold(algebra, conditions.lookup(operand), condition);
  return condition;
}

Expr ExpressionReader::read(Value value) {
  // Operands first, without recursion: a program may be any number of ops long.
  SmallVector<Value> open{value};
  while (!open.empty()) {
    Value next = open.back();
    Operation *op = next.getDefiningOp();
    Expr result = known.lookup(next);
    if (result) {
      open.pop_back();
      continue;
    }
    if (auto number = dyn_cast_or_null<FloatAttr>(getUniformConstant(next))) {
      auto exact = op ? op->getAttrOfType<FloatAttr>(kExactAttr) : FloatAttr();
      result = algebra.constant((exact ? exact : number).getValueAsDouble());
    } else if (op && isKnown(op)) {
      size_t before = open.size();
      for (Value operand : llvm::reverse(op->getOperands()))
        if (!known.lookup(operand))
          open.push_back(operand);
      if (open.size() > before)
        continue;
      result = readOp(op);
      conditions[next] = readCondition(op);
    } else if (onUnknown) {
      result = onUnknown(next);
    } else {
      unknown = op;
    }
    if (!result)
      return nullptr;
    known[next] = result;
    open.pop_back();
  }
  return known.lookup(value);
}
