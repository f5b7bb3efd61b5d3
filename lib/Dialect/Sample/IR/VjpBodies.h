//===- VjpBodies.h - Bodies of derivatives ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the derivatives of maps and sweeps, forwards and in reverse, share.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_SAMPLE_IR_VJPBODIES_H
#define FLOWC_LIB_DIALECT_SAMPLE_IR_VJPBODIES_H

#include "flowc/Dialect/Sample/IR/Bodies.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/BitVector.h"

namespace flowc::sample {

/// The derivative of an indexed operand or a stacked result of `type`, if what the
/// body has for an element, `derivative`, needs no computation: a constant, or what
/// the body is given for an operand.
mlir::Value handThrough(mlir::ImplicitLocOpBuilder &builder, mlir::Type type, const BodyBuilder &body,
                        mlir::Value derivative);

/// Gives the body what `outside` has for `computed`, if that spares an argument or an
/// costly op: a derivative in terms of the result (tanh, relu) needs no operand.
void useGiven(BodyBuilder &body, unsigned group, mlir::Value computed, mlir::Value outside);

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

/// The number of extras that stage `t` yields, and the result of the sweep that the
/// first of them is.
int64_t getNumExtras(SweepOp sweep, int64_t t);
unsigned getFirstExtra(SweepOp sweep, int64_t t);

/// Which weights of stage `t` of a sweep exist: forwards with weights as they are stored,
/// or backwards with transposed ones.
RankMaskAttr getStageMask(SweepOp sweep, int64_t t);

/// What stage 0 of a sweep reads: the prefix, then the state.
mlir::Value buildStageInput(mlir::ImplicitLocOpBuilder &builder, SweepOp sweep, const mlir::IRMapping &mapping);

/// Lets the copy of `sweep` that `mapping` knows keep, as extras, what the stages in
/// `saved` accumulate; returns that (null for other stages). The copy is replaced, in
/// `mapping` and as an operand of `bodies`.
llvm::SmallVector<mlir::Value> saveAccumulated(SweepOp sweep, mlir::IRMapping &mapping, mlir::OpBuilder &builder,
                                               const llvm::BitVector &saved, llvm::ArrayRef<BodyBuilder *> bodies);

/// Gives the bodies of all stages the same shared operands: those that any uses.
void shareOperands(llvm::ArrayRef<BodyBuilder *> bodies);

/// Gives the derivatives of a sweep's stages what their bodies read: the accumulated
/// values (the argument `saved` of a body, if it is used), and one list of shared operands.
template <typename Stages>
void connectStages(SweepOp sweep, mlir::IRMapping &mapping, mlir::OpBuilder &builder, Stages &stages) {
  llvm::BitVector saved(stages.size());
  llvm::SmallVector<BodyBuilder *> bodies;
  for (auto [t, stage] : llvm::enumerate(stages)) {
    saved[t] = !stage->saved.use_empty();
    bodies.push_back(&stage->body);
  }
  llvm::SmallVector<mlir::Value> kept = saveAccumulated(sweep, mapping, builder, saved, bodies);
  for (auto [stage, values] : llvm::zip_equal(stages, kept)) {
    if (values)
      stage->body.setOperand(stage->saved, values);
    stage->body.dropUnused(BodyBuilder::OfUnit);
  }
  shareOperands(bodies);
}

} // namespace flowc::sample

#endif // FLOWC_LIB_DIALECT_SAMPLE_IR_VJPBODIES_H
