//===- ExpandMathGammaSlope.cpp - Gamma draws and their concentration -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a draw x of concentration a, with the density p and the distribution function
// P(a, x), implicit reparameterisation (M. Figurnov, S. Mohamed, A. Mnih, "Implicit
// reparameterization gradients", NeurIPS 2018) gives
//
//   dx/da = -(dP/da) / p(x) = (1 / p(x)) * integral from 0 to x of p(t) (psi(a) - log t) dt
//
// and as much by the integral of p(t) (log t - psi(a)) from x on: the whole integral is 0.
// With t = x e^u, u = -s below x and u = s above,
//
//   dx/da = x * integral over s > 0 of exp(a u - x (e^u - 1)) (s + |c|),  c = psi(a) - log x,
//
// below x if c >= 0, else above: there both factors are positive and the first has its
// largest value about s = 0, from where it falls at least as fast as an exponential and a
// bell curve. Nothing cancels, no series and no continued fraction has to converge: Gauss and
// Legendre's formula for s = S r^2, r in [0, 1], does, where S is so large that the rest is
// below e^-34.
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace flowc;
using namespace mlir;

// r^2 for the points r of Gauss and Legendre's formula on [0, 1], and 2 r times the weights:
// 20 of them for f32, 28 for f64.
static constexpr double pointsF32[] = {
    1.1804037289769289e-05, 0.00032450550601698276, 0.0019256988960929134, 0.006470837188913186, 0.01608687542003542,
    0.03311423082817937,    0.05981277244514304,    0.09806101582803448,   0.1490786729242584,   0.21320081654245024,
    0.28972733767594755,    0.37686452406590343,    0.47176710454345405,   0.5706797743959703,   0.6691679115546945,
    0.7624187818801862,     0.8455878090111321,     0.9141601271474189,    0.9642964327839308,   0.9931404032223846};
static constexpr double weightsF32[] = {
    6.051645150485201e-05, 0.0007313956327345001, 0.0027502240773517967, 0.006698907180819395, 0.012928209584163927,
    0.021508232432823488,  0.03220662926682973,   0.04449696404166552,   0.05759674539080049,  0.07053185091112672,
    0.08222153621959956,   0.09157624108180375,   0.09759914527671688,   0.09948200918234716,  0.09668629952869512,
    0.08900191023307678,   0.07657783439588532,   0.059921824256756996,  0.039870034167651947, 0.01755349068764604};
static constexpr double pointsF64[] = {
    3.163955877830043e-06, 8.739290628723346e-05, 0.0005230533521455578, 0.0017794465589376712, 0.00449620387536479,
    0.009443819174738386,  0.017475401956180674,  0.02947211780617708,   0.04628511809455069,   0.06867695701659951,
    0.09726554279529322,   0.13247356849028655,   0.1744861210887837,    0.22321878710151521,   0.2782980769855495,
    0.3390554032221645,    0.4045351961254645,    0.4735170588843719,    0.5445511819717177,    0.6160055899059524,
    0.6861232118450421,    0.7530862799698126,    0.8150851900919176,    0.8703887264497597,    0.9174124729510699,
    0.9547823339810838,    0.9813905582771598,    0.9964456615298324};
static constexpr double weightsF64[] = {
    1.6229828730429983e-05, 0.00019755180725557984, 0.0007524674875488244, 0.0018675867591778743, 0.0036951535580956006,
    0.006343178009226629,   0.009867823520541974,   0.014268450438117242,  0.01948558372232624,   0.02540192812438767,
    0.03184640435723018,    0.03860103081289063,    0.04541033469424132,   0.05199285084283428,   0.05805416217364081,
    0.06330085756405271,    0.06745473510995563,    0.07026656322083041,   0.07152872987354215,   0.07108616067070658,
    0.0688449667907837,     0.06477839071402669,    0.05892974595777305,   0.05141219211762118,   0.04240534799982612,
    0.03214896029475571,    0.02093456078551658,    0.009108052764364308};

/// Entry `i` of a table in every lane.
static MathValue lookUp(MathValue like, Value table, Value i) {
  Value entry = vector::ExtractOp::create(*like.b, table, i);
  if (isa<VectorType>(like.type()))
    entry = vector::BroadcastOp::create(*like.b, like.type(), entry);
  return {like.b, entry};
}

