//===- Differentiate.cpp - From a kernel to its gradient ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelSignature.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"
#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace flowc::sample {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace flowc::sample;

namespace {
/// Replaces a kernel by its vector-Jacobian product.
class KernelDifferentiator {
public:
  /// `of`: params, inputs or condition.
  KernelDifferentiator(func::FuncOp kernel, func::FuncOp prepare, StringRef of);

  LogicalResult run();

private:
  LogicalResult findWanted();
  LogicalResult findWantedRow();
  SmallVector<Value> buildSeeds(Signature &signature);
  Value buildScore(Value cotangent, Value logDensity);
  LogicalResult buildKernel();
  LogicalResult buildFinish();
  void dropUnusedPrepared();

  func::FuncOp kernel, prepare;
  StringRef of;
  bool ofParams;
  /// Leading arguments of the primal kernel that differ from row to row.
  unsigned numRows = 0;
  /// The primal kernel's arguments whose cotangents are results, in order; one comes
  /// several times if its cotangent is the sum of several results.
  SmallVector<unsigned> wanted;
  /// Row inputs that hold the cotangents of the primal results.
  unsigned numCotangentRows = 0;
  /// 1 for a row of the batch, else 0; null if rows are not summed.
  Value weight;
  ImplicitLocOpBuilder builder;
  IRMapping mapping;
  VjpBuilder vjp;
};
} // namespace

KernelDifferentiator::KernelDifferentiator(func::FuncOp kernel, func::FuncOp prepare, StringRef of)
    : kernel(kernel), prepare(prepare), of(of), ofParams(of == "params"), builder(kernel.getLoc(), kernel.getContext()),
      vjp(builder, mapping) {}

static Operation *getReturn(func::FuncOp function) { return function.getBody().front().getTerminator(); }

static bool isTrainable(func::FuncOp function, unsigned argument) {
  return function.getArgAttr(argument, SampleDialect::kTrainableAttr) &&
         isDifferentiable(function.getArgument(argument).getType());
}

LogicalResult KernelDifferentiator::findWanted() {
  while (numRows < kernel.getNumArguments() && kernel.getArgAttr(numRows, SampleDialect::kRowAttr))
    ++numRows;
  if (!ofParams)
    return findWantedRow();
  if (!prepare || prepare.getNumResults() != kernel.getNumArguments() - numRows)
    return kernel.emitError("needs a function @prepare with one result for each of the kernel's parameters");
  VjpBuilder activity(builder, mapping);
  for (BlockArgument leaf : prepare.getArguments())
    if (isTrainable(prepare, leaf.getArgNumber()))
      activity.markNeeded(leaf);
  propagateNeeded(activity, prepare.getBody().front());
  for (auto [i, prepared] : llvm::enumerate(getReturn(prepare)->getOperands()))
    if (activity.isNeeded(prepared))
      wanted.push_back(numRows + i);
  return success();
}

/// The event comes first, if there is one; the condition has a mark.
LogicalResult KernelDifferentiator::findWantedRow() {
  bool ofCondition = of == "condition";
  for (unsigned i = 0; i < numRows && wanted.empty(); ++i)
    if (ofCondition == (kernel.getArgAttr(i, SampleDialect::kConditionAttr) != nullptr))
      wanted.push_back(i);
  if (wanted.empty())
    return kernel.emitError(ofCondition ? "has no condition to differentiate with respect to"
                                        : "has no row input to differentiate with respect to");
  return success();
}

/// Makes the cotangents of the primal results: one for a loss or a log-density,
/// else additional row inputs.
SmallVector<Value> KernelDifferentiator::buildSeeds(Signature &signature) {
  Block &block = *builder.getBlock();
  Operation *primalReturn = getReturn(kernel);
  Type element = getElementTypeOrSelf(primalReturn->getOperand(0).getType());
  if (ofParams)
    weight = RowWeightOp::create(builder, element);
  if (primalReturn->getNumOperands() == 1 && isa<FloatType>(primalReturn->getOperand(0).getType()))
    return {weight ? weight : buildConstant(builder, element, 1.0)};

  SmallVector<Value> seeds;
  for (Value result : primalReturn->getOperands()) {
    Value seed = block.insertArgument(numRows + numCotangentRows, result.getType(), result.getLoc());
    ++numCotangentRows;
    signature.addInput(result.getType(), signature.getUnit(SampleDialect::kRowAttr));
    if (weight && !isa<RankedTensorType>(seed.getType()))
      seed = arith::MulFOp::create(builder, seed, weight);
    else if (weight)
      seed = buildMap(builder, getNumElements(seed.getType()), seed, weight,
                      [](ImplicitLocOpBuilder &body, ValueRange arguments, MapYields &yields) {
                        yields.stacked.push_back(arith::MulFOp::create(body, arguments[0], arguments[1]));
                        return success();
                      })
                 ->getResult(0);
    seeds.push_back(seed);
  }
  return seeds;
}

