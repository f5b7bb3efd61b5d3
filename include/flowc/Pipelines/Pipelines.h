//===- Pipelines.h - From a flow to a compiled kernel's module --*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one list of passes that the tool, the library and the tests share.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_PIPELINES_PIPELINES_H
#define FLOWC_PIPELINES_PIPELINES_H

#include "flowc/flowc.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace flowc {

/// The levels of the program that can be printed: four of MLIR (docs/Passes.md),
/// then code.
enum class EmitLevel { Flow, Sample, Tile, LLVM, Asm, Obj };

/// Which kernel to build, and what for.
struct PipelineOptions {
  DType dtype = F32;
  Kernel kernel = Kernel::LogProb;
  /// The density that an ELBO is about; null for other kernels.
  const Flow *target = nullptr;
  /// The vectors that the code is written for: a `VectorUnit`.
  std::string vectors = "avx512";
  /// Run MLIR's verifier between passes.
  bool verify = false;
  /// Tidy the tile program up; what says how much it computes stands there before.
  bool cleanTile = true;
  /// The condition is a parameter, in front of all others, and none of the rows.
  bool fixedCondition = false;
  /// The sample program is one function of rows and parameters: nothing is prepared, outlined
  /// or fused. It has no tile program.
  bool isWhole = false;
};

/// Registers every dialect and interface that the pipelines need.
void registerPipelineDialects(mlir::DialectRegistry &registry);

/// Registers flowc's passes and pipelines by name, for flowc-opt.
void registerAllPasses();

/// Builds the graph of a flow, with that of `options.target`: all that the passes see of
/// them. Returns null and sets `error` if that fails.
mlir::OwningOpRef<mlir::ModuleOp> buildGraphModule(mlir::MLIRContext &context, const Flow &flow,
                                                   const PipelineOptions &options, std::string &error);

/// Lowers such a graph to level Sample, Tile or LLVM (MLIR's llvm dialect, ready for
/// translation, with the symbols of KernelABI.h); level Flow leaves it as it is. Sets
/// `error` if a pass fails.
mlir::LogicalResult lowerGraphModule(mlir::ModuleOp module, EmitLevel level, const PipelineOptions &options,
                                     std::string &error);

/// Both, one after the other.
mlir::OwningOpRef<mlir::ModuleOp> buildKernelModule(mlir::MLIRContext &context, const Flow &flow, EmitLevel level,
                                                    const PipelineOptions &options, std::string &error);

} // namespace flowc

#endif // FLOWC_PIPELINES_PIPELINES_H