/// psi(a) - log(x), for x close to a, too.
static MathValue digammaLessLog(MathValue a, MathValue x) {
  ImplicitLocOpBuilder &b = *a.b;
  MathValue t = (x - a) / a;
  Value isClose = t.abs() < 0.5;
  MathValue close{&b, buildLog1p(b, select(isClose, t, 0.0))}, far{&b, buildLog(b, select(isClose, 1.0, x / a))};
  // psi(a) = log(a) - 1 / 2a + the derivative of Stirling's remainder.
  MathValue slope{&b, buildStirlingSlope(b, a)};
  return (slope - a.constant(0.5) / a) - select(isClose, close, far);
}

/// Where the first factor has fallen to e^-34. Above x it is at most the bell curve
/// exp(-(x - a) s - x s^2 / 2), which two steps of a fixed-point iteration of the exact
/// condition improve where it is wide; below, exp(-(a - x) s - 0.368 x s^2) for s <= 1, and
/// exp(x - a s).
static MathValue integrationEnd(MathValue a, MathValue x, Value isBelow) {
  constexpr double most = 34, curvature = 0.736; // 2 / e
  ImplicitLocOpBuilder &b = *a.b;
  MathValue slope = select(isBelow, a - x, x - a);
  MathValue square = x * select(isBelow, x.constant(2 * most * curvature), x.constant(2 * most));
  MathValue bell = x.constant(2 * most) / (slope + fma(slope, slope, square).sqrt());
  MathValue below = select(bell > 1.0, (x + most) / a, bell), above = bell;
  for (int i = 0; i < 2; ++i)
    above = {&b, buildLog1p(b, fma(a, above, most) / x)};
  return select(isBelow, below, above);
}

Value flowc::buildGammaSlope(ImplicitLocOpBuilder &b, Value concentration, Value draw) {
  bool isF32 = getElementTypeOrSelf(draw.getType()).isF32();
  auto table = [&](ArrayRef<double> values) -> Value {
    auto type = VectorType::get({int64_t(values.size())}, b.getF64Type());
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
  };
  Value points = isF32 ? table(pointsF32) : table(pointsF64), weights = isF32 ? table(weightsF32) : table(weightsF64);
  int64_t count = isF32 ? std::size(pointsF32) : std::size(pointsF64);
  return inF64(b, {concentration, draw}, [&](ArrayRef<MathValue> operands) {
    // From here on it is sqrt(x / a) up to 1 / a, wherever there are draws.
    Value isLarge = operands[0] > 0x1p40, isPositive = operands[1] >= 0x1p-1022;
    MathValue a = select(isLarge, 1.0, operands[0]), x = select(isPositive, operands[1], 1.0);
    MathValue c = digammaLessLog(a, x), distance = c.abs();
    Value isBelow = c >= 0.0;
    MathValue end = integrationEnd(a, x, isBelow), sign = select(isBelow, x.constant(-1.0), x.constant(1.0));
    auto index = [&](int64_t i) -> Value { return arith::ConstantIndexOp::create(b, i); };
    auto loop = scf::ForOp::create(b, index(0), index(count), index(1), ValueRange{x.constant(0.0)},
                                   [&](OpBuilder &, Location, Value i, ValueRange sum) {
                                     MathValue s = end * lookUp(x, points, i), u = s * sign;
                                     MathValue growth{&b, buildExpm1(b, u)};
                                     MathValue factor{&b, buildExp(b, fma(a, u, -(x * growth)))};
                                     Value next =
                                         fma(lookUp(x, weights, i) * factor, s + distance, MathValue{&b, sum[0]});
                                     scf::YieldOp::create(b, next);
                                   });
    MathValue result = x * end * MathValue{&b, loop.getResult(0)};
    result = select(isLarge, (operands[1] / operands[0]).sqrt(), result);
    // What is no number stays none.
    return select(isPositive, result,
                  select(operands[1].compare(arith::CmpFPredicate::UNO, operands[1]), operands[1], 0.0));
  });
}
