//===- Pick.td - Elements by position ----------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_PICK
#define FLOWC_DIALECT_SAMPLE_IR_PICK

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_PickOp : Sample_LinearOp<"pick", [Sample_WritesInto]> {
  let summary = "y[i] = x[positions[i]]";
  let description = [{
    Positions are the same for all rows and lie in [0, elements of x); they may
    repeat. For a permutation with its inverse see `sample.gather`.

    ```mlir
    %y = sample.pick %x[%p] : tensor<3xf32>[tensor<5xi32>] -> tensor<5xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$x, 1DTensorOf<[I32]>:$positions);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$x `[` $positions `]` attr-dict `:` type($x) `[` type($positions) `]` `->` type($y)";
  let hasVerifier = 1;
}

def Sample_ScatterSumOp : Sample_LinearOp<"scatter_sum", [Sample_WritesInto]> {
  let summary = "y[j] = sum of x[i] over all i with positions[i] = j, in order";
  let description = [{
    The adjoint of `sample.pick`: what no position names is zero.

    ```mlir
    %y = sample.scatter_sum %x to %p : tensor<5xf32> to tensor<5xi32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$x, 1DTensorOf<[I32]>:$positions);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$x `to` $positions attr-dict `:` type($x) `to` type($positions) `->` type($y)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_SAMPLE_IR_PICK
