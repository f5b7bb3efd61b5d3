//===- Objective.td - What losses are made of --------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_OBJECTIVE
#define FLOWC_DIALECT_SAMPLE_IR_OBJECTIVE

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_DetachOp : Sample_TangentOp<"detach", [SameOperandsAndResultType]> {
  let summary = "The same value, held constant by differentiation";
  let description = [{
    What `stop_gradient` is in JAX. It stands outside of the bodies of maps;
    `sample-outline-maps`, after differentiation, removes it.

    ```mlir
    %c = sample.detach %w : tensor<4xf32>
    ```
  }];
  let arguments = (ins Sample_Value:$x);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Sample_SurrogateOp : Sample_TangentOp<"surrogate", [
    AllTypesMatch<["value", "y"]>, SameVariadicOperandSize,
    RangedTypesMatchWith<"slopes have the types of what they are slopes in", "xs", "slopes", "$_self">]> {
  let summary = "A value whose derivative is given";
  let description = [{
    The value `value`; its derivative in each of `xs` is the slope in the same place, and
    in nothing else, whatever it was computed from: a gradient estimator other than the
    derivative of its value, or a derivative that is known already. Of a tensor, the
    derivatives are those of each element in its own share of `xs`. A cotangent of 0 stays 0
    even where the slope is not finite. `sample-outline-maps`, after differentiation, removes it.

    ```mlir
    %l = sample.surrogate %loss at %x slope %g : f32, tensor<4xf32>
    %y = sample.surrogate %t at %x, %p slope %dx, %dp : tensor<4xf32>, tensor<4xf32>, tensor<8xf32>
    ```
  }];
  let arguments = (ins Sample_Rows:$value, Variadic<Sample_Rows>:$xs, Variadic<Sample_Rows>:$slopes);
  let results = (outs Sample_Rows:$y);
  let assemblyFormat = "$value `at` $xs `slope` $slopes attr-dict `:` type($value) `,` type($xs)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_SAMPLE_IR_OBJECTIVE
