//===- ExpandMath.cpp - Expand the math dialect ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Conversion/ExpandMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace flowc;
using namespace mlir;

namespace flowc {
#define GEN_PASS_DEF_FLOWEXPANDMATH
#include "flowc/Conversion/Passes.h.inc"
} // namespace flowc

using UnaryBuilder = Value (*)(ImplicitLocOpBuilder &, Value);

static bool isExpandable(Type type) {
  Type element = getElementTypeOrSelf(type);
  return (element.isF32() || element.isF64()) && (isa<FloatType>(type) || isa<VectorType>(type));
}

namespace {
template <typename OpTy>
struct ExpandUnary : OpRewritePattern<OpTy> {
  ExpandUnary(MLIRContext *context, UnaryBuilder build) : OpRewritePattern<OpTy>(context), build(build) {}

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!isExpandable(op.getType()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, build(b, op.getOperand()));
    return success();
  }

  UnaryBuilder build;
};

struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using Base::Base;

  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    if (!isExpandable(op.getType()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, buildPow(b, op.getLhs(), op.getRhs()));
    return success();
  }
};
} // namespace

void flowc::populateExpandMathPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  auto add = [&]<typename OpTy>(UnaryBuilder build) { patterns.add<ExpandUnary<OpTy>>(context, build); };
  add.operator()<math::ExpOp>(buildExp);
  add.operator()<math::ExpM1Op>(buildExpm1);
  add.operator()<math::LogOp>(buildLog);
  add.operator()<math::Log1pOp>(buildLog1p);
  add.operator()<math::TanhOp>(buildTanh);
  add.operator()<math::SinOp>(buildSin);
  add.operator()<math::CosOp>(buildCos);
  add.operator()<math::AtanOp>(buildAtan);
  add.operator()<math::SinhOp>(buildSinh);
  add.operator()<math::CoshOp>(buildCosh);
  add.operator()<math::AsinhOp>(buildAsinh);
  add.operator()<math::AtanhOp>(buildAtanh);
  add.operator()<math::ErfOp>(buildErf);
  add.operator()<math::ErfcOp>(buildErfc);
  patterns.add<ExpandPow>(context);
}

/// Ops of the math dialect that the backend turns into instructions.
static bool isInstruction(Operation *op) {
  return isa<math::AbsFOp, math::CeilOp, math::ClampFOp, math::CopySignOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
             math::IsInfOp, math::IsNaNOp, math::IsNormalOp, math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op);
}

LogicalResult flowc::expandMath(Operation *root) {
  RewritePatternSet patterns(root->getContext());
  populateExpandMathPatterns(patterns);
  walkAndApplyPatterns(root, std::move(patterns));
  WalkResult result = root->walk([](Operation *op) {
    if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) || isInstruction(op) ||
        llvm::none_of(op->getOperandTypes(), [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }))
      return WalkResult::advance();
    op->emitOpError("has no expansion for ") << op->getOperandTypes().front();
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct FlowExpandMath : flowc::impl::FlowExpandMathBase<FlowExpandMath> {
  void runOnOperation() override {
    if (failed(expandMath(getOperation())))
      signalPassFailure();
  }
};
} // namespace
