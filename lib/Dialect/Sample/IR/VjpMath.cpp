//===- VjpMath.cpp - Derivatives of arith and math ops --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One rule per op, in the notation of a table of derivatives: g is the cotangent
// of the result y. Rules read y where they can.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/SampleDialect.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace flowc::sample;

namespace {
/// A value in a formula.
struct Term {
  ImplicitLocOpBuilder *builder;
  Value value;

  Term constant(double number) const { return {builder, buildConstant(*builder, value.getType(), number)}; }
  template <typename OpTy>
  Term apply() const {
    return {builder, OpTy::create(*builder, value)};
  }
  template <typename OpTy>
  Term apply(Term b) const {
    return {builder, OpTy::create(*builder, value, b.value)};
  }
  Term operator-() const { return apply<arith::NegFOp>(); }
};

Term operator+(Term a, Term b) { return a.apply<arith::AddFOp>(b); }
Term operator-(Term a, Term b) { return a.apply<arith::SubFOp>(b); }
Term operator*(Term a, Term b) { return a.apply<arith::MulFOp>(b); }
Term operator/(Term a, Term b) { return a.apply<arith::DivFOp>(b); }
Term operator+(double a, Term b) { return b.constant(a) + b; }
Term operator-(double a, Term b) { return b.constant(a) - b; }
Term operator*(double a, Term b) { return b.constant(a) * b; }

/// What a rule sees of the op that it differentiates.
struct Rule {
  VjpBuilder &vjp;
  Operation *op;
  Term g;

