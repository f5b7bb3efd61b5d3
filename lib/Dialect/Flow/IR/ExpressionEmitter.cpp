//===- ExpressionEmitter.cpp - Expressions as ops -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

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

/// Whether `log` = log(1 - exp(-v)) stands beside v in `sum`: what it is more exact than to
/// roundings of 1, v is not.
static bool isRestOfInverseSoftplus(Expr sum, const Term &log) {
  Expr rest = log.node->is(Function::Log) ? log.node->argument() : nullptr;
  if (!rest || rest->kind != Kind::Sum || rest->number != 1 || rest->terms.size() != 1 || rest->terms[0].factor != -1 ||
      !rest->terms[0].node->is(Function::Exp))
    return false;
  Expr minus = rest->terms[0].node->argument();
  if (minus->kind != Kind::Sum || minus->number != 0 || minus->terms.size() != 1)
    return false;
  auto [c, v] = minus->terms[0];
  // 1 - exp(-exp(u)) vanishes where u does not.
  return !v->is(Function::Exp) &&
         llvm::any_of(sum->terms, [&](const Term &term) { return term.node == v && term.factor == -c * log.factor; });
}

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
      add(factor, buildFunction(builder, Function::Expm1, emit(node->argument())));
    } else if (Value power = offset != 0 && factor == -offset ? emitPowerMinus1(node) : Value()) {
      offset = 0;
      add(factor, power);
    } else if (isRestOfInverseSoftplus(e, {factor, node})) {
      add(factor, math::LogOp::create(builder, emit(node->argument())));
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

/// scale * (product of the factors + shift), which is `scale` without factors.
struct ExpressionEmitter::Square {
  double scale;
  std::vector<Term> factors;
  double shift = 0;
};

/// What a multiple of a product of even powers is the square of.
static std::optional<std::pair<double, std::vector<Term>>> matchSquare(Term term) {
  if (term.factor <= 0 || term.node->kind != Kind::Product)
    return std::nullopt;
  std::vector<Term> factors;
  for (auto [exponent, base] : term.node->terms) {
    if (std::fmod(exponent, 2) != 0)
      return std::nullopt;
    factors.push_back({exponent / 2, base});
  }
  return std::pair(std::sqrt(term.factor), factors);
}

/// p and q of p^2 + q^2: of sums like 4 + (a x)^2, a^2 + x^2 and, by completing the
/// square, x^2 + x + 1.
std::optional<std::pair<ExpressionEmitter::Square, ExpressionEmitter::Square>>
ExpressionEmitter::matchSumOfSquares(Expr e) {
  if (e->kind != Kind::Sum || e->number < 0 || e->terms.size() + (e->number > 0) < 2 || e->terms.size() > 2)
    return std::nullopt;
  auto first = matchSquare(e->terms[0]), second = matchSquare(e->terms.back());
  auto asSquare = [](const auto &matched) { return Square{matched->first, matched->second}; };
  if (e->terms.size() == 1 && first)
    return std::pair(asSquare(first), Square{std::sqrt(e->number), {}});
  if (e->terms.size() != 2)
    return std::nullopt;
  if (e->number == 0 && first && second)
    return std::pair(asSquare(first), asSquare(second));
  // k (t + h)^2 + rest.
  size_t linear = first ? 1 : 0;
  auto &square = first ? first : second;
  bool isParabola = square && square->second.size() == 1 && square->second[0].factor == 1 &&
                    square->second[0].node == e->terms[linear].node;
  if (!isParabola)
    return std::nullopt;
  double k = e->terms[1 - linear].factor, h = e->terms[linear].factor / (2 * k), rest = e->number - k * h * h;
  if (rest <= 0)
    return std::nullopt;
  return std::pair(Square{square->first, square->second, h}, Square{std::sqrt(rest), {}});
}

Value ExpressionEmitter::emitRootOfSquare(const Square &square) {
  if (square.factors.empty())
    return constant(square.scale);
  symbolic::Node product;
  product.kind = Kind::Product;
  product.terms = square.factors;
  Value value = emitProduct(&product);
  if (square.shift != 0)
    value = arith::AddFOp::create(builder, value, constant(square.shift));
  return square.scale == 1 ? value : arith::MulFOp::create(builder, value, constant(square.scale)).getResult();
}

/// {m, (n / m)^2} for the larger m and the smaller n of |p| and |q|: p^2 + q^2 =
/// m^2 (1 + r), and neither overflows. Exactly one of them is taken to move where both are equal.
std::pair<Value, Value> ExpressionEmitter::emitScaled(const std::pair<Square, Square> &squares) {
  bool isConstant = squares.second.factors.empty();
  Value p = math::AbsFOp::create(builder, emitRootOfSquare(squares.first)), q = emitRootOfSquare(squares.second);
  if (!isConstant)
    q = math::AbsFOp::create(builder, q);
  Value isLarger = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, p, q);
  Value large = arith::SelectOp::create(builder, isLarger, p, q);
  Value small = arith::SelectOp::create(builder, isLarger, q, p);
  Value divisor = large;
  if (!isConstant) {
    Value isZero = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, large, constant(0));
    divisor = arith::SelectOp::create(builder, isZero, constant(1), large);
  }
  Value ratio = arith::DivFOp::create(builder, small, divisor);
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

