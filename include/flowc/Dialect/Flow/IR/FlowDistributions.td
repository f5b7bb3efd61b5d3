//===- FlowDistributions.td - Base distributions -----------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Distributions of the flow graph, and the ops of the sample program that they
// need: draws and special functions.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS
#define FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

//===----------------------------------------------------------------------===//
// Flow graph: independent coordinates
//===----------------------------------------------------------------------===//

/// Coordinates are independent; an operand has one element for each. The class
/// of such an op says, for one coordinate, what of the density depends on the
/// parameters alone (`buildPrepared`) and the rest of it (`buildElement`).
class Flow_IndependentOp<string mnemonic, list<Trait> traits = []>
    : Flow_Op<mnemonic, traits # [DeclareOpInterfaceMethods<DistributionOpInterface>]> {
  let results = (outs Flow_Event:$z);
  code declareDensity = [{
    /// What the log-density of a coordinate needs of its parameters.
    static ::flowc::flow::PreparedDensity buildPrepared(::mlir::ImplicitLocOpBuilder &builder, ::mlir::Type type,
                                                        ::mlir::ValueRange parameters);
    /// The log-density of a coordinate without the part that `buildPrepared` gave.
    static ::mlir::Value buildElement(::mlir::ImplicitLocOpBuilder &builder, ::mlir::Value x,
                                      ::mlir::ValueRange prepared);
  }];
  code defineDensity = [{
    ::mlir::Value $cppClass::buildLogProb(::flowc::flow::Specializer &specializer, ::mlir::Value x) {
      return ::flowc::flow::buildIndependentLogProb(*this, specializer, x, buildPrepared, buildElement);
    }
  }];
  let extraClassDeclaration = declareDensity;
  let extraClassDefinition = defineDensity;
}

/// A draw of a coordinate is a function of one uniform number (`buildDraw`).
class Flow_QuantileDistributionOp<string mnemonic, list<Trait> traits = []> : Flow_IndependentOp<mnemonic, traits> {
  let assemblyFormat = "attr-dict `:` type($z)";
  let extraClassDeclaration = declareDensity # [{
    /// A draw of a coordinate from what flow.random_tail gives.
    static ::mlir::Value buildDraw(::mlir::ImplicitLocOpBuilder &builder, ::mlir::Value tail);
  }];
  let extraClassDefinition = defineDensity # [{
    ::mlir::Value $cppClass::buildSample(::flowc::flow::Specializer &specializer) {
      return ::flowc::flow::buildQuantileSample(specializer, getZ().getType(), buildDraw);
    }
  }];
}

def Flow_StandardUniformOp : Flow_QuantileDistributionOp<"standard_uniform"> {
  let summary = "A draw from the uniform distribution on [0, 1]";
}

def Flow_StandardGumbelOp : Flow_QuantileDistributionOp<"standard_gumbel"> {
  let summary = "A draw from the Gumbel distribution: log p = -x - exp(-x)";
}

def Flow_StandardCauchyOp : Flow_QuantileDistributionOp<"standard_cauchy"> {
  let summary = "A draw from the Cauchy distribution: log p = -log(pi) - log(1 + x^2)";
}

def Flow_StandardLaplaceOp : Flow_QuantileDistributionOp<"standard_laplace"> {
  let summary = "A draw from the Laplace distribution: log p = -|x| - log(2)";
}

def Flow_StandardExponentialOp : Flow_QuantileDistributionOp<"standard_exponential"> {
  let summary = "A draw from the exponential distribution: log p = -x for x >= 0";
}

def Flow_StandardLogisticOp : Flow_QuantileDistributionOp<"standard_logistic"> {
  let summary = "A draw from the logistic distribution: log p = x - 2 softplus(x)";
}

