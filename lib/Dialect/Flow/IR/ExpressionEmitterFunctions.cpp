//===- ExpressionEmitterFunctions.cpp - Functions of expressions ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What would overflow, underflow or cancel inside of a function is computed with it.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Expr;
using flowc::symbolic::Function;
using flowc::symbolic::Kind;
using flowc::symbolic::Term;

Value ExpressionEmitter::emitSelect(arith::CmpFPredicate predicate, Value value, double bound, Value yes, Value no) {
  Value holds = arith::CmpFOp::create(builder, predicate, value, constant(bound));
  return arith::SelectOp::create(builder, holds, yes, no);
}

/// The logarithm of a function of t = e^u that is t - t^2/2 + O(t^3), as log(1 + t) and
/// 1 - exp(-t) are: u - t/2 where t is small, and may underflow.
Value ExpressionEmitter::emitLogOfSmall(Value u, llvm::function_ref<Value(Value)> emitFunction) {
  using enum arith::CmpFPredicate;
  constexpr double kSmall = -16; // t^2 is below all digits
  Value low = emitSelect(OLT, u, kSmall, u, constant(kSmall));
  Value half = arith::MulFOp::create(builder, math::ExpOp::create(builder, low), constant(0.5));
  Value high = emitSelect(OLT, u, kSmall, constant(kSmall), u);
  return emitSelect(OLT, u, kSmall, arith::SubFOp::create(builder, low, half),
                    math::LogOp::create(builder, emitFunction(high)));
}

/// log(1 - exp(-exp(u))); null for other sums.
Value ExpressionEmitter::emitLogOfDoubleExponential(Expr sum) {
  auto matchMinus = [](Expr e, double offset) -> Expr {
    bool matches = e && e->kind == Kind::Sum && e->number == offset && e->terms.size() == 1 &&
                   e->terms[0].factor == -1 && e->terms[0].node->is(Function::Exp);
    return matches ? e->terms[0].node->argument() : nullptr;
  };
  Expr u = matchMinus(matchMinus(sum, 1), 0);
  if (!u)
    return {};
  return emitLogOfSmall(emit(u), [&](Value at) -> Value {
    Value t = math::ExpOp::create(builder, at);
    Value opposite = math::ExpM1Op::create(builder, arith::NegFOp::create(builder, t));
    return arith::NegFOp::create(builder, opposite);
  });
}

/// log(phi(u)/Phi(u)) of the normal distribution: to the right the quotient vanishes.
Value ExpressionEmitter::emitLogOfHazard(Value u) {
  using enum arith::CmpFPredicate;
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  Value right = emitSelect(OGT, u, 0, u, constant(0)), left = emitSelect(OGT, u, 0, constant(0), u);
  Value square = arith::MulFOp::create(builder, arith::MulFOp::create(builder, right, right), constant(0.5));
  Value logCdf = NormalLogCdfOp::create(builder, right);
  Value sum = arith::AddFOp::create(builder, arith::AddFOp::create(builder, square, logCdf), constant(kHalfLogTwoPi));
  return emitSelect(OGT, u, 0, arith::NegFOp::create(builder, sum),
                    math::LogOp::create(builder, NormalHazardOp::create(builder, left)));
}

/// log(sinh(u)) = u + log((1 - exp(-2u))/2) and log(tanh(u)) = log(1 - exp(-2u)) -
/// softplus(-2u), for u > 0.
Value ExpressionEmitter::emitLogOfHyperbolic(bool isSinh, Value u) {
  Value minusTwice = arith::MulFOp::create(builder, u, constant(-2));
  Value log = Log1mExpOp::create(builder, minusTwice);
  if (!isSinh)
    return arith::SubFOp::create(builder, log, Log1pExpOp::create(builder, minusTwice));
  return arith::AddFOp::create(builder, u, arith::SubFOp::create(builder, log, constant(std::numbers::ln2)));
}