/// The logarithm of u^v for a number u that can be close to 1; null for anything else.
Value ExpressionEmitter::emitLogOfPower(Expr e) {
  bool isPower = e->kind == Kind::Product && e->terms.size() == 1 && e->terms[0].factor != 1;
  if (!isPower && !e->is(Function::Pow))
    return {};
  Expr base = e->argument(0);
  bool isSigmoid = base->is(Function::Sigmoid);
  if (isPower && !isSigmoid && (base->kind != Kind::Sum || base->number != 1))
    return {};
  Value exponent = isPower ? constant(e->terms[0].factor) : emit(e->argument(1));
  if (!isSigmoid)
    return arith::MulFOp::create(builder, exponent, emitLog(base));
  Value opposite = arith::NegFOp::create(builder, emit(base->argument()));
  Value softplus = Log1pExpOp::create(builder, opposite);
  return arith::NegFOp::create(builder, arith::MulFOp::create(builder, exponent, softplus));
}

/// u^v - 1 for a number u that can be close to 1; null for anything else. Close to 1 it is
/// expm1(v log(u)).
Value ExpressionEmitter::emitPowerMinus1(Expr e) {
  Value log = emitLogOfPower(e);
  if (!log)
    return {};
  constexpr double kClose = 0.5; // from there on a power differs from 1 by its own size
  Value isClose =
      arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, math::AbsFOp::create(builder, log), constant(kClose));
  Value close = math::ExpM1Op::create(builder, arith::SelectOp::create(builder, isClose, log, constant(0)));
  Value far = arith::SubFOp::create(builder, emit(e), constant(1));
  return arith::SelectOp::create(builder, isClose, close, far);
}

static constexpr double kMaxWhole = 64;

/// (1 + exp(u))^p = exp(p max(u, 0)) (1 + exp(-|u|))^p, which overflows where it is too large
/// itself; null for another base.
Value ExpressionEmitter::emitPowerOfExponential(Expr base, double exponent) {
  bool matches = base->kind == Kind::Sum && base->number == 1 && base->terms.size() == 1 &&
                 base->terms[0].factor == 1 && base->terms[0].node->is(Function::Exp);
  if (!matches)
    return {};
  Value u = emit(base->terms[0].node->argument());
  Value small = math::ExpOp::create(builder, arith::NegFOp::create(builder, math::AbsFOp::create(builder, u)));
  Value rest = arith::AddFOp::create(builder, small, constant(1));
  rest = exponent == 0.5 ? math::SqrtOp::create(builder, rest).getResult()
                         : math::PowFOp::create(builder, rest, constant(exponent)).getResult();
  Value isLarge = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, u, constant(0));
  Value positive = arith::SelectOp::create(builder, isLarge, u, constant(0));
  Value scale = math::ExpOp::create(builder, arith::MulFOp::create(builder, positive, constant(exponent)));
  return arith::MulFOp::create(builder, scale, rest);
}