// standard_student_t_c1: df has the event's type.
def Flow_StandardStudentTOp : Flow_IndependentOp<"standard_student_t", [AllTypesMatch<["df", "z"]>]> {
  let summary = "A draw from Student's t distribution with `df` > 0 degrees of freedom";
  let arguments = (ins Flow_Event:$df);
  let assemblyFormat = "$df attr-dict `:` type($z)";
}

// standard_gamma_c1: the concentration has the event's type.
def Flow_StandardGammaOp : Flow_IndependentOp<"standard_gamma", [AllTypesMatch<["concentration", "z"]>]> {
  let summary = "A draw from the gamma distribution of scale 1: log p = (a - 1) log(x) - x - lgamma(a)";
  let arguments = (ins Flow_Event:$concentration);
  let assemblyFormat = "$concentration attr-dict `:` type($z)";
}

// beta_c1: alpha and beta have the event's type.
def Flow_BetaOp : Flow_IndependentOp<"beta", [AllTypesMatch<["alpha", "beta", "z"]>]> {
  let summary = "A draw from the beta distribution: log p = (a - 1) log(x) + (b - 1) log(1 - x) - log B(a, b)";
  let arguments = (ins Flow_Event:$alpha, Flow_Event:$beta);
  let assemblyFormat = "$alpha `,` $beta attr-dict `:` type($z)";
}

//===----------------------------------------------------------------------===//
// Flow graph: mixtures
//===----------------------------------------------------------------------===//

