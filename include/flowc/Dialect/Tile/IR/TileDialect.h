//===- TileDialect.h - Loops over rows --------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_IR_TILEDIALECT_H
#define FLOWC_DIALECT_TILE_IR_TILEDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "flowc/Dialect/Tile/IR/TileDialect.h.inc"
#include "flowc/Dialect/Tile/IR/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "flowc/Dialect/Tile/IR/TileAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "flowc/Dialect/Tile/IR/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "flowc/Dialect/Tile/IR/TileOps.h.inc"

namespace flowc::tile {

/// The shape that `module` says; null if it says none.
ShapeAttr findShape(mlir::ModuleOp module);

} // namespace flowc::tile

#endif // FLOWC_DIALECT_TILE_IR_TILEDIALECT_H
