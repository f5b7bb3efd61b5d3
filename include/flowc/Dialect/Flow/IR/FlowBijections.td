//===- FlowBijections.td - Ops of the flow graph -----------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bijections and base distributions under FlowJAX's names. An event is a float
// (scalar event) or a tensor of rank 1 (an event of another shape is flattened
// in row-major order).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWBIJECTIONS
#define FLOWC_DIALECT_FLOW_IR_FLOWBIJECTIONS

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_YieldOp : Flow_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "The event, or the number, that a region of the graph ends with";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ }]>];
}

def Flow_AffineOp : Flow_ElementwiseBijectionOp<"affine"> {
  let summary = "y = scale * x + loc";
  let description = [{
    FlowJAX's `Affine`; log|det| = sum log|scale|.

    ```mlir
    %y = flow.affine %x, %loc, %scale : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
    ```
  }];
  let arguments = (ins Flow_Event:$x, Flow_Parameter:$loc, Flow_Parameter:$scale);
  let assemblyFormat = "$x `,` $loc `,` $scale attr-dict `:` type($x) `,` type($loc) `,` type($scale)";
  let hasVerifier = 1;
}

def Flow_RationalQuadraticSplineOp : Flow_ElementwiseBijectionOp<"rational_quadratic_spline"> {
  let summary = "Monotone rational quadratic spline on an interval, identity outside";
  let description = [{
    FlowJAX's `RationalQuadraticSpline` (Durkan et al. 2019, Neural spline flows,
    arXiv:1906.04032, equations 4 to 8) of a scalar event. `x_pos`, `y_pos` and
    `derivatives` hold K + 2 values each: the knots, end points of the interval
    included, and the slopes there.
  }];
  let arguments = (ins Flow_Event:$x, 1DTensorOf<[Sample_Float]>:$x_pos, 1DTensorOf<[Sample_Float]>:$y_pos,
                   1DTensorOf<[Sample_Float]>:$derivatives, F64Attr:$lower, F64Attr:$upper);
  let assemblyFormat = [{
    $x `,` $x_pos `,` $y_pos `,` $derivatives attr-dict `:` type($x) `,` type($x_pos) `,` type($y_pos) `,` type($derivatives)
  }];
  let hasVerifier = 1;
}

def Flow_PermuteOp : Flow_BijectionOp<"permute"> {
  let summary = "y[i] = x[permutation[i]]";
  let description = [{
    FlowJAX's `Permute` on the flattened event. The permutation is data of the
    model, so that one compiled kernel serves every model of a flow; its inverse
    comes along.
  }];
  let arguments = (ins Flow_Event:$x, 1DTensorOf<[I32]>:$permutation, 1DTensorOf<[I32]>:$inverse_permutation);
  let assemblyFormat = [{
    $x `,` $permutation `,` $inverse_permutation attr-dict `:` type($x) `,` type($permutation) `,` type($inverse_permutation)
  }];
  let hasVerifier = 1;
}

