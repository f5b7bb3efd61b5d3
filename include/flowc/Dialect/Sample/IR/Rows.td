//===- Rows.td - Moves of rows ----------------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_ROWS
#define FLOWC_DIALECT_SAMPLE_IR_ROWS

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_SplitOp : Sample_LinearOp<"split", [Sample_Renames, Sample_TakesApart]> {
  let summary = "Consecutive pieces of a tensor of rank 1";
  let description = [{
    A piece of one element may be a float.

    ```mlir
    %loc, %raw = sample.split %p : tensor<2xf32> -> f32, f32
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$x);
  let results = (outs Variadic<Sample_Rows>:$pieces);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($pieces)";
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Sample_ConcatOp : Sample_LinearOp<"concat", [Sample_WritesInto, Sample_Renames]> {
  let summary = "Pieces one after the other";
  let description = [{
    ```mlir
    %y = sample.concat %a, %b : f32, tensor<2xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins Variadic<Sample_Rows>:$pieces);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$pieces attr-dict `:` type($pieces) `->` type($y)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Sample_GatherOp : Sample_LinearOp<"gather", [Sample_WritesInto, AllTypesMatch<["x", "y"]>]> {
  let summary = "y[i] = x[indices[i]] for a permutation and its inverse";
  let description = [{
    ```mlir
    %y = sample.gather %x, %indices, %inverse : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$x, 1DTensorOf<[I32]>:$indices, 1DTensorOf<[I32]>:$inverse);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$x `,` $indices `,` $inverse attr-dict `:` type($x) `,` type($indices) `,` type($inverse)";
  let hasVerifier = 1;
}

def Sample_ReverseOp : Sample_LinearOp<"reverse", [Sample_WritesInto, AllTypesMatch<["x", "y"]>]> {
  let summary = "y[i] = x[n-1-i]";
  let description = [{
    ```mlir
    %y = sample.reverse %x : tensor<3xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$x);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Sample_ReorderOp : Sample_LinearOp<"reorder", [Sample_WritesInto, AllTypesMatch<["x", "y"]>]> {
  let summary = "Rows (and columns) of a parameter in a constant order";
  let description = [{
    y[i, j] = x[rows[i], columns[j]]; an empty list keeps the order. Used to sort
    hidden units by rank.

    ```mlir
    %y = sample.reorder %w rows = [2, 0, 1] columns = [] : tensor<3x2xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[Sample_Float]>:$x, DenseI64ArrayAttr:$rows, DenseI64ArrayAttr:$columns);
  let results = (outs RankedTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$x `rows` `=` $rows `columns` `=` $columns attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Sample_ReshapeOp : Sample_LinearOp<"reshape", [Sample_Renames]> {
  let summary = "The same elements in row-major order under another shape";
  let description = [{
    ```mlir
    %y = sample.reshape %w : tensor<3x2xf32> -> tensor<6xf32>
    ```
  }];
  let arguments = (ins Sample_Value:$x);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // FLOWC_DIALECT_SAMPLE_IR_ROWS
