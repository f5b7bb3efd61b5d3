//===- Builders.cpp - Building blocks of sample programs ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

ImplicitLocOpBuilder flowc::sample::getBodyBuilder(Location loc, Block &block) {
  // A body that is being built has no parent op to ask for the context.
  ImplicitLocOpBuilder builder(loc, loc.getContext());
  builder.setInsertionPointToEnd(&block);
  return builder;
}

void flowc::sample::eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

FailureOr<MapOp> flowc::sample::buildMap(ImplicitLocOpBuilder &builder, int64_t extent, ValueRange indexed,
                                         ValueRange shared, MapBodyFn body, ValueRange init) {
  Location loc = builder.getLoc();
  Region region;
  Block &block = region.emplaceBlock();
  for (Value value : indexed)
    block.addArgument(MapOp::getElementType(value.getType(), extent), loc);
  for (Value value : shared)
    block.addArgument(value.getType(), loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  MapYields yields;
  if (failed(body(inner, block.getArguments(), yields)))
    return failure();
  SmallVector<Value> yielded(yields.stacked);
  llvm::append_range(yielded, yields.summands);
  YieldOp::create(inner, yielded);
  eraseDeadOps(block);

  SmallVector<Type> stacked, sums;
  for (Value value : yields.stacked)
    stacked.push_back(MapOp::getStackedType(value.getType(), extent));
  SmallVector<Value> starts(init);
  for (Value value : yields.summands) {
    sums.push_back(value.getType());
    if (init.empty())
      starts.push_back(buildConstant(builder, value.getType(), 0));
  }
  auto map = MapOp::create(builder, stacked, sums, extent, indexed, shared, starts);
  map.getBody().takeBody(region);
  return map;
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

namespace {
using ActivationFn = Value (*)(ImplicitLocOpBuilder &, Value);
} // namespace

static Value constant(ImplicitLocOpBuilder &builder, Value like, double value) {
  return buildConstant(builder, like.getType(), value);
}

static Value select(ImplicitLocOpBuilder &builder, arith::CmpFPredicate predicate, Value a, Value b, Value yes,
                    Value no) {
  Value condition = arith::CmpFOp::create(builder, predicate, a, b);
  return arith::SelectOp::create(builder, condition, yes, no);
}

/// max(x, 0); NaN stays NaN, the derivative at 0 is 0.
static Value buildRelu(ImplicitLocOpBuilder &builder, Value x) {
  Value zero = constant(builder, x, 0);
  return select(builder, arith::CmpFPredicate::UGT, x, zero, x, zero);
}

/// x or 0.01 x; the derivative at 0 is 1.
static Value buildLeakyRelu(ImplicitLocOpBuilder &builder, Value x) {
  Value scaled = arith::MulFOp::create(builder, x, constant(builder, x, 0.01));
  return select(builder, arith::CmpFPredicate::OGE, x, constant(builder, x, 0), x, scaled);
}

/// x or expm1(x); expm1 never sees a positive argument, so that neither it nor
/// its derivative overflows.
static Value buildElu(ImplicitLocOpBuilder &builder, Value x) {
  Value zero = constant(builder, x, 0);
  Value positive = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, x, zero);
  Value safe = arith::SelectOp::create(builder, positive, zero, x);
  return arith::SelectOp::create(builder, positive, x, math::ExpM1Op::create(builder, safe));
}

static Value buildSilu(ImplicitLocOpBuilder &builder, Value x) {
  return arith::MulFOp::create(builder, x, InvLogitOp::create(builder, x.getType(), x));
}

/// x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2. Beyond |x| = 10 the tanh is
/// 1 in any precision; clipping there keeps x^3 finite.
static Value buildGelu(ImplicitLocOpBuilder &builder, Value x) {
  Value ten = constant(builder, x, 10), minusTen = constant(builder, x, -10);
  Value c = select(builder, arith::CmpFPredicate::OGT, x, ten, ten, x);
  c = select(builder, arith::CmpFPredicate::OLT, c, minusTen, minusTen, c);
  Value square = arith::MulFOp::create(builder, c, c);
  Value factor = arith::MulFOp::create(builder, square, constant(builder, x, 0.044715));
  factor = arith::AddFOp::create(builder, factor, constant(builder, x, 1));
  factor = arith::MulFOp::create(builder, factor, constant(builder, x, std::sqrt(2 / std::numbers::pi)));
  Value tanh = math::TanhOp::create(builder, arith::MulFOp::create(builder, c, factor));
  Value half = arith::MulFOp::create(builder, x, constant(builder, x, 0.5));
  return arith::MulFOp::create(builder, half, arith::AddFOp::create(builder, tanh, constant(builder, x, 1)));
}

static const llvm::StringMap<ActivationFn> &getActivations() {
  static const llvm::StringMap<ActivationFn> activations = {
      {"relu", buildRelu},
      {"leaky_relu", buildLeakyRelu},
      {"elu", buildElu},
      {"silu", buildSilu},
      {"gelu", buildGelu},
      {"tanh", [](ImplicitLocOpBuilder &builder, Value x) -> Value { return math::TanhOp::create(builder, x); }},
      {"softplus",
       [](ImplicitLocOpBuilder &builder, Value x) -> Value { return Log1pExpOp::create(builder, x.getType(), x); }},
      {"sigmoid",
       [](ImplicitLocOpBuilder &builder, Value x) -> Value { return InvLogitOp::create(builder, x.getType(), x); }},
  };
  return activations;
}

bool flowc::sample::isActivation(StringRef name) { return getActivations().contains(name); }

Value flowc::sample::buildActivation(ImplicitLocOpBuilder &builder, StringRef name, Value x) {
  return getActivations().lookup(name)(builder, x);
}

Value flowc::sample::buildActivationMap(ImplicitLocOpBuilder &builder, StringRef name, Value x) {
  if (!isa<RankedTensorType>(x.getType()))
    return buildActivation(builder, name, x);
  FailureOr<MapOp> map = buildMap(builder, getNumElements(x.getType()), x, {},
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.stacked.push_back(buildActivation(at, name, arguments.front()));
                                    return success();
                                  });
  return map->getStacked().front();
}

