//===- ExpressionEmitter.cpp - Expressions as ops -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/IR/FlowFormula.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Expr;
using flowc::symbolic::Function;
using flowc::symbolic::Kind;
using flowc::symbolic::Relation;
using flowc::symbolic::Term;

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

Value ExpressionEmitter::emitSum(Expr e) {
  double offset = e->number;
  if (offset == 0 && e->terms.size() == 1 && e->terms[0].factor != -1)
    return arith::MulFOp::create(builder, emit(e->terms[0].node), constant(e->terms[0].factor));
  SmallVector<std::pair<bool, Value>> summands; // whether it is subtracted
  auto add = [&](double factor, Value value) {
    if (std::abs(factor) != 1)
      value = arith::MulFOp::create(builder, value, constant(std::abs(factor)));
    summands.push_back({factor < 0, value});
  };
  for (auto [factor, node] : e->terms) {
    // k exp(u) - k = k expm1(u).
    if (offset != 0 && factor == -offset && node->is(Function::Exp)) {
      offset = 0;
      add(factor, math::ExpM1Op::create(builder, emit(node->argument())));
    } else {
      add(factor, emit(node));
    }
  }
  // Something positive first; the constant if nothing else is.
  Value sum;
  for (auto [isSubtracted, value] : summands)
    if (!isSubtracted)
      sum = sum ? arith::AddFOp::create(builder, sum, value).getResult() : value;
  if (!sum && offset != 0) {
    sum = constant(offset);
    offset = 0;
  }
  for (auto [isSubtracted, value] : summands) {
    if (!isSubtracted)
      continue;
    sum = sum ? arith::SubFOp::create(builder, sum, value).getResult()
              : arith::NegFOp::create(builder, value).getResult();
  }
  return offset == 0 ? sum : arith::AddFOp::create(builder, sum, constant(offset)).getResult();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// u of an expression 1 + u^2 (or 1 + (k v)^2 as 1 + k^2 v^2); null for others.
static std::optional<Term> matchOnePlusSquare(Expr e) {
  if (e->kind != Kind::Sum || e->number != 1 || e->terms.size() != 1 || e->terms[0].factor <= 0)
    return std::nullopt;
  Expr square = e->terms[0].node;
  if (square->kind != Kind::Product || square->terms.size() != 1 || square->terms[0].factor != 2)
    return std::nullopt;
  return Term{std::sqrt(e->terms[0].factor), square->terms[0].node};
}

/// {max(|u|, 1), (min(|u|, 1) / max(|u|, 1))^2}: 1 + u^2 = m^2 (1 + r). Exactly one
/// of the two is taken to move at |u| = 1.
static std::pair<Value, Value> buildScaled(ImplicitLocOpBuilder &builder, Value u) {
  Value one = buildConstant(builder, u.getType(), 1);
  Value size = math::AbsFOp::create(builder, u);
  Value isLarge = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, size, one);
  Value large = arith::SelectOp::create(builder, isLarge, size, one);
  Value small = arith::SelectOp::create(builder, isLarge, one, size);
  Value ratio = arith::DivFOp::create(builder, small, large);
  return {large, arith::MulFOp::create(builder, ratio, ratio)};
}

/// By squaring: x^5 = (x^2)^2 x.
Value ExpressionEmitter::emitWholePower(Value base, unsigned exponent) {
  if (exponent == 1)
    return base;
  Value half = emitWholePower(base, exponent / 2);
  Value square = arith::MulFOp::create(builder, half, half);
  return exponent % 2 ? arith::MulFOp::create(builder, square, base).getResult() : square;
}

/// base ^ exponent for an exponent > 0.
Value ExpressionEmitter::emitPower(Expr base, double exponent) {
  constexpr double kMaxWhole = 64;
  double whole = std::floor(exponent);
  bool isHalf = exponent - whole == 0.5;
  if (exponent > kMaxWhole || (exponent != whole && !isHalf))
    return math::PowFOp::create(builder, emit(base), constant(exponent));
  Value result;
  if (std::optional<Term> u = matchOnePlusSquare(base); u && isHalf) {
    Value argument = emit(u->node);
    if (u->factor != 1)
      argument = arith::MulFOp::create(builder, argument, constant(u->factor));
    auto [large, ratio] = buildScaled(builder, argument);
    Value rest = math::SqrtOp::create(builder, arith::AddFOp::create(builder, ratio, constant(1)));
    result = arith::MulFOp::create(builder, large, rest);
  } else if (isHalf) {
    result = math::SqrtOp::create(builder, emit(base));
  }
  if (whole == 0)
    return result;
  Value power = emitWholePower(emit(base), static_cast<unsigned>(whole));
  return result ? arith::MulFOp::create(builder, power, result).getResult() : power;
}

