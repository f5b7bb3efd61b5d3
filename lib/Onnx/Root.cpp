//===- Root.cpp - Roots of increasing functions, in ONNX ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps are those of flow.root in kernels (lib/Conversion/FlowToTile/EmitRoot.cpp); but
// for a geometric mean, which kernels take of bits.
//
//===----------------------------------------------------------------------===//

#include "Root.h"
#include "Converter.h"

#include "flowc/Dialect/Sample/IR/Root.h"

#include <cmath>

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

/// Steps of Newton's method before every other one is a bisection.
static constexpr int64_t kFreeSteps = 16;

namespace {
class RootFinder {
public:
  RootFinder(GraphBuilder &b, const RootSearch &search)
      : b(b), search(search), isDouble(b.real == ElementType::Double), epsilon(std::ldexp(1, isDouble ? -52 : -23)),
        largest(getLargest(b.real)) {}

  FailureOr<Number> find(RootFunction function);

private:
  /// What a step hands to the next one.
  struct State {
    Number t, lower, upper;
    Number previous;      ///< f at the step before; NaN at first
    Number reach, growth; ///< how far a step towards infinity may go, and its growth
    Truth isBracketed;    ///< f has changed its sign
    Truth isActive;
    Truth isHemmed; ///< one of the bounds is only a place where f is no number

    std::vector<Tensor> pack() const {
      return {t, lower, upper, previous, reach, growth, isBracketed, isActive, isHemmed};
    }
    static State unpack(GraphBuilder &b, ArrayRef<Tensor> v) {
      return {{&b, v[0]}, {&b, v[1]}, {&b, v[2]}, {&b, v[3]}, {&b, v[4]},
              {&b, v[5]}, {&b, v[6]}, {&b, v[7]}, {&b, v[8]}};
    }
  };
  /// How far a step may go.
  struct Walls {
    Number lower, upper;
  };

  Number constant(double value) { return {&b, b.constant(value)}; }
  Truth truth(bool value) { return {&b, b.truth(value)}; }
  bool isOpen() const { return !search.lower || !search.upper; }

  State start();
  State makeStep(const Tensor &number, const State &s, ArrayRef<Tensor> yielded);
  Truth retreat(const State &s, const Number &f, State &next);
  Walls findWalls(const State &s, const State &next, const Truth &retreats);
  Number findMiddle(const Number &lower, const Number &upper);

  GraphBuilder &b;
  const RootSearch &search;
  bool isDouble;
  double epsilon, largest;
};
} // namespace

RootFinder::State RootFinder::start() {
  Number infinity = constant(std::numeric_limits<double>::infinity());
  std::optional<Number> lower = search.lower, upper = search.upper, t = search.start;
  if (!t && lower && upper)
    t = *lower * 0.5 + *upper * 0.5;
  else if (!t && lower)
    t = *lower + (lower->abs() + 1);
  else if (!t && upper)
    t = *upper - (upper->abs() + 1);
  else if (!t)
    t = constant(0);
  if (lower)
    t = max(*t, *lower);
  if (upper)
    t = min(*t, *upper);
  State s{*t,
          lower.value_or(-infinity),
          upper.value_or(infinity),
          infinity.nan(),
          t->abs() + 1,
          constant(4),
          truth(false),
          truth(true),
          truth(false)};
  std::vector<Tensor> expanded = s.pack();
  for (Tensor &tensor : expanded)
    tensor = b.expand(tensor, 0, search.like.hasRows, search.like.hasElements);
  return State::unpack(b, expanded);
}

/// Too far out, terms of f may be infinities of both signs. What is beyond such a place is not
/// looked at; if there is a root it lies before it. The answer is which rows step back.
Truth RootFinder::retreat(const State &s, const Number &f, State &next) {
  Truth cameFromBelow = s.previous<0, cameFromAbove = s.previous> 0;
  Truth retreats = f.isNaN() && !s.isBracketed && (cameFromBelow || cameFromAbove);
  next.upper = select(retreats && cameFromBelow, min(s.t, constant(largest)), next.upper);
  next.lower = select(retreats && cameFromAbove, max(s.t, constant(-largest)), next.lower);
  next.isHemmed = s.isHemmed || retreats;
  next.previous = select(retreats, s.previous, next.previous);
  return retreats;
}

/// The middle of (lower, upper), or about the geometric mean if the bounds differ by orders of
/// magnitude.
Number RootFinder::findMiddle(const Number &lower, const Number &upper) {
  Number middle = lower * 0.5 + upper * 0.5;
  Number a = lower.abs(), z = upper.abs();
  Truth isUpper = a < z;
  Number large = select(isUpper, z, a), small = select(isUpper, a, z), end = select(isUpper, upper, lower);
  Number floored = max(small, large * std::ldexp(1.0, isDouble ? -200 : -40));
  Number geometric = floored.sqrt() * large.sqrt();
  return select(small * 256 < large, select(end < 0, -geometric, geometric), middle);
}

RootFinder::Walls RootFinder::findWalls(const State &s, const State &next, const Truth &retreats) {
  Walls walls{next.lower, next.upper};
  if (!search.lower)
    walls.lower = max(walls.lower, s.t - s.reach);
  if (!search.upper)
    walls.upper = min(walls.upper, s.t + s.reach);
  // The way back ends at the last good place, however long the last step was.
  return {select(retreats, next.lower, walls.lower), select(retreats, next.upper, walls.upper)};
}

