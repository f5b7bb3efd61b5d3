//===- FlowInterfaces.td - What passes ask of ops ----------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES
#define FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES

include "mlir/IR/OpBase.td"

def BijectionOpInterface : OpInterface<"BijectionOpInterface"> {
  let cppNamespace = "::flowc::flow";
  let description = [{
    An op of the flow graph that maps an event (operand 0) to an event (result
    0) of the same type. All other operands are parameters or the condition: neither
    that event nor a draw.
  }];
  let verify = [{ return ::flowc::flow::verifyBijectionOperands($_op); }];
  let methods = [
    InterfaceMethod<
      [{Emits the sample program of y = f(x) and log|det df/dx|. `x` is the value
        of the event; other operands are found with `specializer.lookup`.}],
      "::mlir::FailureOr<::flowc::sample::Transformed>", "buildTransform",
      (ins "::flowc::flow::Specializer &":$specializer, "::mlir::Value":$x)>,
    InterfaceMethod<
      [{Emits the sample program of x = f^-1(y) and log|det df^-1/dy|.}],
      "::mlir::FailureOr<::flowc::sample::Transformed>", "buildInverse",
      (ins "::flowc::flow::Specializer &":$specializer, "::mlir::Value":$y)>,
    InterfaceMethod<
      [{How the inverse is found: in closed form, by a sweep over the ranks of an
        autoregressive map, or by root finding.}],
      "::flowc::flow::InverseKind", "getInverseKind", (ins), [{}],
      [{ return ::flowc::flow::InverseKind::Analytic; }]>,
    InterfaceMethod<
      [{Emits the sample program of y = f(x) (or f^-1(x), if `inverse`), and carries
        `score`, the gradient of a log-density at x, on to the gradient of the density
        of y at y. By default that is the derivative of the way back from y, which
        reads what the way there has computed; an op whose way back is a sweep or a
        root, or that has regions, can do better.}],
      "::mlir::FailureOr<::flowc::flow::Scored>", "buildScored",
      (ins "::flowc::flow::Specializer &":$specializer, "::mlir::Value":$x, "::mlir::Value":$score, "bool":$inverse),
      [{}],
      [{ return ::flowc::flow::buildScoredByWayBack($_op, specializer, x, score, inverse); }]>,
  ];
}

def ElementwiseBijectionOpInterface : OpInterface<"ElementwiseBijectionOpInterface", [BijectionOpInterface]> {
  let cppNamespace = "::flowc::flow";
  let description = [{
    A bijection that acts on each element alone. Its formulas are written for one
    element: `x` is a float, `parameters` holds the other operands (a float for an
    operand that has one element per element of the event; a scalar event takes
    its operands as they are). The event may be a float or a tensor of floats;
    tensors are handled by a `sample.map` around the formulas.
  }];
  let methods = [
    InterfaceMethod<"Emits y = f(x) and log|f'(x)| of one element.",
      "::flowc::sample::Transformed", "buildElement",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$x, "::mlir::ValueRange":$parameters)>,
    InterfaceMethod<"Emits x = f^-1(y) and log|(f^-1)'(y)| of one element.",
      "::flowc::sample::Transformed", "buildElementInverse",
      (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::Value":$y, "::mlir::ValueRange":$parameters)>,
  ];
}

def DistributionOpInterface : OpInterface<"DistributionOpInterface"> {
  let cppNamespace = "::flowc::flow";
  let description = [{
    A base distribution: an op of the flow graph without an event operand whose
    result is a draw. Its operands are parameters, which no draw is.
  }];
  let verify = [{ return ::flowc::flow::verifyDistributionOperands($_op); }];
  let methods = [
    InterfaceMethod<"Emits the log-density of the event `x`.",
      "::mlir::Value", "buildLogProb", (ins "::flowc::flow::Specializer &":$specializer, "::mlir::Value":$x)>,
    InterfaceMethod<"Emits a draw.",
      "::mlir::Value", "buildSample", (ins "::flowc::flow::Specializer &":$specializer)>,
  ];
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES
