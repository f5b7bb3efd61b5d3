//===- Passes.td - Conversion passes -----------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_CONVERSION_PASSES
#define FLOWC_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def FlowExpandMath : Pass<"flow-expand-math"> {
  let summary = "Expand math functions into arithmetic and fused multiply-adds";
  let description = [{
    Replaces the transcendental functions of the `math` dialect, on scalars and
    on vectors of any rank, by flowc's own expansions for f32 and f64: at most
    2 ULP, no table, no call, no fast-math flag. `fma`, `sqrt`, `absf`,
    `copysign` and the roundings stay, since they map to instructions.

    Assumes that the code runs with FTZ and DAZ, or that subnormal numbers do
    not matter.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect"];
}

def ConvertSampleToTile : Pass<"convert-sample-to-tile", "::mlir::ModuleOp"> {
  let summary = "Put the batch into SIMD lanes";
  let description = [{
    Turns the packed sample program `@kernel`, `@prepare` and (for parameter
    gradients) `@finish` into functions with the signatures of
    `flowc/Runtime/KernelABI.h`, and adds their `info`.

    `@kernel` loops over tiles of 4 vectors of rows; a value of the sample program
    is a buffer [element][lane] of the workspace, a layer's parameters are scalars
    that are broadcast. Maps become loops over vectors and elements with their body
    in registers, dense layers a register-blocked micro-kernel, scans
    loops over layers with two buffers per carry, and sums accumulate over tiles.
    Neither the code's size nor the compile time depends on extents or layers.
  }];
  let options = [Option<"vectors", "vectors", "std::string", "\"avx512\"",
                        "The vectors that the code is for: avx512, avx, sse2 or neon">];
  let dependentDialects = ["::flowc::tile::TileDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ConvertTileToLLVM : Pass<"convert-tile-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Buffers become addresses, micro-kernels functions";
  let description = [{
    A pattern per op of the tile dialect, for the vectors that the module's `tile.shape`
    names. Micro-kernels that are called are emitted behind the first function that does.
    Loops and arithmetic stay.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def LowerToLLVM : Pass<"flow-lower-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower loops, vectors and expanded math to the llvm dialect";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::cf::ControlFlowDialect"];
}

#endif // FLOWC_CONVERSION_PASSES