def Flow_MixtureOp : Flow_Op<"mixture", [IsolatedFromAbove, AttrSizedOperandSegments,
    SingleBlockImplicitTerminator<"YieldOp">, DeclareOpInterfaceMethods<DistributionOpInterface>]> {
  let summary = "A draw from one of several distributions of equal structure";
  let description = [{
    FlowJAX's `VmapMixture`. Component k, taken with a probability proportional to
    exp(log_weights[k]), is the distribution in the region with slice k of every
    operand in `over`; the region's arguments are those slices, then the `shared`
    operands (the condition), and it yields a draw.

    ```mlir
    %x = flow.mixture %w over(%loc, %scale : tensor<4x2xf32>, tensor<4x2xf32>) : tensor<4xf32> -> tensor<2xf32> {
    ^bb0(%l: tensor<2xf32>, %s: tensor<2xf32>):
      %z = flow.standard_normal : tensor<2xf32>
      %y = flow.affine %z, %l, %s : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
      flow.yield %y : tensor<2xf32>
    }
    ```
  }];
  let arguments = (ins 1DTensorOf<[Flow_Float]>:$log_weights, Variadic<Flow_Value>:$over, Variadic<Flow_Value>:$shared);
  let results = (outs Flow_Event:$z);
  let regions = (region SizedRegion<1>:$component);
  let assemblyFormat = [{
    $log_weights (`over` `(` $over^ `:` type($over) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    attr-dict-with-keyword `:` type($log_weights) `->` type($z) $component
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Sample program: draws
//===----------------------------------------------------------------------===//

def Flow_RandomTailOp : Flow_SampleOp<"random_tail", [Flow_WritesInto, Flow_PerRow]> {
  let summary = "Independent uniform numbers of this sample, by their distance from the nearer end";
  let description = [{
    An element t in [-1/2, 1/2], never 0, stands for u = t if t > 0 and for u = 1 + t
    else: both ends of (0, 1) keep their full resolution. It is a function of the
    seed, the sample, the element and `stream` alone (Philox4x32-10). The draws of
    different streams are independent of each other and of other random ops.
  }];
  let arguments = (ins I64Attr:$stream);
  let results = (outs Flow_Rows:$tail);
  let assemblyFormat = "`stream` `=` $stream attr-dict `:` type($tail)";
}

// random_gamma_c1: the concentration and both results have one type.
def Flow_RandomGammaOp : Flow_TangentOp<"random_gamma", [Flow_WritesInto, Flow_PerRow, AllTypesMatch<["concentration", "gamma", "log_factor"]>]> {
  let summary = "Independent gamma draws of this sample: gamma * exp(log_factor)";
  let description = [{
    Exact: G. Marsaglia and W. W. Tsang, "A simple method for generating gamma
    variables", TOMS 2000. For a concentration a < 1, where draws can be too small
    for a float, `gamma` has concentration a + 1 and `log_factor` = log(u) / a;
    otherwise that is 0. A function of the seed, the sample, the element, its
    concentration and `stream` alone. The derivative in the concentration is that of
    `gamma` as a quantile of its distribution (flow.gamma_slope), and that of `log_factor`
    for fixed u: -`log_factor` / a.
  }];
  let arguments = (ins Flow_Rows:$concentration, I64Attr:$stream);
  let results = (outs Flow_Rows:$gamma, Flow_Rows:$log_factor);
  let assemblyFormat = "$concentration `stream` `=` $stream attr-dict `:` type($concentration)";
}

//===----------------------------------------------------------------------===//
// Sample program: special functions
//===----------------------------------------------------------------------===//

def Flow_LgammaOp : Flow_UnaryOp<"lgamma"> {
  let summary = "log Gamma(x) for x > 0; its derivative is digamma(x)";
}

def Flow_DigammaOp : Flow_UnaryOp<"digamma"> {
  let summary = "The derivative of lgamma, for x > 0; its own is trigamma(x)";
}

def Flow_TrigammaOp : Flow_SampleOp<"trigamma", [SameOperandsAndResultType, Elementwise]> {
  let summary = "The derivative of digamma, for x > 0; it has no derivative itself";
  let arguments = (ins Flow_Value:$x);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Flow_StirlingOp : Flow_UnaryOp<"stirling"> {
  let summary = "The remainder of Stirling's formula: lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2, for x > 0";
}

def Flow_StirlingSlopeOp : Flow_SampleOp<"stirling_slope", [SameOperandsAndResultType, Elementwise]> {
  let summary = "The derivative of flow.stirling; it has no derivative itself";
  let arguments = (ins Flow_Value:$x);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Flow_GammaSlopeOp : Flow_SampleOp<"gamma_slope", [SameOperandsAndResultType, Elementwise]> {
  let summary = "The derivative of a gamma draw in its concentration >= 1, by implicit reparameterisation";
  let description = [{
    -(dP/da) / (dP/dx) at `concentration` a and `draw` x, of the distribution function P of
    the gamma distribution of scale 1 (Figurnov, Mohamed, Mnih 2018). It has no derivative
    itself.
  }];
  let arguments = (ins Flow_Value:$concentration, Flow_Value:$draw);
  let results = (outs Flow_Value:$slope);
  let assemblyFormat = "$concentration `,` $draw attr-dict `:` type($draw)";
}

def Flow_Log1mExpOp : Flow_UnaryOp<"log1m_exp"> {
  let summary = "log(1 - exp(-|x|)); its derivative is sign(x) / (exp(|x|) - 1)";
}

def Flow_NormalLogCdfOp : Flow_UnaryOp<"normal_log_cdf"> {
  let summary = "log Phi(x) of the normal distribution; its derivative is normal_hazard(x)";
}

def Flow_NormalHazardOp : Flow_UnaryOp<"normal_hazard"> {
  let summary = "h = phi(x) / Phi(x) of the normal distribution; its derivative is -h (x + h)";
}

def Flow_LogMinusOp : Flow_DifferentiableOp<"log_minus", [SameOperandsAndResultType, Elementwise]> {
  let summary = "log(r) - t for r = 1 + t, without cancellation";
  let description = [{
    The two operands say the same; what is computed far from 1 reads `r`, close to
    1 `t`. The cotangent goes to `r` alone, with the slope -t / r: the derivative of
    t = (x - m) / m by m would cancel for x close to 0, that of r = x / m does not.
  }];
  let arguments = (ins Flow_Value:$r, Flow_Value:$t);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$r `,` $t attr-dict `:` type($r)";
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS
