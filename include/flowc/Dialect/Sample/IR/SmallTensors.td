//===- SmallTensors.td - Small tensors and floats ---------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_SMALLTENSORS
#define FLOWC_DIALECT_SAMPLE_IR_SMALLTENSORS

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_Log1pExpOp : Sample_UnaryOp<"log1p_exp", [Sample_Costly]> {
  let summary = "Softplus: log(1 + exp(x)); its derivative is inv_logit(x)";
}

def Sample_InvLogitOp : Sample_UnaryOp<"inv_logit", [Sample_Costly]> {
  let summary = "Sigmoid: s = 1 / (1 + exp(-x)); its derivative is s (1 - s)";
}

def Sample_ClipOp : Sample_DifferentiableOp<"clip", [SameOperandsAndResultType, Elementwise]> {
  let summary = "x moved into [lower, upper]; NaN stays NaN";
  let description = [{
    The derivative is 1 inside, 0 outside and 1/2 at both ends, as that of JAX's
    `clip` is.

    ```mlir
    %y = sample.clip %x to [-1.0, 1.0] : f32
    ```
  }];
  let arguments = (ins Sample_Value:$x, F64Attr:$lower, F64Attr:$upper);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$x `to` `[` $lower `,` $upper `]` attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Sample_ReduceSumOp : Sample_LinearOp<"reduce_sum"> {
  let summary = "Sum of all elements, in order";
  let description = [{
    ```mlir
    %y = sample.reduce_sum %x : tensor<3xf32> -> f32
    ```
  }];
  let arguments = (ins Sample_Small:$x);
  let results = (outs Sample_Float:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
}

def Sample_ReduceMaxOp : Sample_TangentOp<"reduce_max", [Sample_InBodies]> {
  let summary = "Largest element; its cotangent is taken as zero (it only shifts a softmax)";
  let description = [{
    ```mlir
    %y = sample.reduce_max %x : tensor<3xf32> -> f32
    ```
  }];
  let arguments = (ins Sample_Small:$x);
  let results = (outs Sample_Float:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
}

def Sample_SplatOp : Sample_LinearOp<"splat", [Sample_Renames]> {
  let summary = "A tensor with the same value everywhere";
  let description = [{
    ```mlir
    %y = sample.splat %x : f32 -> tensor<3xf32>
    ```
  }];
  let arguments = (ins Sample_Float:$x);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
}

def Sample_CumsumOp : Sample_LinearOp<"cumsum", [Sample_InBodies, SameOperandsAndResultType]> {
  let summary = "y[i] = x[0] + ... + x[i], or x[i] + ... + x[n-1] if reverse";
  let description = [{
    ```mlir
    %y = sample.cumsum %x reverse : tensor<3xf32>
    ```
  }];
  let arguments = (ins Sample_Small:$x, UnitAttr:$reverse);
  let results = (outs Sample_Small:$y);
  let assemblyFormat = "$x (`reverse` $reverse^)? attr-dict `:` type($x)";
}

def Sample_BinSearchOp : Sample_PureOp<"bin_search", [Sample_InBodies]> {
  let summary = "The bin of a value among ascending knots";
  let description = [{
    The number of knots below `v`, less one, clipped to [0, n-2]: a value on a knot
    belongs to the bin on its left.

    ```mlir
    %bin = sample.bin_search %knots, %v : tensor<9xf32>, f32
    ```
  }];
  let arguments = (ins Sample_Small:$knots, Sample_Float:$v);
  let results = (outs I32:$bin);
  let assemblyFormat = "$knots `,` $v attr-dict `:` type($knots) `,` type($v)";
  let hasVerifier = 1;
}

def Sample_TakeOp : Sample_LinearOp<"take", [Sample_InBodies, Sample_TakesApart]> {
  let summary = "Element `index + offset` of a small tensor";
  let description = [{
    ```mlir
    %y = sample.take %x[%bin + 1] : tensor<9xf32> -> f32
    ```
  }];
  let arguments = (ins Sample_Small:$x, I32:$index, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Sample_Float:$y);
  let assemblyFormat = "$x `[` $index `+` $offset `]` attr-dict `:` type($x) `->` type($y)";
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Sample_OneHotOp : Sample_LinearOp<"one_hot", [Sample_InBodies]> {
  let summary = "A small tensor that is `x` at `index + offset` and zero elsewhere";
  let description = [{
    ```mlir
    %y = sample.one_hot %x at [%bin + 1] : f32 -> tensor<9xf32>
    ```
  }];
  let arguments = (ins Sample_Float:$x, I32:$index, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Sample_Small:$y);
  let assemblyFormat = "$x `at` `[` $index `+` $offset `]` attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_SAMPLE_IR_SMALLTENSORS