//===----------------------------------------------------------------------===//
// Networks and splines
//===----------------------------------------------------------------------===//

Value flowc::sample::buildDense(ImplicitLocOpBuilder &builder, Value weight, Value bias, Value x, RankMaskAttr mask) {
  auto type = cast<RankedTensorType>(weight.getType());
  auto result = RankedTensorType::get({type.getDimSize(0)}, type.getElementType());
  return DenseOp::create(builder, result, weight, x, bias, /*transposed=*/false, mask);
}

Value flowc::sample::buildConcat(ImplicitLocOpBuilder &builder, ValueRange pieces) {
  SmallVector<Value> present;
  int64_t elements = 0;
  for (Value piece : pieces) {
    if (!piece)
      continue;
    present.push_back(piece);
    elements += getNumElements(piece.getType());
  }
  if (present.size() == 1 && isa<RankedTensorType>(present.front().getType()))
    return present.front();
  Type element = getElementTypeOrSelf(present.front().getType());
  return ConcatOp::create(builder, RankedTensorType::get({elements}, element), present);
}

Value flowc::sample::buildKnots(ImplicitLocOpBuilder &builder, Value raw, double lower, double upper, double minWidth) {
  auto type = cast<RankedTensorType>(raw.getType());
  Type element = type.getElementType();
  int64_t bins = type.getNumElements();
  auto interior = RankedTensorType::get({bins - 1}, element);
  // Softmax, shifted so that nothing overflows, scaled to what the minimum
  // widths leave of the interval.
  Value largest = SplatOp::create(builder, type, ReduceMaxOp::create(builder, element, raw));
  Value exponential = math::ExpOp::create(builder, arith::SubFOp::create(builder, raw, largest));
  Value sum = ReduceSumOp::create(builder, element, exponential);
  Value free = buildConstant(builder, element, upper - lower - double(bins) * minWidth);
  Value factor = SplatOp::create(builder, type, arith::DivFOp::create(builder, free, sum));
  Value widths = arith::MulFOp::create(builder, exponential, factor);
  widths = arith::AddFOp::create(builder, widths, buildConstant(builder, type, minWidth));
  // The last width is what is left: the end points are exact.
  auto pieces = SplitOp::create(builder, TypeRange{interior, element}, widths);
  Value inner = CumsumOp::create(builder, interior, pieces.getResult(0), /*reverse=*/false);
  inner = arith::AddFOp::create(builder, inner, buildConstant(builder, interior, lower));
  return buildConcat(builder, {buildConstant(builder, element, lower), inner, buildConstant(builder, element, upper)});
}

Value flowc::sample::buildElements(ImplicitLocOpBuilder &builder, ValueRange inputs,
                                   llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> formula) {
  auto tensor = dyn_cast<RankedTensorType>(inputs.front().getType());
  if (!tensor)
    return formula(builder, inputs);
  FailureOr<MapOp> map = buildMap(builder, tensor.getNumElements(), inputs, {},
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.stacked.push_back(formula(at, arguments));
                                    return success();
                                  });
  return map->getStacked().front();
}