/// The logarithm of a function that vanishes or overflows before it does, or comes close to
/// 1; null for other arguments.
Value ExpressionEmitter::emitLogOfFunction(Expr argument) {
  if (argument->is(Function::Softplus))
    return emitLogOfSmall(emit(argument->argument()),
                          [&](Value at) -> Value { return Log1pExpOp::create(builder, at); });
  if (argument->is(Function::NormalHazard))
    return emitLogOfHazard(emit(argument->argument()));
  if (Value log = emitLogOfDoubleExponential(argument))
    return log;
  Expr inner = argument->is(Function::Abs) ? argument->argument() : argument;
  if (!inner->is(Function::Sinh) && !inner->is(Function::Tanh))
    return {};
  Value u = emit(inner->argument());
  Value log = emitLogOfHyperbolic(inner->is(Function::Sinh), math::AbsFOp::create(builder, u));
  if (argument->is(Function::Abs))
    return log;
  return emitSelect(arith::CmpFPredicate::OGE, u, 0, log, constant(std::numeric_limits<double>::quiet_NaN()));
}

Value ExpressionEmitter::emitLog(Expr argument) {
  if (Value log = emitLogOfFunction(argument))
    return log;
  return emitLogOfSum(argument);
}

Value flowc::flow::buildFunction(ImplicitLocOpBuilder &builder, Function function, ValueRange arguments) {
  const symbolic::FunctionRow &row = symbolic::getRow(function);
  assert(!row.op.empty() && "a function without an op");
  OperationState state(builder.getLoc(), row.op, arguments, arguments.back().getType());
  bool hasTails = function == Function::Tanh || function == Function::Expm1 || function == Function::Sigmoid;
  if (hasTails)
    state.addAttribute(kExactTails, builder.getUnitAttr());
  return builder.create(state)->getResult(0);
}

/// asinh(exp(u)) = u + log(1 + sqrt(1 + exp(-2u))), where exp(u) may overflow.
Value ExpressionEmitter::emitAsinhOfExp(Value u) {
  using enum arith::CmpFPredicate;
  Value small = math::ExpOp::create(builder, arith::NegFOp::create(builder, math::AbsFOp::create(builder, u)));
  Value square = arith::MulFOp::create(builder, small, small);
  Value root = math::SqrtOp::create(builder, arith::AddFOp::create(builder, square, constant(1)));
  Value large = arith::AddFOp::create(builder, u, math::Log1pOp::create(builder, root));
  return emitSelect(OGT, u, 0, large, math::AsinhOp::create(builder, small));
}

/// log(1 - exp(u)), which vanishes where 1 - exp(u) is 1.
Value ExpressionEmitter::emitLog1mExp(Value u) {
  return emitSelect(arith::CmpFPredicate::OLE, u, 0, Log1mExpOp::create(builder, u),
                    constant(std::numeric_limits<double>::quiet_NaN()));
}

/// atanh(exp(u)) = (softplus(u) - log(1 - exp(u)))/2, where exp(u) may come close to 1.
Value ExpressionEmitter::emitAtanhOfExp(Value u) {
  Value log = Log1mExpOp::create(builder, u);
  Value twice = arith::SubFOp::create(builder, Log1pExpOp::create(builder, u), log);
  return emitSelect(arith::CmpFPredicate::OLE, u, 0, arith::MulFOp::create(builder, twice, constant(0.5)),
                    constant(std::numeric_limits<double>::quiet_NaN()));
}

Value ExpressionEmitter::emitFunction(Expr e) {
  if (e->is(Function::Log))
    return emitLog(e->argument());
  if (e->is(Function::Asinh) && e->argument()->is(Function::Exp))
    return emitAsinhOfExp(emit(e->argument()->argument()));
  if (e->is(Function::Atanh) && e->argument()->is(Function::Exp))
    return emitAtanhOfExp(emit(e->argument()->argument()));
  SmallVector<Value> arguments;
  for (const Term &term : e->terms)
    arguments.push_back(emit(term.node));
  Value u = arguments.front();
  if (e->is(Function::Sign)) {
    auto compareWithZero = [&](arith::CmpFPredicate predicate) -> Value {
      return arith::CmpFOp::create(builder, predicate, u, constant(0));
    };
    Value negative =
        arith::SelectOp::create(builder, compareWithZero(arith::CmpFPredicate::OLT), constant(-1), constant(0));
    return arith::SelectOp::create(builder, compareWithZero(arith::CmpFPredicate::OGT), constant(1), negative);
  }
  if (e->is(Function::Tan))
    return arith::DivFOp::create(builder, math::SinOp::create(builder, u), math::CosOp::create(builder, u));
  return buildFunction(builder, e->function, arguments);
}