Value ExpressionEmitter::emitProduct(Expr e) {
  Value above, below;
  for (auto [exponent, base] : e->terms) {
    Value &side = exponent < 0 ? below : above;
    Value power = emitPower(base, std::abs(exponent));
    side = side ? arith::MulFOp::create(builder, side, power).getResult() : power;
  }
  if (!below)
    return above;
  return arith::DivFOp::create(builder, above ? above : constant(1), below);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Value ExpressionEmitter::emitLog(Expr argument) {
  if (std::optional<Term> u = matchOnePlusSquare(argument)) {
    Value scaled = emit(u->node);
    if (u->factor != 1)
      scaled = arith::MulFOp::create(builder, scaled, constant(u->factor));
    auto [large, ratio] = buildScaled(builder, scaled);
    Value twice = arith::MulFOp::create(builder, math::LogOp::create(builder, large), constant(2));
    return arith::AddFOp::create(builder, twice, math::Log1pOp::create(builder, ratio));
  }
  bool isExpm1 = argument->kind == Kind::Sum && llvm::any_of(argument->terms, [&](const Term &term) {
                   return term.factor == -1 && term.node->is(Function::Exp);
                 });
  if (argument->kind != Kind::Sum || argument->number != 1 || isExpm1)
    return math::LogOp::create(builder, emit(argument));
  // log(1 + rest).
  symbolic::Node rest = *argument;
  rest.number = 0;
  bool isAlone = rest.terms.size() == 1 && rest.terms[0].factor == 1;
  return math::Log1pOp::create(builder, isAlone ? emit(rest.terms[0].node) : emitSum(&rest));
}

Value ExpressionEmitter::emitFunction(Expr e) {
  if (e->is(Function::Log))
    return emitLog(e->argument());
  Value u = emit(e->argument());
  auto unary = [&]<typename OpTy>() -> Value { return OpTy::create(builder, u); };
  auto compareWithZero = [&](arith::CmpFPredicate predicate) -> Value {
    return arith::CmpFOp::create(builder, predicate, u, constant(0));
  };
  switch (e->function) {
  case Function::Exp:
    return unary.operator()<math::ExpOp>();
  case Function::Abs:
    return unary.operator()<math::AbsFOp>();
  case Function::Sign: {
    Value negative =
        arith::SelectOp::create(builder, compareWithZero(arith::CmpFPredicate::OLT), constant(-1), constant(0));
    return arith::SelectOp::create(builder, compareWithZero(arith::CmpFPredicate::OGT), constant(1), negative);
  }
  case Function::Sin:
    return unary.operator()<math::SinOp>();
  case Function::Cos:
    return unary.operator()<math::CosOp>();
  case Function::Tan:
    return arith::DivFOp::create(builder, math::SinOp::create(builder, u), math::CosOp::create(builder, u));
  case Function::Tanh:
    return unary.operator()<math::TanhOp>();
  case Function::Sinh:
    return unary.operator()<math::SinhOp>();
  case Function::Cosh:
    return unary.operator()<math::CoshOp>();
  case Function::Asinh:
    return unary.operator()<math::AsinhOp>();
  case Function::Atan:
    return unary.operator()<math::AtanOp>();
  case Function::Atanh:
    return unary.operator()<math::AtanhOp>();
  case Function::Erf:
    return unary.operator()<math::ErfOp>();
  case Function::Lgamma:
    return LgammaOp::create(builder, type, u);
  case Function::Digamma:
    return DigammaOp::create(builder, type, u);
  case Function::Sigmoid:
    return InvLogitOp::create(builder, type, u);
  case Function::Softplus:
    return Log1pExpOp::create(builder, type, u);
  case Function::Min:
    return arith::MinimumFOp::create(builder, u, emit(e->argument(1)));
  case Function::Max:
    return arith::MaximumFOp::create(builder, u, emit(e->argument(1)));
  case Function::Pow:
    return math::PowFOp::create(builder, u, emit(e->argument(1)));
  case Function::Log:
    break;
  }
  llvm_unreachable("log is handled above");
}

static arith::CmpFPredicate getPredicate(Relation relation) {
  using enum arith::CmpFPredicate;
  static constexpr arith::CmpFPredicate predicates[] = {OLT, OLE, OGT, OGE, OEQ, UNE};
  return predicates[static_cast<size_t>(relation)];
}

Value ExpressionEmitter::emitNode(Expr e) {
  switch (e->kind) {
  case Kind::Constant:
    return constant(e->number);
  case Kind::Symbol:
    break;
  case Kind::Sum:
    return emitSum(e);
  case Kind::Product:
    return emitProduct(e);
  case Kind::Function:
    return emitFunction(e);
  case Kind::Compare: {
    Value a = emit(e->argument(0)), b = emit(e->argument(1));
    return arith::CmpFOp::create(builder, getPredicate(e->relation), a, b);
  }
  case Kind::Select: {
    Value condition = emit(e->argument(0)), yes = emit(e->argument(1)), no = emit(e->argument(2));
    return arith::SelectOp::create(builder, condition, yes, no);
  }
  }
  llvm_unreachable("a symbol without a value");
}

Value ExpressionEmitter::emit(Expr e) {
  if (Value value = values.lookup(e))
    return value;
  Value value = emitNode(e);
  return values[e] = value;
}
