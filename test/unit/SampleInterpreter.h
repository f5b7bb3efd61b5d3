//===- SampleInterpreter.h - Runs sample programs in tests ------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The judge of everything that makes or changes sample programs: one sample at
// a time, in long double, by code that says what docs/Spec.md says and nothing
// else.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_SAMPLEINTERPRETER_H
#define FLOWC_TEST_UNIT_SAMPLEINTERPRETER_H

#include "flowc/Dialect/Flow/IR/FlowBlock.h"
#include "flowc/Dialect/Flow/IR/FlowRoot.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace flowc::test {

/// A float, an integer or a tensor (row-major).
using Array = std::vector<long double>;

class SampleInterpreter {
public:
  /// `draws` is what flow.random_normal gives.
  explicit SampleInterpreter(Array draws = {}) : draws(std::move(draws)) {}

  /// Results of `function` for `arguments`.
  std::vector<Array> run(mlir::func::FuncOp function, std::vector<Array> arguments);

private:
  /// Binds the block's arguments, runs its ops, returns what it yields.
  std::vector<Array> runBlock(mlir::Block &block, llvm::ArrayRef<Array> arguments);
  void runOp(mlir::Operation &op);

  void runOn(flow::MapOp op);
  void runOn(flow::ScanOp op);
  void runOn(flow::DenseOp op);
  void runOn(flow::OuterOp op);
  void runOn(flow::SweepOp op);
  void runOn(flow::RootOp op);
  void runOn(mlir::arith::ConstantOp op);
  void runOn(mlir::arith::CmpFOp op);
  void runOn(mlir::arith::SelectOp op);
  void runOn(flow::SplitOp op);
  void runOn(flow::ConcatOp op);
  void runOn(flow::GatherOp op);
  void runOn(flow::ReverseOp op);
  void runOn(flow::ReorderOp op);
  void runOn(flow::ReshapeOp op);
  void runOn(flow::ClipOp op);
  void runOn(flow::ReduceSumOp op);
  void runOn(flow::ReduceMaxOp op);
  void runOn(flow::SplatOp op);
  void runOn(flow::CumsumOp op);
  void runOn(flow::BinSearchOp op);
  void runOn(flow::TakeOp op);
  void runOn(flow::OneHotOp op);
  void runOn(flow::RowWeightOp op);
  void runOn(flow::RandomNormalOp op);
  /// Ops of block networks (SampleInterpreterBlock.cpp).
  void runOn(flow::BlockDenseOp op);
  void runOn(flow::BlockSweepOp op);
  void runBlockMatrixOp(mlir::Operation &op);
  /// Ops on whole matrices of parameters (SampleInterpreterMatrices.cpp).
  void runMatrixOp(mlir::Operation &op);
  /// arith and math ops, flow.log1p_exp, flow.inv_logit.
  void runElementwise(mlir::Operation &op);

  const Array &get(mlir::Value value) const;
  void set(mlir::Value value, Array array);
  /// Part `i` of `parts` equal parts.
  Array getPart(mlir::Value value, int64_t i, int64_t parts) const;

  Array draws;
  llvm::DenseMap<mlir::Value, Array> values;
};

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_SAMPLEINTERPRETER_H
