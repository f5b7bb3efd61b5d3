//===- Passes.h - Passes on tile programs -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_TRANSFORMS_PASSES_H
#define FLOWC_DIALECT_TILE_TRANSFORMS_PASSES_H

#include "flowc/Dialect/Tile/IR/TileDialect.h"

#include "mlir/Pass/Pass.h"

namespace flowc::tile {

#define GEN_PASS_DECL
#include "flowc/Dialect/Tile/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "flowc/Dialect/Tile/Transforms/Passes.h.inc"

} // namespace flowc::tile

#endif // FLOWC_DIALECT_TILE_TRANSFORMS_PASSES_H
