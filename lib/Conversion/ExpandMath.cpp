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

using Expansion = Value (*)(ImplicitLocOpBuilder &, ValueRange);

/// The expansion of a function of one argument.
template <Value (*build)(ImplicitLocOpBuilder &, Value)>
static Value ofOne(ImplicitLocOpBuilder &b, ValueRange x) {
  return build(b, x[0]);
}

static Value expandPow(ImplicitLocOpBuilder &b, ValueRange x) { return buildPow(b, x[0], x[1]); }

namespace {
/// What becomes of an op of the math dialect.
struct MathRow {
  StringLiteral op;
  /// Null: the backend turns the op into instructions.
  Expansion expansion;
};
} // namespace

static const MathRow kMathRows[] = {
    {math::ExpOp::getOperationName(), ofOne<buildExp>},
    {math::ExpM1Op::getOperationName(), ofOne<buildExpm1>},
    {math::LogOp::getOperationName(), ofOne<buildLog>},
    {math::Log1pOp::getOperationName(), ofOne<buildLog1p>},
    {math::TanhOp::getOperationName(), ofOne<buildTanh>},
    {math::SinOp::getOperationName(), ofOne<buildSin>},
    {math::CosOp::getOperationName(), ofOne<buildCos>},
    {math::AtanOp::getOperationName(), ofOne<buildAtan>},
    {math::SinhOp::getOperationName(), ofOne<buildSinh>},
    {math::CoshOp::getOperationName(), ofOne<buildCosh>},
    {math::AsinhOp::getOperationName(), ofOne<buildAsinh>},
    {math::AtanhOp::getOperationName(), ofOne<buildAtanh>},
    {math::ErfOp::getOperationName(), ofOne<buildErf>},
    {math::ErfcOp::getOperationName(), ofOne<buildErfc>},
    {math::PowFOp::getOperationName(), expandPow},
    {math::AbsFOp::getOperationName(), nullptr},
    {math::CeilOp::getOperationName(), nullptr},
    {math::ClampFOp::getOperationName(), nullptr},
    {math::CopySignOp::getOperationName(), nullptr},
    {math::FloorOp::getOperationName(), nullptr},
    {math::FmaOp::getOperationName(), nullptr},
    {math::IsFiniteOp::getOperationName(), nullptr},
    {math::IsInfOp::getOperationName(), nullptr},
    {math::IsNaNOp::getOperationName(), nullptr},
    {math::IsNormalOp::getOperationName(), nullptr},
    {math::RoundEvenOp::getOperationName(), nullptr},
    {math::SqrtOp::getOperationName(), nullptr},
    {math::TruncOp::getOperationName(), nullptr},
};

static bool isExpandable(Type type) {
  Type element = getElementTypeOrSelf(type);
  return (element.isF32() || element.isF64()) && (isa<FloatType>(type) || isa<VectorType>(type));
}

static bool isInstruction(Operation *op) {
  StringRef name = op->getName().getStringRef();
  return llvm::any_of(kMathRows, [&](const MathRow &row) { return row.op == name && !row.expansion; });
}

namespace {
struct ExpandFunction : RewritePattern {
  ExpandFunction(MLIRContext *context, const MathRow &row)
      : RewritePattern(row.op, /*benefit=*/1, context), expansion(row.expansion) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isExpandable(op->getResult(0).getType()))
      return failure();
    ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    rewriter.replaceOp(op, expansion(b, op->getOperands()));
    return success();
  }

  Expansion expansion;
};
} // namespace

void flowc::populateExpandMathPatterns(RewritePatternSet &patterns) {
  for (const MathRow &row : kMathRows)
    if (row.expansion)
      patterns.add<ExpandFunction>(patterns.getContext(), row);
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
