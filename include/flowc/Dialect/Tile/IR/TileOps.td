//===- TileOps.td - Ops of the tile program ----------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_IR_TILEOPS
#define FLOWC_DIALECT_TILE_IR_TILEOPS

include "flowc/Dialect/Tile/IR/TileBuffers.td"
include "flowc/Dialect/Tile/IR/TileKernels.td"

#endif // FLOWC_DIALECT_TILE_IR_TILEOPS
