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
    /// A draw of a coordinate from what sample.random_tail gives.
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
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$log_weights, Variadic<Sample_Value>:$over, Variadic<Sample_Value>:$shared);
  let results = (outs Flow_Event:$z);
  let regions = (region SizedRegion<1>:$component);
  let assemblyFormat = [{
    $log_weights (`over` `(` $over^ `:` type($over) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    attr-dict-with-keyword `:` type($log_weights) `->` type($z) $component
  }];
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS
