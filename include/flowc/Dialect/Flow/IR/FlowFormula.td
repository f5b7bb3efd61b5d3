//===- FlowFormula.td - Bijections given by a formula ------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWFORMULA
#define FLOWC_DIALECT_FLOW_IR_FLOWFORMULA

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_FormulaOp : Flow_Op<"formula",
    [Pure, IsolatedFromAbove, AllTypesMatch<["x", "y"]>, SingleBlockImplicitTerminator<"YieldOp">,
     DeclareOpInterfaceMethods<BijectionOpInterface, ["getInverseKind"]>,
     DeclareOpInterfaceMethods<ElementwiseBijectionOpInterface>]> {
  let summary = "An elementwise bijection whose forward formula is its region";
  let description = [{
    The region computes y of one element x and its parameters with `arith` and `math`
    ops, `sample.log1p_exp`, `sample.inv_logit` and `sample.lgamma`. Each parameter has a name
    and a domain, in which its value has to lie: `real`, `positive` or
    `interval(low, high)`, whose ends do not belong to it.

    A constant that its type rounds has what it was rounded from as the attribute
    `flow.exact` (a double): what is derived holds for that.

    log|f'| is the derivative of the region in a form without cancellation. The
    inverse is solved for symbolically, or is a `sample.root` if f is proven to rise
    (or fall) for all x and all parameters in their domains (Symbolic/Derivation.h).

    ```mlir
    %y = flow.formula %x parameters(%a as "a" positive, %b as "b" real : f32, f32) : f32 {
    ^bb0(%t: f32, %ai: f32, %bi: f32):
      %e = math.exp %t : f32
      %p = arith.mulf %ai, %e : f32
      %s = arith.addf %p, %bi : f32
      flow.yield %s : f32
    }
    ```
  }];
  let arguments = (ins Flow_Event:$x, Variadic<Flow_Parameter>:$parameters, StrArrayAttr:$names,
                   DenseF64ArrayAttr:$lower, DenseF64ArrayAttr:$upper);
  let results = (outs Flow_Event:$y);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $x custom<FormulaParameters>($parameters, type($parameters), $names, $lower, $upper) attr-dict-with-keyword
    `:` type($x) $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
  }];
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWFORMULA
