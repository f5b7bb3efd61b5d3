//===- FlowCombinators.td - Bijections of parts of events --*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What FlowJAX's `Vmap`, `Concatenate`, `Stack`, `Indexed` and `Reshape` become.
// Other orders of elements than that of the flattened event are constant
// permutations around these ops.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWCOMBINATORS
#define FLOWC_DIALECT_FLOW_IR_FLOWCOMBINATORS

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_PartitionOp : Flow_BijectionOp<"partition", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "A bijection for each of several consecutive pieces of the event";
  let description = [{
    Region i is a bijection (possibly none) of piece i, which has `sizes[i]`
    elements; a piece of one element may be a float. The log-determinants are
    added. The regions may use parameters from outside.

    ```mlir
    %y = flow.partition %x [2, 1] : tensor<3xf32> {
    ^bb0(%a: tensor<2xf32>):
      %b = flow.softplus %a : tensor<2xf32>
      flow.yield %b : tensor<2xf32>
    }, {
    ^bb0(%a: f32):
      flow.yield %a : f32
    }
    ```

    With one piece this is a change of the event's type, between a float and a
    tensor of one element.
  }];
  let arguments = (ins Flow_Event:$x, DenseI64ArrayAttr:$sizes);
  let regions = (region VariadicRegion<SizedRegion<1>>:$parts);
  let assemblyFormat = "$x $sizes attr-dict `:` type($x) $parts";
  let hasVerifier = 1;
}

def Flow_VmapOp : Flow_BijectionOp<"vmap",
    [IsolatedFromAbove, AttrSizedOperandSegments, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Copies of a bijection on consecutive pieces of equal size";
  let description = [{
    FlowJAX's `Vmap`. The event consists of `size` pieces. The region is the
    bijection of one: it takes the piece (a float or a tensor), slice i of every
    operand in `over` (a tensor whose leading extent is `size`; a slice of rank 0
    is a float), and the `shared` operands whole. The log-determinants are added.
    The region uses nothing from outside.

    ```mlir
    %y = flow.vmap %x 3 over(%loc : tensor<3xf32>) shared(%scale : f32) : tensor<3xf32> {
    ^bb0(%a: f32, %l: f32, %s: f32):
      %b = flow.affine %a, %l, %s : f32, f32, f32
      flow.yield %b : f32
    }
    ```

    Elementwise bijections become one `sample.map` over all elements of the event,
    others a `sample.scan` over the pieces.
  }];
  let arguments = (ins Flow_Event:$x, I64Attr:$size, Variadic<Sample_Value>:$over, Variadic<Sample_Value>:$shared);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $x $size (`over` `(` $over^ `:` type($over) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    attr-dict `:` type($x) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
  }];
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWCOMBINATORS
