//===- VerifyOps.h - What verifiers of several files share ------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_SAMPLE_IR_VERIFYOPS_H
#define FLOWC_LIB_DIALECT_SAMPLE_IR_VERIFYOPS_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

namespace flowc::sample {

/// Number of consecutive elements per step if `type` is split over `extent` > 0
/// steps; 0 if that is not a whole number.
int64_t getGroup(mlir::Type type, int64_t extent);

/// Checks that a region's arguments or yielded values have the expected types.
mlir::LogicalResult verifyTypes(mlir::Operation *op, mlir::TypeRange found, llvm::ArrayRef<mlir::Type> expected,
                                const llvm::Twine &what);

/// Checks that a mask's rank lists fit a matrix of `rows` x `columns`.
mlir::LogicalResult verifyMask(mlir::Operation *op, std::optional<RankMaskAttr> mask, int64_t rows, int64_t columns);

/// Rows and columns of a dense layer's matrix.
struct MatrixSize {
  int64_t rows, columns;
};

/// Checks that a mask fits `weight` as it is stored; the size of the matrix that it holds,
/// perhaps transposed.
mlir::FailureOr<MatrixSize> verifyStoredMatrix(mlir::Operation *op, mlir::RankedTensorType weight,
                                               std::optional<RankMaskAttr> mask, bool transposed);

/// Checks the region of a dense layer, if there is one: it takes and yields `element`.
mlir::LogicalResult verifyActivation(mlir::Operation *op, mlir::Region &activation, mlir::Type element);

} // namespace flowc::sample

#endif // FLOWC_LIB_DIALECT_SAMPLE_IR_VERIFYOPS_H
