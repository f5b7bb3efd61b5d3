//===- Passes.td - Passes on tile programs -----------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_TRANSFORMS_PASSES
#define FLOWC_DIALECT_TILE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def AssignStoragePass : Pass<"tile-assign-storage", "::mlir::ModuleOp"> {
  let summary = "Give buffers of the workspace their places";
  let description = [{
    Every `tile.alloc` becomes a `tile.buffer`, whose offset says where it lies: behind
    the one before it, at a multiple of 64 bytes. A loop that carries buffers from layer
    to layer carries their offsets. The table `@info` says what the workspace of `@kernel`
    takes.
  }];
  let dependentDialects = ["::flowc::tile::TileDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

#endif // FLOWC_DIALECT_TILE_TRANSFORMS_PASSES
