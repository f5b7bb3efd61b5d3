//===- TileDialect.td - Loops over rows --------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_IR_TILEDIALECT
#define FLOWC_DIALECT_TILE_IR_TILEDIALECT

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::flowc::tile";
  let summary = "Loops over rows, vectors and layers";
  let description = [{
    How all rows of a batch are computed: tiles of four vectors of rows go through all
    layers together. Loops are those of `scf`, numbers those of `arith`, `math` and
    `vector`; this dialect has what is in memory, and what is a micro-kernel. Where a
    buffer lies is an op, which is printed; pointers are made by convert-tile-to-llvm.

    ```mlir
    %x = tile.buffer %workspace[%c0] : !tile.buffer<3xf32, rows>
    scf.for %v = %c0 to %vectors step %c1 {
      %xi = tile.load %x[%i, %v] : !tile.buffer<3xf32, rows> -> vector<16xf32>
      ...
    }
    ```
  }];
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    /// Of a module: the vectors that its tile program is for, a `ShapeAttr`.
    static constexpr ::llvm::StringLiteral kShapeAttr = "tile.shape";
    /// Of a function: elements at the beginning of its workspace that have places already.
    static constexpr ::llvm::StringLiteral kReservedAttr = "tile.reserved";
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Tile_Layout : I32EnumAttr<"Layout", "how elements lie in memory", [
    I32EnumAttrCase<"Uniform", 0, "uniform">, I32EnumAttrCase<"Rows", 1, "rows">, I32EnumAttrCase<"Sums", 2, "sums">]> {
  let cppNamespace = "::flowc::tile";
}

/// Of lanes that no row is in.
def Tile_UnusedLanes : I32EnumAttr<"UnusedLanes", "what unused lanes get", [
    I32EnumAttrCase<"Computed", 0, "computed">, I32EnumAttrCase<"Zero", 1, "zero">,
    I32EnumAttrCase<"Repeated", 2, "repeated">]> {
  let cppNamespace = "::flowc::tile";
}

def Tile_WhichWeights : I32EnumAttr<"WhichWeights", "weights that a mask leaves", [
    I32EnumAttrCase<"All", 0, "all">, I32EnumAttrCase<"AtLeast", 1, "at_least">,
    I32EnumAttrCase<"Above", 2, "above">]> {
  let cppNamespace = "::flowc::tile";
}

def Tile_ShapeAttr : AttrDef<Tile_Dialect, "Shape"> {
  let mnemonic = "shape";
  let summary = "The vectors and the floats of a tile program";
  let description = [{
    The name of a vector unit (flowc/Target/TargetInfo.h), and f32 or f64.

    ```mlir
    module attributes {tile.shape = #tile.shape<"avx512", f32>} { ... }
    ```
  }];
  let parameters = (ins StringRefParameter<>:$vectors, "::mlir::FloatType":$element);
  let assemblyFormat = "`<` $vectors `,` $element `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Tile_BufferType : TypeDef<Tile_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "Elements in memory";
  let description = [{
    * `uniform`: one after the other, the same for all rows: a parameter, or a table;
    * `rows`: each element for the rows of a tile, [element][lane];
    * `sums`: each element for the lanes of one vector, which add up rows.

    ```mlir
    !tile.buffer<8xf32, rows>
    ```
  }];
  let parameters = (ins "int64_t":$elements, "::mlir::Type":$element, "::flowc::tile::Layout":$layout);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Tile_MemoryType : TypeDef<Tile_Dialect, "Memory"> {
  let mnemonic = "memory";
  let summary = "What a caller of the kernel hands over: an address";
  let description = [{
    Holds elements, or addresses of arrays (flowc/Runtime/KernelABI.h).
  }];
}

class Tile_BufferOf<string layout> : Type<
    And<[CPred<"::llvm::isa<::flowc::tile::BufferType>($_self)">,
         CPred<"::llvm::cast<::flowc::tile::BufferType>($_self).getLayout() == ::flowc::tile::Layout::" # layout>]>,
    "a buffer of layout " # !tolower(layout), "::flowc::tile::BufferType">;
def Tile_Rows : Tile_BufferOf<"Rows">;
def Tile_Uniform : Tile_BufferOf<"Uniform">;

class Tile_Op<string mnemonic, list<Trait> traits = []> : Op<Tile_Dialect, mnemonic, traits>;

#endif // FLOWC_DIALECT_TILE_IR_TILEDIALECT
