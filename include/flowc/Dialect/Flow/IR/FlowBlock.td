//===- FlowBlock.td - Block autoregressive networks --------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Networks whose units belong to coordinates ("blocks"): a unit sees units of its
// own and of earlier coordinates, those of its own with positive weights, so that
// every coordinate is an increasing function of itself.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWBLOCK
#define FLOWC_DIALECT_FLOW_IR_FLOWBLOCK

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_BlockAutoregressiveNetworkOp : Flow_Op<"block_autoregressive_network",
    [Pure, AllTypesMatch<["x", "y"]>, AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<BijectionOpInterface, ["getInverseKind"]>]> {
  let summary = "A network that is increasing in each coordinate and autoregressive";
  let description = [{
    FlowJAX's `BlockAutoregressiveNetwork` (De Cao et al. 2019, Block neural
    autoregressive flow, arXiv:1904.04676). Layer l computes weights[l] h + biases[l]
    for a weight of D x D blocks: positive on the diagonal, zero above it. The
    activation follows every layer but the last: the scalar bijection in the region
    (which may use parameters from outside), or the function named `activation`, or
    by default tanh(x) + x / 100. The condition times `cond_weight` is added to the
    first layer, if that is not the last one.

    The log-determinant is the sum over the coordinates of the logarithm of their
    own derivatives, which are products of the blocks on the diagonal. The inverse
    is a sweep over the coordinates that solves one scalar equation for each.
  }];
  let arguments = (ins Flow_Event:$x, Optional<1DTensorOf<[Sample_Float]>>:$condition,
                   Optional<2DTensorOf<[Sample_Float]>>:$cond_weight, Variadic<2DTensorOf<[Sample_Float]>>:$weights,
                   Variadic<1DTensorOf<[Sample_Float]>>:$biases, OptionalAttr<StrAttr>:$activation);
  let results = (outs Flow_Event:$y);
  let regions = (region AnyRegion:$bijection);
  let assemblyFormat = [{
    $x (`condition` `(` $condition^ `:` type($condition) `)`)? (`cond_weight` `(` $cond_weight^ `:` type($cond_weight) `)`)?
    `weights` `(` $weights `:` type($weights) `)` `biases` `(` $biases `:` type($biases) `)` attr-dict `:` type($x) ($bijection^)?
  }];
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWBLOCK
