//===- FlowObjective.td - What losses are made of ----------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWOBJECTIVE
#define FLOWC_DIALECT_FLOW_IR_FLOWOBJECTIVE

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_DetachOp : Flow_TangentOp<"detach", [SameOperandsAndResultType]> {
  let summary = "The same value, held constant by differentiation";
  let description = [{
    What `stop_gradient` is in JAX. It stands outside of the bodies of maps;
    `flow-outline-maps`, after differentiation, removes it.

    ```mlir
    %c = flow.detach %w : tensor<4xf32>
    ```
  }];
  let arguments = (ins Flow_Value:$x);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Flow_SurrogateOp : Flow_TangentOp<"surrogate", [AllTypesMatch<["x", "slope"]>, AllTypesMatch<["value", "y"]>]> {
  let summary = "A value whose derivative is given";
  let description = [{
    The value `value`; its derivative in `x` is `slope`, and in nothing else, whatever
    it was computed from: a gradient estimator other than the derivative of its value.
    A cotangent of 0 stays 0 even where the slope is not finite. It stands outside of
    the bodies of maps; `flow-outline-maps`, after differentiation, removes it.

    ```mlir
    %l = flow.surrogate %loss at %x slope %g : f32, tensor<4xf32>
    ```
  }];
  let arguments = (ins Flow_Float:$value, Flow_Rows:$x, Flow_Rows:$slope);
  let results = (outs Flow_Float:$y);
  let assemblyFormat = "$value `at` $x `slope` $slope attr-dict `:` type($value) `,` type($x)";
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWOBJECTIVE
