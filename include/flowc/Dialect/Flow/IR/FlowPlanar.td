//===- FlowPlanar.td - Planar bijections -------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWPLANAR
#define FLOWC_DIALECT_FLOW_IR_FLOWPLANAR

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_PlanarOp : Flow_Op<"planar",
    [Pure, AllTypesMatch<["x", "y"]>,
     DeclareOpInterfaceMethods<BijectionOpInterface, ["getInverseKind", "buildScored"]>]> {
  let summary = "Moves the event along one direction, by a function of its product with another";
  let description = [{
    FlowJAX's `Planar` (Rezende and Mohamed 2015, arXiv:1505.05770): with the
    parameters w (D), u (D) and b, one after the other,

        y = x + v h(w.x + b),  v = u + (m - w.u) w / |w|^2,  m = log(1 + softplus(w.u)) - 1

    so that w.v = m > -1 makes it invertible. h is tanh or, with a
    `negative_slope`, x for x >= 0 and negative_slope x below. At w = 0, v = u.

    The inverse needs s = w.x + b, which solves s + m h(s) = w.y + b: in closed form
    for the leaky h, else a root within |m| of w.y + b.
  }];
  let arguments = (ins Flow_Event:$x, 1DTensorOf<[Sample_Float]>:$parameters, OptionalAttr<F64Attr>:$negative_slope);
  let results = (outs Flow_Event:$y);
  let assemblyFormat = "$x `,` $parameters attr-dict `:` type($x) `,` type($parameters)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWPLANAR
