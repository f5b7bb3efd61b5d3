//===- TileBuffers.td - What is in memory ------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_IR_TILEBUFFERS
#define FLOWC_DIALECT_TILE_IR_TILEBUFFERS

include "flowc/Dialect/Tile/IR/TileDialect.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Where buffers are
//===----------------------------------------------------------------------===//

def Tile_TableOp : Tile_Op<"table", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "Numbers that the compiler knows";
  let description = [{
    With `exported`, those who load the kernel look them up by name.

    ```mlir
    tile.table @table_0 dense<[0, 3, 0, 2]> : tensor<4xi32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, UnitAttr:$exported, ElementsAttr:$numbers);
  let assemblyFormat = "(`exported` $exported^)? $sym_name $numbers attr-dict";
  let hasVerifier = 1;
}

def Tile_ConstantOp : Tile_Op<"constant", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A table as a buffer";
  let description = [{
    ```mlir
    %t = tile.constant @table_0 : !tile.buffer<4xi32, uniform>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$table);
  let results = (outs Tile_Uniform:$buffer);
  let assemblyFormat = "$table attr-dict `:` type($buffer)";
}

def Tile_ArgumentOp : Tile_Op<"argument"> {
  let summary = "One of several arrays";
  let description = [{
    `arrays` holds addresses, of which this is number `index`.

    ```mlir
    %w = tile.argument %arrays[2] : !tile.buffer<50xf32, uniform>
    ```
  }];
  let arguments = (ins Arg<Tile_MemoryType, "", [MemRead]>:$arrays, I64Attr:$index);
  let results = (outs Tile_Uniform:$buffer);
  let assemblyFormat = "$arrays `[` $index `]` attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Tile_ParameterOp : Tile_Op<"parameter", [Pure]> {
  let summary = "A buffer with an address of its own, so many elements behind the beginning of memory";
  let description = [{
    `offset` counts elements of the kernel's type, whatever those of the buffer are.

    ```mlir
    %w = tile.parameter %prepared[64] : !tile.buffer<50xf32, uniform>
    ```
  }];
  let arguments = (ins Tile_MemoryType:$memory, I64Attr:$offset);
  let results = (outs Tile_Uniform:$buffer);
  let assemblyFormat = "$memory `[` $offset `]` attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Tile_BufferOp : Tile_Op<"buffer", [Pure]> {
  let summary = "A buffer in memory that others lie in, too";
  let description = [{
    `offset` counts elements of the buffer's type.

    ```mlir
    %x = tile.buffer %workspace[%c192] : !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Tile_MemoryType:$memory, Index:$offset);
  let results = (outs Tile_BufferType:$buffer);
  let assemblyFormat = "$memory `[` $offset `]` attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Tile_AllocOp : Tile_Op<"alloc", [MemoryEffects<[MemAlloc, MemWrite]>]> {
  let summary = "A buffer in memory, wherever tile-assign-storage puts it";
  let description = [{
    Neither merged with others nor left out: what follows it in the program lies behind it.

    ```mlir
    %x = tile.alloc %workspace : !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Tile_MemoryType:$memory);
  let results = (outs Tile_BufferType:$buffer);
  let assemblyFormat = "$memory attr-dict `:` type($buffer)";
}

def Tile_ShiftOp : Tile_Op<"shift", [Pure]> {
  let summary = "The memory behind so many elements";
  let description = [{
    ```mlir
    %own = tile.shift %workspace[%offset] : f32
    ```
  }];
  let arguments = (ins Tile_MemoryType:$memory, Index:$offset, TypeAttr:$element);
  let results = (outs Tile_MemoryType:$rest);
  let assemblyFormat = "$memory `[` $offset `]` attr-dict `:` $element";
  let hasVerifier = 1;
}

def Tile_ViewOp : Tile_Op<"view", [Pure]> {
  let summary = "Consecutive elements of a buffer";
  let description = [{
    ```mlir
    %tail = tile.view %x[%c2] : !tile.buffer<5xf32, rows> to !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Tile_BufferType:$whole, Index:$first);
  let results = (outs Tile_BufferType:$part);
  let assemblyFormat = "$whole `[` $first `]` attr-dict `:` type($whole) `to` type($part)";
  let hasVerifier = 1;
}

def Tile_PinOp : Tile_Op<"pin", [Pure, AllTypesMatch<["buffer", "pinned"]>]> {
  let summary = "The same buffer, whose address is computed here";
  let description = [{
    What follows counts from that address: it does not compute it again in loops.

    ```mlir
    %here = tile.pin %indices : !tile.buffer<8xi32, uniform>
    ```
  }];
  let arguments = (ins Tile_BufferType:$buffer);
  let results = (outs Tile_BufferType:$pinned);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

def Tile_LoadOp : Tile_Op<"load"> {
  let summary = "Elements of a buffer in a register";
  let description = [{
    * `uniform`: element `i`, or a vector of elements from `i` on;
    * `rows`: of element `i`, the lanes from those of vector `v` on: one vector or more;
    * `sums`: the lanes of element `i`.

    ```mlir
    %xi = tile.load %x[%i, %v] : !tile.buffer<3xf32, rows> -> vector<16xf32>
    %s = tile.load %p[%i] : !tile.buffer<3xf32, uniform> -> f32
    ```
  }];
  let arguments = (ins Arg<Tile_BufferType, "", [MemRead]>:$buffer, Variadic<Index>:$indices);
  let results = (outs AnyType:$value);
  let assemblyFormat = "$buffer `[` $indices `]` attr-dict `:` type($buffer) `->` type($value)";
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store"> {
  let summary = "The reverse of tile.load";
  let description = [{
    ```mlir
    tile.store %yi, %y[%i, %v] : vector<16xf32>, !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins AnyType:$value, Arg<Tile_BufferType, "", [MemWrite]>:$buffer, Variadic<Index>:$indices);
  let assemblyFormat = "$value `,` $buffer `[` $indices `]` attr-dict `:` type($value) `,` type($buffer)";
  let hasVerifier = 1;
}

def Tile_LoadTableOp : Tile_Op<"load_table"> {
  let summary = "A small uniform buffer in vectors, from which tile.look_up takes elements";
  let description = [{
    Vector k holds the elements from `first` + k times its length on, and zeros behind
    the last of `count` elements.

    ```mlir
    %t:2 = tile.load_table %knots[%i] count = 20 : !tile.buffer<160xf32, uniform> -> vector<16xf32>, vector<16xf32>
    ```
  }];
  let arguments = (ins Arg<Tile_Uniform, "", [MemRead]>:$buffer, Index:$first, I64Attr:$count);
  let results = (outs Variadic<AnyVectorOfNonZeroRank>:$vectors);
  let assemblyFormat = "$buffer `[` $first `]` `count` `=` $count attr-dict `:` type($buffer) `->` type($vectors)";
  let hasVerifier = 1;
}

def Tile_LookUpOp : Tile_Op<"look_up", [Pure]> {
  let summary = "For each lane the element that its index names";
  let description = [{
    By the instruction that the vector unit has.

    ```mlir
    %k = tile.look_up %t#0, %t#1[%bin] : vector<16xf32>, vector<16xf32> at vector<16xi32> -> vector<16xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyVectorOfNonZeroRank>:$table, AnyVectorOfNonZeroRank:$index);
  let results = (outs AnyVectorOfNonZeroRank:$value);
  let assemblyFormat = "$table `[` $index `]` attr-dict `:` type($table) `at` type($index) `->` type($value)";
  let hasVerifier = 1;
}

def Tile_CopyOp : Tile_Op<"copy"> {
  let summary = "All elements of a uniform buffer to another one";
  let description = [{
    ```mlir
    tile.copy %a to %b : !tile.buffer<8xf32, uniform>, !tile.buffer<8xf32, uniform>
    ```
  }];
  let arguments = (ins Arg<Tile_Uniform, "", [MemRead]>:$from, Arg<Tile_Uniform, "", [MemWrite]>:$to);
  let assemblyFormat = "$from `to` $to attr-dict `:` type($from) `,` type($to)";
  let hasVerifier = 1;
}

def Tile_ClearOp : Tile_Op<"clear"> {
  let summary = "Zeros in all elements of a uniform buffer";
  let description = [{
    ```mlir
    tile.clear %sums : !tile.buffer<8xf32, uniform>
    ```
  }];
  let arguments = (ins Arg<Tile_Uniform, "", [MemWrite]>:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}

#endif // FLOWC_DIALECT_TILE_IR_TILEBUFFERS
