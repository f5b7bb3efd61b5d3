//===- TileKernels.td - Micro-kernels ----------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls of the functions that flowc/Conversion/MicroKernels.h describes. Operands of
// type index: `vectors` and `rows` say how many vectors, and rows, of the tile are in
// use.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_TILE_IR_TILEKERNELS
#define FLOWC_DIALECT_TILE_IR_TILEKERNELS

include "flowc/Dialect/Tile/IR/TileDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

class Tile_MoveRowsOp<string mnemonic> : Tile_Op<mnemonic> {
  let assemblyFormat = [{
    $data `,` $tile `rows` $first `to` $end `vectors` $vectors attr-dict `:` type($data) `,` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_LoadRowsOp : Tile_MoveRowsOp<"load_rows"> {
  let summary = "Rows of a row-major array, one in each lane";
  let description = [{
    Lanes from row `end` on get the last row before it.

    ```mlir
    tile.load_rows %x, %t rows %first to %end vectors %n : !tile.buffer<3xf32, uniform>, !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Arg<Tile_Uniform, "", [MemRead]>:$data, Arg<Tile_Rows, "", [MemWrite]>:$tile, Index:$first,
                   Index:$end, Index:$vectors);
}

def Tile_StoreRowsOp : Tile_MoveRowsOp<"store_rows"> {
  let summary = "The reverse of tile.load_rows; rows from `end` on are not stored";
  let description = [{
    ```mlir
    tile.store_rows %y, %t rows %first to %end vectors %n : !tile.buffer<3xf32, uniform>, !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Arg<Tile_Uniform, "", [MemWrite]>:$data, Arg<Tile_Rows, "", [MemRead]>:$tile, Index:$first,
                   Index:$end, Index:$vectors);
}

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

def Tile_DenseOp : Tile_Op<"dense", [IsolatedFromAbove]> {
  let summary = "Blocks of a dense layer";
  let description = [{
    y[i] = bias[i] + sum of w[i, k] x[k] for the rows of the blocks from `first` to `last`
    of `table`, which says where weights and biases are. The region, if there is one, is
    applied to each sum: of its arguments, number `sum` is the sum and number
    `of_operand` the same element of `operand`. If it is to `accumulate`, sums begin with what is in y
    instead of biases.

    ```mlir
    tile.dense %w, %b by %t blocks %c0 to %c2 of %x into %y rows %n lanes repeated
        : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>,
          !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
    ^bb0(%u: f32):
      %h = math.tanh %u : f32
      sample.yield %h : f32
    }
    ```
  }];
  let arguments = (ins Arg<Tile_Uniform, "", [MemRead]>:$weights, Arg<Tile_Uniform, "", [MemRead]>:$biases,
                   Arg<Tile_Uniform, "", [MemRead]>:$table, Arg<Tile_Rows, "", [MemRead]>:$x,
                   Arg<Tile_Rows, "", [MemRead, MemWrite]>:$y, Arg<Optional<Tile_Rows>, "", [MemRead]>:$operand, Index:$first,
                   Index:$last, Index:$rows, Tile_UnusedLanes:$lanes, DefaultValuedAttr<I64Attr, "0">:$sum,
                   OptionalAttr<I64Attr>:$of_operand, UnitAttr:$accumulate);
  let regions = (region AnyRegion:$epilogue);
  let assemblyFormat = [{
    $weights `,` $biases `by` $table `blocks` $first `to` $last `of` $x `into` $y
    (`with` $operand^ `:` type($operand))? `rows` $rows `lanes` $lanes (`accumulate` $accumulate^)? attr-dict
    `:` type($weights) `,` type($biases) `,` type($table) `,` type($x) `,` type($y) ($epilogue^)?
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Weight gradients
//===----------------------------------------------------------------------===//

class Tile_GradientOp<string mnemonic, dag extra> : Tile_Op<mnemonic, [AttrSizedOperandSegments]> {
  let arguments = !con((ins Arg<Tile_Rows, "", [MemRead]>:$g, Arg<Tile_Rows, "", [MemRead]>:$x,
                        Arg<Tile_Uniform, "", [MemRead, MemWrite]>:$weight,
                        Arg<Tile_Uniform, "", [MemRead, MemWrite]>:$bias, Arg<Tile_Uniform, "", [MemRead]>:$table,
                        Arg<Optional<Tile_Uniform>, "", [MemRead]>:$out_ranks,
                        Arg<Optional<Tile_Uniform>, "", [MemRead]>:$in_ranks, Index:$rows, Index:$is_first,
                        I64Attr:$columns, Tile_WhichWeights:$which), extra);
  let hasVerifier = 1;
}

def Tile_DotsOp : Tile_GradientOp<"dots", (ins I64Attr:$block_rows, I64Attr:$block_columns)> {
  let summary = "A weight gradient, each entry as a sum along lanes";
  let description = [{
    weight[o, i] += sum over rows of g[o] x[i], and bias[o] += sum of g[o], in blocks of so
    many rows and columns; `table` says which. Without `is_first` (0) they are added to what
    is there. Ranks belong to the weights that `which` leaves.

    ```mlir
    tile.dots %g, %x into %w, %b by %t rows %n first %f columns = 3 which = all blocks = 4 x 4
        : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>,
          !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
    ```
  }];
  let assemblyFormat = [{
    $g `,` $x `into` $weight `,` $bias `by` $table (`ranks` $out_ranks^ `,` $in_ranks `:` type($out_ranks) `,` type($in_ranks))?
    `rows` $rows `first` $is_first `columns` `=` $columns `which` `=` $which `blocks` `=` $block_rows `x` $block_columns
    attr-dict `:` type($g) `,` type($x) `,` type($weight) `,` type($bias) `,` type($table)
  }];
}

def Tile_OuterOp : Tile_GradientOp<"outer", (ins UnitAttr:$whole_only)> {
  let summary = "A weight gradient by outer products with transposed rows";
  let description = [{
    As tile.dots, of an `x` that tile.transpose has transposed. With `whole_only`, columns
    are multiples of a vector's length, and there are no biases.

    ```mlir
    tile.outer %g, %scratch into %w, %b by %t rows %n first %f columns = 16 which = all
        : !tile.buffer<4xf32, rows>, !tile.buffer<16xf32, rows>, !tile.buffer<64xf32, uniform>,
          !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
    ```
  }];
  let assemblyFormat = [{
    $g `,` $x `into` $weight `,` $bias `by` $table (`ranks` $out_ranks^ `,` $in_ranks `:` type($out_ranks) `,` type($in_ranks))?
    `rows` $rows `first` $is_first `columns` `=` $columns `which` `=` $which (`whole` $whole_only^)?
    attr-dict `:` type($g) `,` type($x) `,` type($weight) `,` type($bias) `,` type($table)
  }];
}

def Tile_TransposeOp : Tile_Op<"transpose"> {
  let summary = "Rows of a tile, each with its elements one after the other";
  let description = [{
    Of the first `columns` elements; then comes a column of ones, if `to` has room for it,
    and zeros.

    ```mlir
    tile.transpose %x to %scratch columns = 3 vectors %n : !tile.buffer<3xf32, rows>, !tile.buffer<16xf32, rows>
    ```
  }];
  let arguments = (ins Arg<Tile_Rows, "", [MemRead]>:$x, Arg<Tile_Rows, "", [MemWrite]>:$to, I64Attr:$columns,
                   Index:$vectors);
  let assemblyFormat = "$x `to` $to `columns` `=` $columns `vectors` $vectors attr-dict `:` type($x) `,` type($to)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Draws
//===----------------------------------------------------------------------===//

def Tile_RandomNormalOp : Tile_Op<"random_normal"> {
  let summary = "Standard normals for each row";
  let description = [{
    `first` is the number of the sample in the first lane.

    ```mlir
    tile.random_normal %z seed %seed first %i vectors %n : !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Arg<Tile_Rows, "", [MemWrite]>:$to, I64:$seed, I64:$first, Index:$vectors);
  let assemblyFormat = "$to `seed` $seed `first` $first `vectors` $vectors attr-dict `:` type($to)";
}

def Tile_RandomTailOp : Tile_Op<"random_tail"> {
  let summary = "Uniform numbers by their distance from the nearer end, for each row (sample.random_tail)";
  let description = [{
    ```mlir
    tile.random_tail %t stream = 0 seed %seed first %i vectors %n : !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Arg<Tile_Rows, "", [MemWrite]>:$to, I64Attr:$stream, I64:$seed, I64:$first, Index:$vectors);
  let assemblyFormat = [{
    $to `stream` `=` $stream `seed` $seed `first` $first `vectors` $vectors attr-dict `:` type($to)
  }];
}

def Tile_RandomGammaOp : Tile_Op<"random_gamma"> {
  let summary = "Gamma draws for each row (sample.random_gamma)";
  let description = [{
    ```mlir
    tile.random_gamma %a to %gamma, %factor stream = 1 seed %seed first %i vectors %n : !tile.buffer<3xf32, rows>
    ```
  }];
  let arguments = (ins Arg<Tile_Rows, "", [MemRead]>:$concentration, Arg<Tile_Rows, "", [MemWrite]>:$gamma,
                   Arg<Tile_Rows, "", [MemWrite]>:$factor, I64Attr:$stream, I64:$seed, I64:$first, Index:$vectors);
  let assemblyFormat = [{
    $concentration `to` $gamma `,` $factor `stream` `=` $stream `seed` $seed `first` $first `vectors` $vectors
    attr-dict `:` type($concentration) `,` type($gamma) `,` type($factor)
  }];
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_TILE_IR_TILEKERNELS