/// Whether `value` is -inf under a condition: what flow-specialize makes of a
/// log-density.
static bool isLogDensity(Value value) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  APFloat arm(0.0);
  return select && matchPattern(select.getTrueValue(), m_ConstantFloat(&arm)) && arm.isInfinity() && arm.isNegative();
}

/// The derivative of a log-density: 0 where its formula has none, though the density
/// is no NaN. That is so outside of the support, and where slopes overflow.
Value KernelDifferentiator::buildScore(Value cotangent, Value logDensity) {
  auto body = [](ImplicitLocOpBuilder &inner, ValueRange arguments, MapYields &yields) {
    Value score = arguments[0], density = arguments[1];
    Type type = score.getType();
    Value zero = buildConstant(inner, type, 0);
    Value isUndefined = arith::CmpFOp::create(inner, arith::CmpFPredicate::UNO, score, score);
    Value isNumber = arith::CmpFOp::create(inner, arith::CmpFPredicate::ORD, density, density);
    yields.stacked.push_back(
        arith::SelectOp::create(inner, arith::AndIOp::create(inner, isUndefined, isNumber), zero, score));
    return success();
  };
  Value score = buildMap(builder, getNumElements(cotangent.getType()), cotangent, logDensity, body)->getResult(0);
  return score.getType() == cotangent.getType() ? score
                                                : ReshapeOp::create(builder, cotangent.getType(), score).getResult();
}

LogicalResult KernelDifferentiator::buildKernel() {
  Block &primal = kernel.getBody().front();
  Region body;
  Block &block = body.emplaceBlock();
  builder.setInsertionPointToEnd(&block);
  Signature signature(kernel.getContext());
  for (BlockArgument argument : primal.getArguments()) {
    mapping.map(argument, block.addArgument(argument.getType(), argument.getLoc()));
    if (argument.getArgNumber() < numRows)
      signature.addInput(argument.getType(), kernel.getArgAttrDict(argument.getArgNumber()));
  }
  for (unsigned i : wanted)
    vjp.markNeeded(primal.getArgument(i));
  SmallVector<Value> seeds = buildSeeds(signature);
  for (BlockArgument argument : primal.getArguments().drop_front(numRows))
    signature.addInput(argument.getType(), kernel.getArgAttrDict(argument.getArgNumber()));

  cloneForward(vjp, primal);
  if (failed(buildBlockVjp(vjp, primal, seeds)))
    return failure();

  SmallVector<Value> results;
  builder.setLoc(kernel.getLoc());
  if (ofParams) {
    Value zero = buildConstant(builder, weight.getType(), 0.0), loss = zero;
    if (numCotangentRows == 0) {
      Value isRow = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, weight, zero);
      loss = arith::SelectOp::create(builder, isRow, vjp.lookup(primal.getTerminator()->getOperand(0)), zero);
    }
    results.push_back(loss);
    signature.addResult(loss.getType(), SampleDialect::kSumAttr);
    // What has no influence has no cotangent to sum.
    SmallVector<unsigned> found;
    for (unsigned i : wanted) {
      Value cotangent = vjp.getCotangent(primal.getArgument(i));
      for (Value addend : cotangent ? splitWeightGradients(cotangent) : SmallVector<Value>()) {
        found.push_back(i);
        results.push_back(addend);
        signature.addResult(addend.getType(), SampleDialect::kSumAttr);
      }
    }
    wanted = std::move(found);
  } else {
    BlockArgument row = primal.getArgument(wanted.front());
    Value cotangent = vjp.getCotangent(row);
    results.push_back(cotangent ? cotangent : buildConstant(builder, row.getType(), 0.0));
    Value value = primal.getTerminator()->getOperand(0);
    if (cotangent && isLogDensity(value))
      results.back() = buildScore(cotangent, vjp.lookup(value));
    signature.addResult(results.back().getType(), SampleDialect::kRowAttr);
  }
  func::ReturnOp::create(builder, results);
  eraseDeadOps(block);
  kernel.getBody().takeBody(body);
  signature.apply(kernel);
  return success();
}

