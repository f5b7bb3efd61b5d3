//===- DensityEmitter.h - Emission of densities --------------- -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A density's formula works on vectors. All that acts element by element between
// two other operations becomes one sample.map, sums are sums of maps, extrema,
// running sums and recurrences are scans: the number of ops does not depend on the
// lengths of vectors, and data are arguments.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_DENSITYEMITTER_H
#define FLOWC_LIB_FRONTEND_DENSITYEMITTER_H

#include "EmitMath.h"

#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Frontend/Formula.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace flowc {

/// Emits the formula of one density, whose shapes have been checked.
class DensityEmitter {
public:
  DensityEmitter(mlir::ImplicitLocOpBuilder &builder, mlir::FloatType element, const Formula &formula,
                 llvm::StringRef file)
      : builder(builder), element(element), formula(formula), file(file) {}

  /// Emits the whole formula of the event `x`; `arrays` are the data that it reads.
  mlir::Value emit(mlir::Value x, mlir::ValueRange arrays);

private:
  using MathExpr = ast::MathExpr;
  /// Parts that elementwise ones take their elements from, with their values.
  using Sources = llvm::MapVector<const MathExpr *, mlir::Value>;
  /// Uses elements of some parts: emits what a map yields.
  using ElementsFn = llvm::function_ref<void(mlir::ImplicitLocOpBuilder &, mlir::ValueRange, sample::MapYields &)>;

  // EmitDensity.cpp: names and arithmetic.
  mlir::Value emitPart(const MathExpr &part);
  mlir::Value emitName(const MathExpr &name);
  mlir::Value emitElementwise(const MathExpr &part);
  void collectSources(const MathExpr &part, Sources &sources);
  sample::MapOp emitMap(llvm::ArrayRef<const MathExpr *> parts, const Sources &sources, ElementsFn body);
  mlir::Value emitElement(mlir::ImplicitLocOpBuilder &at, const MathExpr &part, const Sources &elements);
  mlir::Value toCondition(mlir::ImplicitLocOpBuilder &at, mlir::Value number);
  mlir::Value getConstant(mlir::Type type, double value) { return sample::buildConstant(builder, type, value); }
  // EmitDensityArrays.cpp: what works on whole vectors.
  mlir::Value emitArrayFunction(const MathExpr &call);
  mlir::Value emitSum(const MathExpr &call);
  mlir::Value emitDot(const MathExpr &call);
  mlir::Value emitCumsum(const MathExpr &argument);
  mlir::Value emitMean(const MathExpr &call);
  mlir::Value emitLogSumExp(const MathExpr &argument);
  mlir::Value emitExtremum(llvm::StringRef name, mlir::Value vector);
  mlir::Value emitArray(const MathExpr &array);
  mlir::Value emitAccess(const MathExpr &access);
  mlir::Value emitGather(const MathExpr &gather);
  mlir::Value emitScan(const MathExpr &scan);
  /// Emits a scan with one carry, which `body` makes of the arguments of a layer: the
  /// carry, then elements of `over`. The body may use values around the scan.
  sample::ScanOp buildScan(mlir::Value start, mlir::ValueRange over, bool isStacked,
                           llvm::function_ref<mlir::Value(mlir::ValueRange)> body);

  mlir::ImplicitLocOpBuilder &builder;
  mlir::FloatType element;
  const Formula &formula;
  llvm::StringRef file;
  /// The variable, and the `let`s and scans around the current place.
  llvm::SmallVector<std::pair<llvm::StringRef, mlir::Value>> names;
  /// The arrays that the formula reads.
  llvm::SmallVector<mlir::Value> data;
  /// Values that stand for conditions: they hold 1 where it is true, else 0.
  llvm::DenseSet<mlir::Value> conditions;
};

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_DENSITYEMITTER_H
