//===- Stabilize.cpp - Formulas without cancellation and overflow ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scalar ops are read as mathematics, which simplifies them by rules
// (lib/Symbolic/Rules.cpp), and emitted again in forms that are accurate.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

namespace flowc::flow {
#define GEN_PASS_DEF_STABILIZEPASS
#include "flowc/Dialect/Flow/Transforms/Passes.h.inc"
} // namespace flowc::flow

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Algebra;
using flowc::symbolic::Expr;
using flowc::symbolic::findLostCondition;
using flowc::symbolic::Powers;
using flowc::symbolic::restrict;

namespace {
struct StabilizePass : flowc::flow::impl::StabilizePassBase<StabilizePass> {
  using StabilizePassBase::StabilizePassBase;
  void runOnOperation() override;
};

/// What the ops of one block that give values of one type amount to.
class Rewriter {
public:
  Rewriter(Block &block, Type type)
      : block(block), type(type), builder(block.getParentOp()->getLoc(), block.getParentOp()) {}

  void run();

private:
  bool isPart(Operation *op) const {
    return op->getBlock() == &block && ExpressionReader::isKnown(op) && op->getResult(0).getType() == type;
  }
  /// Whether something else than a part of the same formula uses the op.
  bool isRoot(Operation *op) const {
    return isPart(op) &&
           llvm::any_of(op->getUsers(), [&](Operation *user) { return !isPart(user) && !isComparisonOfParts(user); });
  }
  /// Comparisons belong to the selects that use them.
  bool isComparisonOfParts(Operation *op) const {
    return isa<arith::CmpFOp>(op) && ExpressionReader::isKnown(op) && op->getBlock() == &block &&
           llvm::all_of(op->getUsers(), [&](Operation *user) { return isPart(user); });
  }

  Block &block;
  Type type;
  ImplicitLocOpBuilder builder;
};
} // namespace

void Rewriter::run() {
  SmallVector<Operation *> roots;
  bool anyFunction = false;
  for (Operation &op : block.without_terminator()) {
    if (isRoot(&op))
      roots.push_back(&op);
    anyFunction |= isPart(&op) && isa<math::MathDialect, SampleDialect>(op.getDialect());
  }
  // Sums and products alone are as they should be.
  if (!anyFunction)
    return;
  Algebra algebra;
  ExpressionReader reader(algebra, Powers::Ieee);
  reader.onUnknown = [&](Value value) {
    return reader.addSymbol(value, "v" + std::to_string(algebra.getNumSymbols()));
  };
  // There is a first symbol even if all is constant.
  algebra.symbol("x");
  SmallVector<Expr> expressions;
  for (Operation *root : roots) {
    Expr value = reader.read(root->getResult(0));
    Expr condition = reader.getCondition(root->getResult(0));
    expressions.push_back(restrict(algebra, value, findLostCondition(algebra, value, condition, Powers::Ieee)));
  }
  ExpressionEmitter emitter(builder, type);
  for (auto [value, symbol] : reader.getSymbols())
    emitter.bind(symbol, value);
  for (auto [root, expression] : llvm::zip_equal(roots, expressions)) {
    builder.setInsertionPoint(root);
    builder.setLoc(root->getLoc());
    Value value = emitter.emit(expression);
    root->getResult(0).replaceUsesWithIf(value, [&](OpOperand &use) { return !isPart(use.getOwner()); });
  }
  eraseDeadOps(block);
}

/// Rewrites a block, type by type.
static void stabilize(Block &block) {
  llvm::SetVector<Type> types;
  for (Operation &op : block.without_terminator())
    if (ExpressionReader::isKnown(&op) && isa<FloatType>(getElementTypeOrSelf(op.getResult(0).getType())))
      types.insert(op.getResult(0).getType());
  for (Type type : types)
    Rewriter(block, type).run();
}

void StabilizePass::runOnOperation() {
  SmallVector<Block *> blocks;
  if (auto density = getOperation().lookupSymbol<func::FuncOp>("density"))
    density.walk([&](Block *block) { blocks.push_back(block); });
  for (Block *block : blocks)
    stabilize(*block);
}