/// Emits @finish(leaves, cotangents of prepared values), the vector-Jacobian
/// product of @prepare.
LogicalResult KernelDifferentiator::buildFinish() {
  Block &primal = prepare.getBody().front();
  builder.setInsertionPointAfter(kernel);
  builder.setLoc(prepare.getLoc());
  Signature signature(prepare.getContext());
  auto finish = func::FuncOp::create(builder, "finish", prepare.getFunctionType());
  Block &block = finish.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&block);

  IRMapping leaves;
  VjpBuilder leafVjp(builder, leaves);
  for (BlockArgument leaf : primal.getArguments()) {
    leaves.map(leaf, block.addArgument(leaf.getType(), leaf.getLoc()));
    signature.addInput(leaf.getType(), prepare.getArgAttrDict(leaf.getArgNumber()));
    if (isTrainable(prepare, leaf.getArgNumber()))
      leafVjp.markNeeded(leaf);
  }
  SmallVector<Value> seeds(prepare.getNumResults());
  for (unsigned i : wanted) {
    Type type = prepare.getResultTypes()[i - numRows];
    Value cotangent = block.addArgument(type, prepare.getLoc()), &seed = seeds[i - numRows];
    seed = seed ? arith::AddFOp::create(builder, seed, cotangent).getResult() : cotangent;
    signature.addInput(type, signature.getUnit(SampleDialect::kCotangentAttr));
  }
  cloneForward(leafVjp, primal);
  if (failed(buildBlockVjp(leafVjp, primal, seeds)))
    return failure();

  SmallVector<Value> results;
  for (BlockArgument leaf : primal.getArguments()) {
    if (!isTrainable(prepare, leaf.getArgNumber()))
      continue;
    Value cotangent = leafVjp.getCotangent(leaf);
    results.push_back(cotangent ? cotangent : buildConstant(builder, leaf.getType(), 0.0));
    signature.addResult(leaf.getType());
  }
  func::ReturnOp::create(builder, results);
  eraseDeadOps(block);
  signature.apply(finish);
  return success();
}

/// Removes prepared values that the derivative does not read.
void KernelDifferentiator::dropUnusedPrepared() {
  unsigned firstPrepared = numRows + numCotangentRows;
  if (!prepare || prepare.getNumResults() != kernel.getNumArguments() - firstPrepared)
    return;
  llvm::BitVector unusedArguments(kernel.getNumArguments()), unusedResults(prepare.getNumResults());
  for (unsigned i = 0, end = prepare.getNumResults(); i < end; ++i)
    if (kernel.getArgument(firstPrepared + i).use_empty())
      unusedArguments[firstPrepared + i] = unusedResults[i] = true;
  (void)kernel.eraseArguments(unusedArguments);
  getReturn(prepare)->eraseOperands(unusedResults);
  (void)prepare.eraseResults(unusedResults);
  eraseDeadOps(prepare.getBody().front());
}

LogicalResult KernelDifferentiator::run() {
  expandActivations(kernel);
  if (prepare)
    expandActivations(prepare);
  if (failed(findWanted()) || failed(buildKernel()))
    return failure();
  if (ofParams && failed(buildFinish()))
    return failure();
  dropUnusedPrepared();
  return success();
}

namespace {
struct Differentiate : flowc::sample::impl::DifferentiatePassBase<Differentiate> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<KernelFunctions> functions = findDifferentiableKernel(module);
    if (failed(functions))
      return signalPassFailure();
    func::FuncOp kernel = functions->kernel;
    if (functions->finish) {
      functions->finish.emitError("is there already: a kernel is differentiated by its parameters once");
      return signalPassFailure();
    }
    if (of != "params" && of != "inputs" && of != "condition") {
      module.emitError("cannot differentiate with respect to '") << of << "', only to params, inputs or condition";
      return signalPassFailure();
    }
    if (failed(KernelDifferentiator(kernel, functions->prepare, of).run()))
      signalPassFailure();
  }
};
} // namespace