def Flow_FlipOp : Flow_BijectionOp<"flip"> {
  let summary = "Reverses the event along all axes";
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Flow_InvertOp : Flow_Op<"invert", [Pure, AllTypesMatch<["x", "y"]>, SingleBlockImplicitTerminator<"YieldOp">,
    DeclareOpInterfaceMethods<BijectionOpInterface, ["buildScored"]>]> {
  let summary = "The inverse of the bijection in its region";
  let description = [{
    ```mlir
    %y = flow.invert %x : tensor<3xf32> {
    ^bb0(%a: tensor<3xf32>):
      %b = flow.softplus %a : tensor<3xf32>
      flow.yield %b : tensor<3xf32>
    }
    ```
  }];
  let arguments = (ins Flow_Event:$x);
  let results = (outs Flow_Event:$y);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$x attr-dict `:` type($x) $body";
  let hasVerifier = 1;
}

def Flow_ScanOp : Flow_Op<"scan", [Pure, IsolatedFromAbove, AllTypesMatch<["x", "y"]>, AttrSizedOperandSegments,
    SingleBlockImplicitTerminator<"YieldOp">, DeclareOpInterfaceMethods<BijectionOpInterface, ["buildScored"]>]> {
  let summary = "Layers: one bijection, over and over with parameters of its own";
  let description = [{
    FlowJAX's `Scan`: the bijection in the region, `layers` times (the last layer first, if
    `reverse`). It takes the event, slice l of every operand in `over` (a tensor whose leading
    extent is `layers`; a slice of rank 0 is a float) and the `shared` operands whole.

    ```mlir
    %y = flow.scan 3 %x : tensor<2xf32> over(%loc : tensor<3x2xf32>) {
    ^bb0(%a: tensor<2xf32>, %l: tensor<2xf32>):
      %b = flow.loc %a, %l : tensor<2xf32>, tensor<2xf32>
      flow.yield %b : tensor<2xf32>
    }
    ```
  }];
  let arguments = (ins Flow_Event:$x, I64Attr:$layers, UnitAttr:$reverse, Variadic<Flow_Parameter>:$over,
                   Variadic<Flow_Parameter>:$shared);
  let results = (outs Flow_Event:$y);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $layers (`reverse` $reverse^)? $x `:` type($x) (`over` `(` $over^ `:` type($over) `)`)?
    (`shared` `(` $shared^ `:` type($shared) `)`)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def Flow_CouplingOp : Flow_Op<"coupling",
    [Pure, AllTypesMatch<["x", "y"]>, AttrSizedOperandSegments, SingleBlockImplicitTerminator<"YieldOp">,
     DeclareOpInterfaceMethods<BijectionOpInterface, ["buildScored"]>]> {
  let summary = "Transforms the tail of an event conditioned on its head";
  let description = [{
    FlowJAX's `Coupling` (Dinh et al. 2017, Real NVP, arXiv:1605.08803). The first
    `untransformed_dim` coordinates, followed by the condition, go through a
    multilayer perceptron with the given weights and biases; its outputs are the
    raw parameters of the scalar bijection in the region, `n` per transformed
    coordinate. The region takes one coordinate (a float) and its `n` raw
    parameters (a tensor) and yields the transformed coordinate.
  }];
  let arguments = (ins Flow_Event:$x, Optional<1DTensorOf<[Sample_Float]>>:$condition,
                   Variadic<2DTensorOf<[Sample_Float]>>:$weights, Variadic<1DTensorOf<[Sample_Float]>>:$biases,
                   I64Attr:$untransformed_dim, StrAttr:$activation);
  let regions = (region SizedRegion<1>:$transformer);
  let assemblyFormat = [{
    $x (`condition` `(` $condition^ `:` type($condition) `)`)? `weights` `(` $weights `:` type($weights) `)`
    `biases` `(` $biases `:` type($biases) `)` attr-dict `:` type($x) $transformer
  }];
  let results = (outs Flow_Event:$y);
  let hasVerifier = 1;
}

def Flow_MaskedAutoregressiveOp : Flow_Op<"masked_autoregressive",
    [Pure, AllTypesMatch<["x", "y"]>, AttrSizedOperandSegments, SingleBlockImplicitTerminator<"YieldOp">,
     DeclareOpInterfaceMethods<BijectionOpInterface, ["getInverseKind", "buildScored"]>]> {
  let summary = "Transforms each coordinate conditioned on the ones before it";
  let description = [{
    FlowJAX's `MaskedAutoregressive` (Germain et al. 2015, MADE, arXiv:1502.03509;
    Papamakarios et al. 2017, MAF, arXiv:1705.07057). The event, followed by the
    condition, goes through a masked multilayer perceptron; `in_ranks`,
    `hidden_ranks` and `out_ranks` are FlowJAX's, in FlowJAX's order of units. The
    region is as in `flow.coupling`. The inverse is a sweep over the ranks.
  }];
  let arguments = (ins Flow_Event:$x, Optional<1DTensorOf<[Sample_Float]>>:$condition,
                   Variadic<2DTensorOf<[Sample_Float]>>:$weights, Variadic<1DTensorOf<[Sample_Float]>>:$biases,
                   DenseI64ArrayAttr:$in_ranks, DenseI64ArrayAttr:$hidden_ranks, DenseI64ArrayAttr:$out_ranks,
                   StrAttr:$activation);
  let regions = (region SizedRegion<1>:$transformer);
  let assemblyFormat = [{
    $x (`condition` `(` $condition^ `:` type($condition) `)`)? `weights` `(` $weights `:` type($weights) `)`
    `biases` `(` $biases `:` type($biases) `)` attr-dict `:` type($x) $transformer
  }];
  let results = (outs Flow_Event:$y);
  let hasVerifier = 1;
}

def Flow_StandardNormalOp : Flow_Op<"standard_normal", [DeclareOpInterfaceMethods<DistributionOpInterface>]> {
  let summary = "A draw from the standard normal distribution";
  let results = (outs Flow_Event:$z);
  let assemblyFormat = "attr-dict `:` type($z)";
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWBIJECTIONS
