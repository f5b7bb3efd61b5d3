//===- Draws.td - Random numbers of a sample ---------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_DRAWS
#define FLOWC_DIALECT_SAMPLE_IR_DRAWS

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_RandomTailOp : Sample_PureOp<"random_tail", [Sample_WritesInto, Sample_PerRow]> {
  let summary = "Independent uniform numbers of this sample, by their distance from the nearer end";
  let description = [{
    An element t in [-1/2, 1/2], never 0, stands for u = t if t > 0 and for u = 1 + t
    else: both ends of (0, 1) keep their full resolution. It is a function of the
    seed, the sample, the element and `stream` alone (Philox4x32-10). The draws of
    different streams are independent of each other and of other random ops.

    ```mlir
    %t = sample.random_tail stream = 0 : tensor<3xf32>
    ```
  }];
  let arguments = (ins I64Attr:$stream);
  let results = (outs Sample_Rows:$tail);
  let assemblyFormat = "`stream` `=` $stream attr-dict `:` type($tail)";
}

// random_gamma_c1: the concentration and both results have one type.
def Sample_RandomGammaOp : Sample_TangentOp<"random_gamma", [Sample_WritesInto, Sample_PerRow, AllTypesMatch<["concentration", "gamma", "log_factor"]>]> {
  let summary = "Independent gamma draws of this sample: gamma * exp(log_factor)";
  let description = [{
    Exact: G. Marsaglia and W. W. Tsang, "A simple method for generating gamma
    variables", TOMS 2000. For a concentration a < 1, where draws can be too small
    for a float, `gamma` has concentration a + 1 and `log_factor` = log(u) / a;
    otherwise that is 0. A function of the seed, the sample, the element, its
    concentration and `stream` alone. The derivative in the concentration is that of
    `gamma` as a quantile of its distribution (sample.gamma_slope), and that of `log_factor`
    for fixed u: -`log_factor` / a.

    ```mlir
    %gamma, %log_factor = sample.random_gamma %a stream = 1 : tensor<3xf32>
    ```
  }];
  let arguments = (ins Sample_Rows:$concentration, I64Attr:$stream);
  let results = (outs Sample_Rows:$gamma, Sample_Rows:$log_factor);
  let assemblyFormat = "$concentration `stream` `=` $stream attr-dict `:` type($concentration)";
}

#endif // FLOWC_DIALECT_SAMPLE_IR_DRAWS