/// base ^ exponent for an exponent > 0.
Value ExpressionEmitter::emitPower(Expr base, double exponent) {
  double whole = std::floor(exponent);
  bool isHalf = exponent - whole == 0.5;
  if (Value power = exponent != whole ? emitPowerOfExponential(base, exponent) : Value())
    return power;
  if (exponent > kMaxWhole || (exponent != whole && !isHalf))
    return math::PowFOp::create(builder, emit(base), constant(exponent));
  Value result;
  if (auto squares = matchSumOfSquares(base); squares && isHalf) {
    auto [large, ratio] = emitScaled(*squares);
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

//===----------------------------------------------------------------------===//
// Fractions: (1 - t^2) / (1 + t^2)^2 is no quotient of infinities far out
//===----------------------------------------------------------------------===//

static bool contains(Expr e, Expr part) {
  DenseSet<Expr> seen;
  auto visit = [&](auto &self, Expr node) -> bool {
    return node == part || (seen.insert(node).second &&
                            llvm::any_of(node->terms, [&](const Term &term) { return self(self, term.node); }));
  };
  return visit(visit, e);
}

/// The degree of `e` as a polynomial in t; none if it is something else.
static std::optional<double> getDegree(Expr e, Expr t) {
  if (e == t)
    return 1;
  if (!contains(e, t))
    return 0;
  if (e->kind != Kind::Sum && e->kind != Kind::Product)
    return std::nullopt;
  double degree = 0;
  for (auto [factor, node] : e->terms) {
    std::optional<double> inner = getDegree(node, t);
    bool isSum = e->kind == Kind::Sum;
    if (!inner || (!isSum && *inner > 0 && (factor < 0 || factor != std::floor(factor))))
      return std::nullopt;
    degree = isSum ? std::max(degree, *inner) : degree + factor * *inner;
  }
  return degree;
}

/// The node t that a fraction with a sum of squares in its denominator is to be
/// computed in; null if its powers need no care.
Expr ExpressionEmitter::findScaledNode(Expr product) {
  for (auto [exponent, base] : product->terms) {
    auto squares = exponent < 0 ? matchSumOfSquares(base) : std::nullopt;
    if (!squares)
      continue;
    for (const Term &candidate : llvm::concat<const Term>(squares->first.factors, squares->second.factors)) {
      double above = 0;
      for (auto [other, node] : product->terms)
        if (other > 0)
          above += other * getDegree(node, candidate.node).value_or(0);
      // x / sqrt(1 + x^2) is computed with care anyway.
      if (candidate.factor > 0 && above >= 1 && above - 2 * exponent > 2)
        return candidate.node;
    }
  }
  return nullptr;
}

/// m^-degree e for m = max(|t|, 1), by t/m and 1/m.
Value ExpressionEmitter::emitHomogeneous(Expr e, double degree, const Homogeneous &h) {
  auto shrink = [&](Value value, double by) -> Value {
    return by == 0 ? value : arith::MulFOp::create(builder, value, emitWholePower(h.inverse, unsigned(by))).getResult();
  };
  if (e == h.node)
    return shrink(h.ratio, degree - 1);
  if (!contains(e, h.node))
    return shrink(emit(e), degree);
  Value result;
  if (e->kind == Kind::Sum) {
    if (e->number != 0)
      result = shrink(constant(e->number), degree);
    for (auto [factor, node] : e->terms) {
      Value term = emitHomogeneous(node, degree, h);
      if (factor != 1)
        term = arith::MulFOp::create(builder, term, constant(factor));
      result = result ? arith::AddFOp::create(builder, result, term).getResult() : term;
    }
    return result;
  }
  double own = 0;
  for (auto [exponent, node] : e->terms) {
    double inner = *getDegree(node, h.node);
    Value power =
        inner == 0 ? emitFactor(node, exponent) : emitWholePower(emitHomogeneous(node, inner, h), unsigned(exponent));
    own += exponent * inner;
    result = result ? arith::MulFOp::create(builder, result, power).getResult() : power;
  }
  return shrink(result, degree - own);
}

/// base ^ exponent, of either sign.
Value ExpressionEmitter::emitFactor(Expr base, double exponent) {
  Value power = emitPower(base, std::abs(exponent));
  return exponent > 0 ? power : arith::DivFOp::create(builder, constant(1), power).getResult();
}

/// Polynomials p of degree n are replaced by m^-n p, and the powers of m collected.
Value ExpressionEmitter::emitFraction(Expr e, Expr t) {
  Value value = emit(t), size = math::AbsFOp::create(builder, value);
  Value isLarge = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, size, constant(1));
  Value large = arith::SelectOp::create(builder, isLarge, size, constant(1));
  Homogeneous h{t, arith::DivFOp::create(builder, value, large), arith::DivFOp::create(builder, constant(1), large)};
  Value above, below;
  double degree = 0;
  for (auto [exponent, base] : e->terms) {
    Value &side = exponent < 0 ? below : above;
    double count = std::abs(exponent), whole = std::floor(count), inner = getDegree(base, t).value_or(0);
    Value power;
    if (inner == 0 || count > kMaxWhole || (count != whole && count - whole != 0.5)) {
      power = emitPower(base, count);
    } else {
      Value scaled = emitHomogeneous(base, inner, h);
      if (whole > 0)
        power = emitWholePower(scaled, unsigned(whole));
      if (count != whole) {
        Value root = math::SqrtOp::create(builder, scaled);
        power = power ? arith::MulFOp::create(builder, power, root).getResult() : root;
      }
      degree += exponent * inner;
    }
    side = side ? arith::MulFOp::create(builder, side, power).getResult() : power;
  }
  Value fraction = arith::DivFOp::create(builder, above, below);
  // m^degree, of which roots of odd degrees make a half.
  double count = std::abs(degree), whole = std::floor(count);
  Value scale = degree < 0 ? h.inverse : large;
  if (whole > 0)
    fraction = arith::MulFOp::create(builder, fraction, emitWholePower(scale, unsigned(whole)));
  if (count != whole)
    fraction = arith::MulFOp::create(builder, fraction, math::SqrtOp::create(builder, scale));
  return fraction;
}

/// For a product of powers with exponents n and -n alone, n > 1; null for any other.
Value ExpressionEmitter::emitPowerOfQuotient(Expr e) {
  double count = std::abs(e->terms.front().factor);
  auto isCounted = [&](const Term &term) { return std::abs(term.factor) == count; };
  bool isPower = count > 1 && count == std::floor(count) && count <= kMaxWhole && llvm::all_of(e->terms, isCounted);
  bool isFraction = llvm::any_of(e->terms, [](const Term &term) { return term.factor > 0; }) &&
                    llvm::any_of(e->terms, [](const Term &term) { return term.factor < 0; });
  if (!isPower || !isFraction)
    return {};
  symbolic::Node quotient = *e;
  for (Term &term : quotient.terms)
    term.factor /= count;
  return emitWholePower(emitProduct(&quotient), static_cast<unsigned>(count));
}

Value ExpressionEmitter::emitProduct(Expr e) {
  if (Expr t = findScaledNode(e))
    return emitFraction(e, t);
  // (u / v)^2: u^2 and v^2 may overflow where it does not.
  if (Value power = emitPowerOfQuotient(e))
    return power;
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

/// log(k v^2 - c) = log(c) + log(w - 1) + log(w + 1), w = |v| sqrt(k/c): v^2 may overflow,
/// or come close to c/k. Null for other sums.
Value ExpressionEmitter::emitLogOfDifference(Expr sum) {
  bool isSum = sum->kind == Kind::Sum && sum->number < 0 && sum->terms.size() == 1;
  auto square = isSum ? matchSquare(sum->terms[0]) : std::nullopt;
  if (!square || square->second.size() != 1 || square->second[0].factor != 1)
    return {};
  double root = std::sqrt(-sum->number);
  Value w = math::AbsFOp::create(builder, emit(square->second[0].node));
  if (square->first != root)
    w = arith::MulFOp::create(builder, w, constant(square->first / root));
  Value below = math::LogOp::create(builder, arith::SubFOp::create(builder, w, constant(1)));
  Value log = arith::AddFOp::create(builder, below, math::Log1pOp::create(builder, w));
  return sum->number == -1 ? log : arith::AddFOp::create(builder, log, constant(2 * std::log(root))).getResult();
}

/// log(u), if nothing is known of u but its terms.
Value ExpressionEmitter::emitLogOfSum(Expr argument) {
  if (Value log = emitLogOfDifference(argument))
    return log;
  if (auto squares = matchSumOfSquares(argument)) {
    auto [large, ratio] = emitScaled(*squares);
    Value twice = arith::MulFOp::create(builder, math::LogOp::create(builder, large), constant(2));
    return arith::AddFOp::create(builder, twice, math::Log1pOp::create(builder, ratio));
  }
  auto isExpm1 = [](const Term &term) { return term.factor == -1 && term.node->is(Function::Exp); };
  if (argument->kind != Kind::Sum || argument->number != 1)
    return math::LogOp::create(builder, emit(argument));
  if (argument->terms.size() == 1 && isExpm1(argument->terms[0]))
    return emitLog1mExp(emit(argument->terms[0].node->argument()));
  if (argument->terms.size() == 1 && argument->terms[0].factor == -1)
    if (Value log = emitLogOfPower(argument->terms[0].node))
      return emitLog1mExp(log);
  if (llvm::any_of(argument->terms, isExpm1))
    return math::LogOp::create(builder, emit(argument));
  // log(1 + rest).
  symbolic::Node rest = *argument;
  rest.number = 0;
  bool isAlone = rest.terms.size() == 1 && rest.terms[0].factor == 1;
  return math::Log1pOp::create(builder, isAlone ? emit(rest.terms[0].node) : emitSum(&rest));
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

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
