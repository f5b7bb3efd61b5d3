//===- FlowOrdered.td - Increasing vectors -----------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWORDERED
#define FLOWC_DIALECT_FLOW_IR_FLOWORDERED

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_OrderedOp : Flow_BijectionOp<"ordered"> {
  let summary = "From R^n to increasing vectors";
  let description = [{
    Stan's `ordered` (Stan Reference Manual, "Ordered vector"; Bijectors.jl's
    `OrderedBijector`): y[0] = x[0], y[i] = y[i-1] + exp(x[i]), so log|det| is the sum of
    x[1], ..., x[n-1]. The inverse takes logarithms of differences: NaN where y
    decreases, -infinity where neighbours are equal.
  }];
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWORDERED
