//===- JvpSweep.cpp - The tangent of a sweep ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With a[t] = W[t] u[t-1] + b[t] what the units of stage t start from and u[t] =
// body t of a[t], the tangents are da[t] = W[t] du[t-1] + (dW[t] u[t-1] + db[t]): a
// sweep over the same ranks with the same weights, whose bodies are the tangents of
// the primal's, at what that has accumulated. The part in brackets is known before.
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Jvp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

namespace {
/// The tangent of one stage's body.
struct TangentStage {
  TangentStage(Location loc) : body(loc), jvp(body.getBuilder(), mapping) {}

  BodyBuilder body;
  IRMapping mapping;
  JvpBuilder jvp;
  /// Argument for what the primal accumulates.
  BlockArgument saved;
};

class SweepLinearizer {
public:
  SweepLinearizer(SweepOp sweep, JvpBuilder &jvp)
      : sweep(sweep), jvp(jvp), builder(jvp.getBuilder()), last(sweep.getNumStages() - 1) {}

  LogicalResult run();

private:
  FailureOr<Value> buildOffset(int64_t t);
  LogicalResult buildStage(int64_t t);
  void addOperands(int64_t t, TangentStage &stage);
  void buildSweep();

  SweepOp sweep;
  JvpBuilder &jvp;
  ImplicitLocOpBuilder &builder;
  int64_t last;
  SmallVector<std::unique_ptr<TangentStage>> stages;
  /// Results of the primal with tangents, extras and sums, in order.
  SmallVector<Value> extras, sums, init;
};
} // namespace

/// dW[t] u[t-1] + db[t], or null.
FailureOr<Value> SweepLinearizer::buildOffset(int64_t t) {
  Value weight = jvp.getTangent(sweep.getWeights()[t]);
  Value bias = sweep.getBiases().empty() ? Value() : jvp.getTangent(sweep.getBiases()[t]);
  if (!weight)
    return bias;
  bool isTransposed = sweep.getTransposed();
  if (sweep.getReverse() != isTransposed || (isTransposed && sweep.getPrefix()))
    return sweep.emitOpError("has a tangent by its weights only forwards, with weights as they are stored, or "
                             "backwards, with transposed weights and no prefix");
  Value input = t == 0 ? buildStageInput(builder, sweep, jvp.getMapping()) : jvp.lookup(sweep.getUnits()[t - 1]);
  Type element = sweep.getState().getType().getElementType();
  int64_t units = cast<RankedTensorType>(weight.getType()).getDimSize(isTransposed ? 1 : 0);
  auto getPart = [&](int64_t count) { return RankedTensorType::get({count}, element); };
  Value offset =
      DenseOp::create(builder, getPart(units), weight, input, bias, isTransposed, getStageMask(sweep, t)).getY();
  // Operands of the last stage leave out the units that are never computed.
  int64_t unused = t == last ? sweep.getStageRowEnds(t).front() : 0;
  if (unused == 0)
    return offset;
  return SplitOp::create(builder, TypeRange{getPart(unused), getPart(units - unused)}, offset).getResult(1);
}

/// Arguments for the primal's operands and their tangents.
void SweepLinearizer::addOperands(int64_t t, TangentStage &stage) {
  BodyBuilder &body = stage.body;
  Block &primal = *sweep.getStageBlock(t);
  unsigned next = 1;
  auto add = [&](Value operand, BodyBuilder::StageGroup group) {
    BlockArgument argument = primal.getArgument(next++);
    stage.mapping.map(argument, body.add(group, jvp.lookup(operand), argument.getType()));
    Value tangent = jvp.getTangent(operand);
    if (!tangent)
      return;
    auto constant = llvm::dyn_cast_or_null<FloatAttr>(getUniformConstant(tangent));
    stage.jvp.addTangent(argument,
                         constant ? buildConstant(body.getBuilder(), argument.getType(), constant.getValueAsDouble())
                                  : Value(body.add(group, tangent, argument.getType())));
  };
  for (auto [operand, number] : llvm::zip_equal(sweep.getIndexed(), sweep.getIndexedStage()))
    if (number == t)
      add(operand, BodyBuilder::OfUnit);
  for (Value operand : sweep.getShared())
    add(operand, BodyBuilder::OfSweep);
}

