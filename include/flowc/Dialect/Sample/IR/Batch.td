//===- Batch.td - Rows of a batch -------------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_BATCH
#define FLOWC_DIALECT_SAMPLE_IR_BATCH

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_RowWeightOp : Sample_PureOp<"row_weight", [Sample_PerRow]> {
  let summary = "1 for a row of the batch, 0 for a lane beyond its end";
  let description = [{
    ```mlir
    %w = sample.row_weight : f32
    ```
  }];
  let results = (outs Sample_Float:$weight);
  let assemblyFormat = "attr-dict `:` type($weight)";
}

def Sample_RandomNormalOp : Sample_PureOp<"random_normal", [Sample_WritesInto, Sample_PerRow]> {
  let summary = "Independent standard normals of this sample";
  let description = [{
    Element d of sample i of stream `seed` is a function of (seed, i, d) alone:
    Philox4x32-10 (Salmon et al. 2011), then Box-Muller.

    ```mlir
    %z = sample.random_normal : tensor<3xf32>
    ```
  }];
  let results = (outs Sample_Rows:$z);
  let assemblyFormat = "attr-dict `:` type($z)";
}

#endif // FLOWC_DIALECT_SAMPLE_IR_BATCH