  Term operand(unsigned i) const { return {g.builder, vjp.lookup(op->getOperand(i))}; }
  Term result() const { return {g.builder, vjp.lookup(op->getResult(0))}; }
  bool isNeeded(unsigned i) const { return vjp.isNeeded(op->getOperand(i)); }
  /// Adds to the cotangent of operand `i`, if it is wanted.
  template <typename Formula>
  void add(unsigned i, Formula formula) const {
    if (isNeeded(i))
      vjp.accumulate(op->getOperand(i), formula().value);
  }
  Term compare(arith::CmpFPredicate predicate, Term a, Term b) const {
    return {g.builder, arith::CmpFOp::create(*g.builder, predicate, a.value, b.value)};
  }
  Term select(Term condition, Term a, Term b) const {
    return {g.builder, arith::SelectOp::create(*g.builder, condition.value, a.value, b.value)};
  }
  /// {m, q} with 1 + x^2 = m^2 (1 + q), of which nothing overflows.
  std::pair<Term, Term> scale(Term x) const {
    Term size = x.apply<math::AbsFOp>(), one = x.constant(1.0);
    Term isLarge = compare(arith::CmpFPredicate::OGT, size, one);
    Term large = select(isLarge, size, one), small = select(isLarge, one, size);
    Term ratio = small / large;
    return {large, ratio * ratio};
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// arith
//===----------------------------------------------------------------------===//

static void derive(arith::AddFOp, const Rule &r) {
  r.add(0, [&] { return r.g; });
  r.add(1, [&] { return r.g; });
}

static void derive(arith::SubFOp, const Rule &r) {
  r.add(0, [&] { return r.g; });
  r.add(1, [&] { return -r.g; });
}

/// 2 a, which is exact: for a = c b with constant c it is (2 c) b.
static Term twice(Term a) {
  auto product = a.value.getDefiningOp<arith::MulFOp>();
  FloatAttr factor;
  if (!product || !matchPattern(product.getRhs(), m_Constant(&factor)))
    return 2.0 * a;
  Term b{a.builder, product.getLhs()};
  double doubled = 2.0 * factor.getValueAsDouble();
  return doubled == 1.0 ? b : b * b.constant(doubled);
}

static void derive(arith::MulFOp op, const Rule &r) {
  if (op.getLhs() == op.getRhs())
    return r.add(0, [&] { return twice(r.g) * r.operand(0); });
  r.add(0, [&] { return r.g * r.operand(1); });
  r.add(1, [&] { return r.g * r.operand(0); });
}

// d(a / b) = da / b - (y / b) db.
static void derive(arith::DivFOp, const Rule &r) {
  Term da = r.g / r.operand(1);
  r.add(0, [&] { return da; });
  r.add(1, [&] { return -(da * r.result()); });
}

static void derive(arith::NegFOp, const Rule &r) {
  r.add(0, [&] { return -r.g; });
}

static void derive(math::FmaOp, const Rule &r) {
  r.add(0, [&] { return r.g * r.operand(1); });
  r.add(1, [&] { return r.g * r.operand(0); });
  r.add(2, [&] { return r.g; });
}

/// Whether the block yields the result of `op`, so that a derivative that reads
/// it needs nothing else.
static bool isYielded(Operation *op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) { return isa<YieldOp>(user); });
}

/// Whether `predicate` is < or >.
static bool isStrict(arith::CmpFPredicate predicate) {
  using enum arith::CmpFPredicate;
  return predicate == OGT || predicate == OLT || predicate == UGT || predicate == ULT;
}

static void derive(arith::SelectOp op, const Rule &r) {
  Term condition = r.operand(0), zero = r.g.constant(0.0);
  // select(a > b, a, b) with constant b: y > b says the same as a > b, and a is
  // not needed (relu).
  auto compare = op.getCondition().getDefiningOp<arith::CmpFOp>();
  if (compare && isStrict(compare.getPredicate()) && compare.getLhs() == op.getTrueValue() &&
      compare.getRhs() == op.getFalseValue() && !r.isNeeded(2) && isYielded(op))
    condition = r.compare(compare.getPredicate(), r.result(), r.operand(2));
  r.add(1, [&] { return r.select(condition, r.g, zero); });
  r.add(2, [&] { return r.select(condition, zero, r.g); });
}

/// The cotangent goes to the operand that is the result; of two equal ones, to
/// the second. If only one is wanted, the result tells which it was.
static void deriveExtremum(arith::CmpFPredicate wins, const Rule &r) {
  Term zero = r.g.constant(0.0);
  if (!r.isNeeded(1) || !r.isNeeded(0)) {
    unsigned wanted = r.isNeeded(0) ? 0 : 1;
    Term a = isYielded(r.op) ? r.result() : r.operand(wanted);
    r.add(wanted, [&] { return r.select(r.compare(wins, a, r.operand(1 - wanted)), r.g, zero); });
    return;
  }
  Term first = r.compare(wins, r.operand(0), r.operand(1));
  r.add(0, [&] { return r.select(first, r.g, zero); });
  r.add(1, [&] { return r.select(first, zero, r.g); });
}

static void derive(arith::MaximumFOp, const Rule &r) { deriveExtremum(arith::CmpFPredicate::OGT, r); }
static void derive(arith::MaxNumFOp, const Rule &r) { deriveExtremum(arith::CmpFPredicate::OGT, r); }
static void derive(arith::MinimumFOp, const Rule &r) { deriveExtremum(arith::CmpFPredicate::OLT, r); }
static void derive(arith::MinNumFOp, const Rule &r) { deriveExtremum(arith::CmpFPredicate::OLT, r); }

//===----------------------------------------------------------------------===//
// math: all functions of one argument x
//===----------------------------------------------------------------------===//

/// dy/dx of the op's function, times g.
static Term slope(math::ExpOp, const Rule &r, Term) { return r.g * r.result(); }
static Term slope(math::Exp2Op, const Rule &r, Term) { return r.g * (llvm::numbers::ln2 * r.result()); }
static Term slope(math::ExpM1Op op, const Rule &r, Term x) {
  return r.g * (op->hasAttr(kExactTails) ? x.apply<math::ExpOp>() : 1.0 + r.result());
}
static Term slope(math::Log1pOp, const Rule &r, Term x) { return r.g / (1.0 + x); }
static Term slope(math::SqrtOp, const Rule &r, Term) { return (0.5 * r.g) / r.result(); }
static Term slope(math::RsqrtOp, const Rule &r, Term x) { return (-0.5 * r.g) * (r.result() / x); }
static Term slope(math::SinOp, const Rule &r, Term x) { return r.g * x.apply<math::CosOp>(); }
static Term slope(math::CosOp, const Rule &r, Term x) { return -(r.g * x.apply<math::SinOp>()); }
// 1 - y^2 = 4 t/(1 + t)^2 for t = exp(-2|x|).
static Term slope(math::TanhOp op, const Rule &r, Term x) {
  if (!op->hasAttr(kExactTails))
    return r.g * (1.0 - r.result() * r.result());
  Term t = (-2.0 * x.apply<math::AbsFOp>()).apply<math::ExpOp>(), sum = 1.0 + t;
  return r.g * (4.0 * t / (sum * sum));
}
static Term slope(math::SinhOp, const Rule &r, Term x) { return r.g * x.apply<math::CoshOp>(); }
static Term slope(math::CoshOp, const Rule &r, Term x) { return r.g * x.apply<math::SinhOp>(); }
static Term slope(math::AsinhOp, const Rule &r, Term x) {
  auto [large, ratio] = r.scale(x);
  return r.g / (large * (1.0 + ratio).apply<math::SqrtOp>());
}
static Term slope(math::AtanOp, const Rule &r, Term x) {
  auto [large, ratio] = r.scale(x);
  return r.g / large / (large * (1.0 + ratio));
}
static Term slope(math::AtanhOp, const Rule &r, Term x) { return r.g / ((1.0 - x) * (1.0 + x)); }
static Term slope(math::ErfOp, const Rule &r, Term x) {
  return r.g * (2.0 * llvm::numbers::inv_sqrtpi * (-(x * x)).apply<math::ExpOp>());
}
static Term slope(math::ErfcOp, const Rule &r, Term x) {
  return r.g * (-2.0 * llvm::numbers::inv_sqrtpi * (-(x * x)).apply<math::ExpOp>());
}
static Term slope(math::AbsFOp, const Rule &r, Term x) {
  Term zero = x.constant(0.0), isPositive = r.compare(arith::CmpFPredicate::OGT, x, zero);
  Term isNegative = r.compare(arith::CmpFPredicate::OLT, x, zero);
  return r.select(isPositive, r.g, r.select(isNegative, -r.g, zero));
}

template <typename OpTy>
static void derive(OpTy op, const Rule &r) {
  r.add(0, [&] { return slope(op, r, r.operand(0)); });
}

// d log|x| = dx / x needs no sign of x.
static void derive(math::LogOp op, const Rule &r) {
  auto abs = op.getOperand().getDefiningOp<math::AbsFOp>();
  Value x = abs && r.vjp.isNeeded(abs.getOperand()) ? abs.getOperand() : op.getOperand();
  r.vjp.accumulate(x, (r.g / Term{r.g.builder, r.vjp.lookup(x)}).value);
}

// y = a^b: da = g b a^(b-1), which is 0 for b = 0 even if a is 0, db = g y log(a), which
// is 0 for a = 0.
static void derive(math::PowFOp op, const Rule &r) {
  Term a = r.operand(0), b = r.operand(1);
  r.add(0, [&] {
    Term less = b - b.constant(1.0);
    FloatAttr exponent;
    bool isConstant = matchPattern(op.getRhs(), m_Constant(&exponent));
    if (!isConstant)
      less = r.select(r.compare(arith::CmpFPredicate::OEQ, b, b.constant(0.0)), b.constant(1.0), less);
    Term slope = b * a.apply<math::PowFOp>(less), product = r.g * slope;
    if (isConstant && exponent.getValueAsDouble() >= 1)
      return product;
    // Where the slope is infinite, what does not count must not make it NaN: x |x|^0.5.
    return r.select(r.compare(arith::CmpFPredicate::OEQ, r.g, r.g.constant(0.0)), r.g, product);
  });
  r.add(1, [&] {
    Term isZero = r.compare(arith::CmpFPredicate::OEQ, a, a.constant(0.0));
    return r.g * (r.result() * r.select(isZero, a.constant(1.0), a).apply<math::LogOp>());
  });
}

// Steps are flat.
static void derive(math::FloorOp, const Rule &) {}
static void derive(math::CeilOp, const Rule &) {}

// The sign of b is a step.
static void derive(math::CopySignOp, const Rule &r) {
  r.add(0, [&] {
    Term zero = r.g.constant(0.0);
    Term flipped = r.compare(arith::CmpFPredicate::OLT, r.operand(0) * r.result(), zero);
    return r.select(flipped, -r.g, r.g);
  });
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

namespace {
/// Attaches the rule of `OpTy`.
template <typename OpTy>
struct Model : DifferentiableOpInterface::ExternalModel<Model<OpTy>, OpTy> {
  LogicalResult buildVjp(Operation *op, VjpBuilder &vjp, ValueRange cotangents) const {
    derive(cast<OpTy>(op), Rule{vjp, op, Term{&vjp.getBuilder(), cotangents[0]}});
    return success();
  }
};

/// A select of tangents is the tangent of a select: what is not taken says nothing.
struct SelectModel : DifferentiableOpInterface::ExternalModel<SelectModel, arith::SelectOp> {
  LogicalResult buildVjp(Operation *op, VjpBuilder &vjp, ValueRange cotangents) const {
    derive(cast<arith::SelectOp>(op), Rule{vjp, op, Term{&vjp.getBuilder(), cotangents[0]}});
    return success();
  }
  LogicalResult buildJvp(Operation *op, JvpBuilder &jvp) const { return buildLinearJvp(op, jvp); }
};
} // namespace

template <typename... OpTys>
static void attach(MLIRContext *context) {
  (OpTys::template attachInterface<Model<OpTys>>(*context), ...);
}

void flowc::sample::registerDifferentiableExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attach<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp, arith::MaximumFOp,
           arith::MaxNumFOp, arith::MinimumFOp, arith::MinNumFOp>(context);
    arith::SelectOp::attachInterface<SelectModel>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attach<math::FmaOp, math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp, math::Log1pOp, math::SqrtOp,
           math::RsqrtOp, math::SinOp, math::CosOp, math::TanhOp, math::SinhOp, math::CoshOp, math::AsinhOp,
           math::AtanOp, math::AtanhOp, math::ErfOp, math::ErfcOp, math::AbsFOp, math::PowFOp, math::FloorOp,
           math::CeilOp, math::CopySignOp>(context);
  });
}