LogicalResult SweepLinearizer::buildStage(int64_t t) {
  Block &primal = *sweep.getStageBlock(t);
  ValueRange yields = primal.getTerminator()->getOperands();
  TangentStage &stage = *stages.emplace_back(std::make_unique<TangentStage>(sweep.getLoc()));
  BodyBuilder &body = stage.body;
  BlockArgument accumulated = primal.getArgument(0);
  Value tangent = body.add(BodyBuilder::Accumulated, {}, accumulated.getType());
  stage.saved = body.add(BodyBuilder::OfUnit, {}, accumulated.getType());
  stage.mapping.map(accumulated, stage.saved);
  FailureOr<Value> offset = buildOffset(t);
  if (failed(offset))
    return failure();
  if (*offset)
    tangent = arith::AddFOp::create(body.getBuilder(), tangent,
                                    body.add(BodyBuilder::OfUnit, *offset, accumulated.getType()));
  stage.jvp.addTangent(accumulated, tangent);
  addOperands(t, stage);
  if (failed(buildBlockJvp(stage.jvp, primal)))
    return failure();

  Value first = stage.jvp.getTangent(yields[0]);
  SmallVector<Value> yielded{first ? first : buildConstant(body.getBuilder(), yields[0].getType(), 0.0)};
  for (int64_t i = 0; i < getNumExtras(sweep, t); ++i)
    if (Value extra = stage.jvp.getTangent(yields[1 + i])) {
      extras.push_back(sweep.getResult(getFirstExtra(sweep, t) + i));
      yielded.push_back(extra);
    }
  if (t == last)
    for (auto [sum, start, value] :
         llvm::zip_equal(sweep.getSums(), sweep.getInit(), yields.take_back(sweep.getSums().size()))) {
      Value summand = stage.jvp.getTangent(value);
      if (!summand) {
        jvp.addTangent(sum, jvp.getTangent(start));
        continue;
      }
      sums.push_back(sum);
      yielded.push_back(summand);
      init.push_back(jvp.getTangentOrZero(start));
    }
  YieldOp::create(body.getBuilder(), yielded);
  useGiven(body, BodyBuilder::OfUnit, stage.mapping.lookup(yields[0]), jvp.lookup(sweep.getResult(t)));
  eraseDeadOps(body.getBlock());
  return success();
}

void SweepLinearizer::buildSweep() {
  SmallVector<Value> weights, indexed;
  SmallVector<int64_t> indexedStage;
  for (auto [t, stage] : llvm::enumerate(stages)) {
    weights.push_back(jvp.lookup(sweep.getWeights()[t]));
    for (Value operand : stage->body.getOperands(BodyBuilder::OfUnit)) {
      indexed.push_back(operand);
      indexedStage.push_back(t);
    }
  }
  Value prefix = sweep.getPrefix() ? jvp.getTangentOrZero(sweep.getPrefix()) : Value();
  auto tangent =
      SweepOp::create(builder, sweep.getUnits().getTypes(), sweep.getState().getType(), TypeRange(ValueRange(extras)),
                      TypeRange(ValueRange(sums)), sweep.getExtent(), sweep.getReverse(), sweep.getTransposed(), prefix,
                      weights, /*biases=*/ValueRange(), indexed, stages[last]->body.getOperands(BodyBuilder::OfSweep),
                      init, indexedStage, sweep.getRowEnds(), last + 1);
  for (auto [region, stage] : llvm::zip_equal(tangent.getStages(), stages))
    stage->body.finish(region);
  for (auto [result, value] : llvm::zip(sweep.getResults().take_front(last + 1), tangent.getResults()))
    jvp.addTangent(result, value);
  for (auto [result, value] : llvm::zip_equal(extras, tangent.getExtras()))
    jvp.addTangent(result, value);
  for (auto [result, value] : llvm::zip_equal(sums, tangent.getSums()))
    jvp.addTangent(result, value);
}

LogicalResult SweepLinearizer::run() {
  for (int64_t t = 0; t <= last; ++t)
    if (failed(buildStage(t)))
      return failure();
  connectStages(sweep, jvp.getMapping(), builder, stages);
  buildSweep();
  return success();
}

LogicalResult SweepOp::buildJvp(JvpBuilder &jvp) { return SweepLinearizer(*this, jvp).run(); }