RootFinder::State RootFinder::makeStep(const Tensor &number, const State &s, ArrayRef<Tensor> yielded) {
  State next = s;
  Number f{&b, yielded[0]}, slope{&b, yielded[1]};
  Truth isNegative = f<0, isPositive = f> 0;
  next.lower = select(isNegative, s.t, s.lower);
  next.upper = select(isPositive, s.t, s.upper);
  Truth hasFlipped = (isNegative && s.previous > 0) || (isPositive && s.previous < 0);
  next.isBracketed = s.isBracketed || hasFlipped;
  next.previous = f;
  Truth retreats = isOpen() ? retreat(s, f, next) : truth(false);
  Walls walls = findWalls(s, next, retreats);

  Number newton = s.t - f / slope;
  Truth isInside = walls.lower <= newton && newton <= walls.upper;
  if (isOpen()) // an infinite slope would make any place a root
    isInside = isInside && slope.abs() < slope.infinity();
  Truth fellShort = hasFlipped && s.previous.abs() * 0.5 < f.abs();
  Truth isEarly{&b, b.makeAs(ElementType::Bool, "Less", {number, b.integer(kFreeSteps)})};
  Tensor parity = b.make("Mod", {number, b.integer(2)});
  Truth isEven{&b, b.makeAs(ElementType::Bool, "Equal", {parity, b.integer(0)})};
  Truth isNewton = isInside && !fellShort && (isEarly || isEven);
  if (isOpen()) {
    next.reach = select(isNewton, s.reach, min(s.reach * s.growth, constant(largest / 8)));
    next.growth = select(isNewton, s.growth, min(s.growth * 2, constant(std::ldexp(1.0, 30))));
  }

  // Where Newton's step is not taken: the middle of the bracket, or, while f has had one sign
  // only, as far as possible towards the other.
  Number other = select(isNegative, walls.upper, walls.lower);
  Number middle = findMiddle(walls.lower, walls.upper);
  Number target = select(isNewton, newton, select(next.isBracketed || next.isHemmed, middle, other));

  Truth isZero = f == 0;
  if (yielded.size() > 2)
    isZero = isZero || f.abs() <= Number{&b, yielded[2]} * epsilon;
  Number distance = (target - s.t).abs();
  Truth isClose = distance <= s.t.abs() * (4 * epsilon) || distance <= constant(search.tolerance);
  Truth isTrusted = isNewton || next.isBracketed;
  Truth isSolved = isZero || (isClose && isTrusted);
  // At a bound, and the root beyond it; or f is no number, or none up to where it has no root.
  Truth isAtWall = (target == s.t || (next.isHemmed && isClose)) && !isTrusted;
  Truth isHopeless = !isZero && ((f.isNaN() && !retreats) || isAtWall);
  Number value = select(isHopeless, f.nan(), select(isZero && !isNewton, s.t, target));
  next.t = select(s.isActive, value, s.t);
  next.isActive = s.isActive && !(isSolved || isHopeless);
  return next;
}

FailureOr<Number> RootFinder::find(RootFunction function) {
  bool isFailure = false;
  auto step = [&](Tensor number, ArrayRef<Tensor> carried) -> GraphBuilder::Round {
    State s = State::unpack(b, carried);
    FailureOr<std::vector<Tensor>> yielded = function(s.t);
    isFailure = failed(yielded);
    if (isFailure)
      return {b.truth(false), s.pack()};
    State next = makeStep(number, s, *yielded);
    Tensor active = b.makeAs(ElementType::Int64, "Cast", {next.isActive}, {{"to", ElementType::Int64}});
    Tensor count = b.make("ReduceSum", {active}, {{"keepdims", int64_t(0)}});
    return {b.makeAs(ElementType::Bool, "Greater", {count, b.integer(0)}), next.pack()};
  };
  State last = State::unpack(b, b.loop(sample::RootOp::kMaxSteps, start().pack(), step));
  if (isFailure)
    return failure();
  return select(last.isActive, last.t.nan(), last.t);
}

FailureOr<Number> flowc::onnx::findRoot(GraphBuilder &b, const RootSearch &search, RootFunction function) {
  return RootFinder(b, search).find(function);
}

static LogicalResult convertRoot(Converter &c, sample::RootOp op) {
  RootSearch search;
  for (const Tensor &operand : c.getAll(op->getOperands())) {
    search.like.hasRows |= operand.hasRows;
    search.like.hasElements |= operand.hasElements;
  }
  auto get = [&](Value bound) { return bound ? std::optional(c.number(bound)) : std::nullopt; };
  search.lower = get(op.getLower());
  search.upper = get(op.getUpper());
  search.start = get(op.getStart());
  if (std::optional<APFloat> tolerance = op.getTolerance())
    search.tolerance = tolerance->convertToDouble();
  Block &block = *op.getBlock();
  for (auto [argument, operand] : llvm::zip_equal(block.getArguments().drop_front(), op.getInputs()))
    c.set(argument, c.get(operand));
  FailureOr<Number> root = findRoot(c.b, search, [&](Number t) {
    c.set(block.getArgument(0), t);
    return c.convert(block);
  });
  if (failed(root))
    return failure();
  c.set(op.getRoot(), *root);
  return success();
}

void flowc::onnx::addRoot(Patterns &patterns) { patterns.add(convertRoot); }
