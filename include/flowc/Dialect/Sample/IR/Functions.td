//===- Functions.td - Special functions --------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_FUNCTIONS
#define FLOWC_DIALECT_SAMPLE_IR_FUNCTIONS

include "flowc/Dialect/Sample/IR/OpBase.td"

// None is marked as costly: derivatives compute them again.

def Sample_LgammaOp : Sample_UnaryOp<"lgamma"> {
  let summary = "log Gamma(x) for x > 0; its derivative is digamma(x)";
}

def Sample_DigammaOp : Sample_UnaryOp<"digamma"> {
  let summary = "The derivative of lgamma, for x > 0; its own is trigamma(x)";
}

def Sample_TrigammaOp : Sample_PureOp<"trigamma", [SameOperandsAndResultType, Elementwise]> {
  let summary = "The derivative of digamma, for x > 0; it has no derivative itself";
  let description = [{
    ```mlir
    %y = sample.trigamma %x : f32
    ```
  }];
  let arguments = (ins Sample_Value:$x);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Sample_StirlingOp : Sample_UnaryOp<"stirling"> {
  let summary = "The remainder of Stirling's formula: lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2, for x > 0";
}

def Sample_StirlingSlopeOp : Sample_PureOp<"stirling_slope", [SameOperandsAndResultType, Elementwise]> {
  let summary = "The derivative of sample.stirling; it has no derivative itself";
  let description = [{
    ```mlir
    %y = sample.stirling_slope %x : f32
    ```
  }];
  let arguments = (ins Sample_Value:$x);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Sample_GammaSlopeOp : Sample_PureOp<"gamma_slope", [SameOperandsAndResultType, Elementwise]> {
  let summary = "The derivative of a gamma draw in its concentration >= 1, by implicit reparameterisation";
  let description = [{
    -(dP/da) / (dP/dx) at `concentration` a and `draw` x, of the distribution function P of
    the gamma distribution of scale 1 (Figurnov, Mohamed, Mnih 2018). It has no derivative
    itself.

    ```mlir
    %s = sample.gamma_slope %a, %draw : f32
    ```
  }];
  let arguments = (ins Sample_Value:$concentration, Sample_Value:$draw);
  let results = (outs Sample_Value:$slope);
  let assemblyFormat = "$concentration `,` $draw attr-dict `:` type($draw)";
}

def Sample_Log1mExpOp : Sample_UnaryOp<"log1m_exp"> {
  let summary = "log(1 - exp(-|x|)); its derivative is sign(x) / (exp(|x|) - 1)";
}

def Sample_NormalLogCdfOp : Sample_UnaryOp<"normal_log_cdf"> {
  let summary = "log Phi(x) of the normal distribution; its derivative is normal_hazard(x)";
}

def Sample_NormalHazardOp : Sample_UnaryOp<"normal_hazard"> {
  let summary = "h = phi(x) / Phi(x) of the normal distribution; its derivative is -h (x + h)";
}

def Sample_LogMinusOp : Sample_DifferentiableOp<"log_minus", [SameOperandsAndResultType, Elementwise]> {
  let summary = "log(r) - t for r = 1 + t, without cancellation";
  let description = [{
    The two operands say the same; what is computed far from 1 reads `r`, close to
    1 `t`. The cotangent goes to `r` alone, with the slope -t / r: the derivative of
    t = (x - m) / m by m would cancel for x close to 0, that of r = x / m does not.

    ```mlir
    %y = sample.log_minus %r, %t : f32
    ```
  }];
  let arguments = (ins Sample_Value:$r, Sample_Value:$t);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$r `,` $t attr-dict `:` type($r)";
}

#endif // FLOWC_DIALECT_SAMPLE_IR_FUNCTIONS
