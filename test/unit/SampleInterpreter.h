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

#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/Root.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace flowc::test {

/// A float, an integer or a tensor (row-major).
using Array = std::vector<long double>;

class SampleInterpreter {
public:
  /// `draws` is what sample.random_normal gives.
  explicit SampleInterpreter(Array draws = {}) : draws(std::move(draws)) {}

  /// Results of `function` for `arguments`.
  std::vector<Array> run(mlir::func::FuncOp function, std::vector<Array> arguments);

private:
  /// Binds the block's arguments, runs its ops, returns what it yields.
  std::vector<Array> runBlock(mlir::Block &block, llvm::ArrayRef<Array> arguments);
  void runOp(mlir::Operation &op);

  void runOn(sample::MapOp op);
  void runOn(sample::ScanOp op);
  void runOn(sample::DenseOp op);
  void runOn(sample::OuterOp op);
  void runOn(sample::SweepOp op);
  void runOn(sample::RootOp op);
  void runOn(mlir::arith::ConstantOp op);
  void runOn(mlir::arith::CmpFOp op);
  void runOn(mlir::arith::SelectOp op);
  void runOn(sample::SplitOp op);
  void runOn(sample::ConcatOp op);
  void runOn(sample::GatherOp op);
  void runOn(sample::ReverseOp op);
  void runOn(sample::ReorderOp op);
  void runOn(sample::ReshapeOp op);
  void runOn(sample::ClipOp op);
  void runOn(sample::ReduceSumOp op);
  void runOn(sample::ReduceMaxOp op);
  void runOn(sample::SplatOp op);
  void runOn(sample::CumsumOp op);
  void runOn(sample::BinSearchOp op);
  void runOn(sample::TakeOp op);
  void runOn(sample::OneHotOp op);
  void runOn(sample::RowWeightOp op);
  void runOn(sample::RandomNormalOp op);
  /// Ops of block networks (SampleInterpreterBlock.cpp).
  void runOn(sample::BlockDenseOp op);
  void runOn(sample::BlockSweepOp op);
  void runBlockMatrixOp(mlir::Operation &op);
  /// Ops on whole matrices of parameters (SampleInterpreterMatrices.cpp).
  void runMatrixOp(mlir::Operation &op);
  /// arith and math ops, sample.log1p_exp, sample.inv_logit.
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
