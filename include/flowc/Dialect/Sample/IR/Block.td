//===- Block.td - Block autoregressive networks ------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_BLOCK
#define FLOWC_DIALECT_SAMPLE_IR_BLOCK

include "flowc/Dialect/Sample/IR/OpBase.td"

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

def Sample_BlockDiagonalOp : Sample_LinearOp<"block_diagonal", [Sample_WritesInto]> {
  let summary = "The blocks on the diagonal of a matrix of `blocks` x `blocks` blocks, one below the other";
  let description = [{
    ```mlir
    %y = sample.block_diagonal %a blocks = 3 : tensor<12x3xf32> -> tensor<12x1xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[Sample_Float]>:$a, I64Attr:$blocks);
  let results = (outs 2DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$a `blocks` `=` $blocks attr-dict `:` type($a) `->` type($y)";
  let hasVerifier = 1;
}

def Sample_BlockTriangleOp : Sample_LinearOp<"block_triangle", [Sample_WritesInto, AllTypesMatch<["a", "y"]>]> {
  let summary = "A matrix of blocks: `a` below the diagonal, `diagonal` on it, zero above";
  let description = [{
    `diagonal` holds the blocks on the diagonal, one below the other.

    ```mlir
    %y = sample.block_triangle %a, %d blocks = 3 : tensor<12x3xf32>, tensor<12x1xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[Sample_Float]>:$a, 2DTensorOf<[Sample_Float]>:$diagonal, I64Attr:$blocks);
  let results = (outs 2DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = "$a `,` $diagonal `blocks` `=` $blocks attr-dict `:` type($a) `,` type($diagonal)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Sample program
//===----------------------------------------------------------------------===//

def Sample_BlockDenseOp : Sample_TangentOp<"block_dense", [Sample_WritesInto, Sample_WorthStoring]> {
  let summary = "Each piece of x times a matrix of its own";
  let description = [{
    `weight` holds `blocks` matrices, one below the other; `transposed` uses their
    transposes.

    ```mlir
    %y = sample.block_dense %w, %x blocks = 3 : tensor<12x4xf32>, tensor<12xf32> -> tensor<12xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[Sample_Float]>:$weight, 1DTensorOf<[Sample_Float]>:$x, I64Attr:$blocks,
                   UnitAttr:$transposed);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let assemblyFormat = [{
    $weight `,` $x (`transposed` $transposed^)? `blocks` `=` $blocks attr-dict `:` type($weight) `,` type($x) `->` type($y)
  }];
  let hasVerifier = 1;
}

def Sample_BlockOuterOp : Sample_DerivativeOp<"block_outer", [Sample_WritesInto]> {
  let summary = "Cotangent of sample.block_dense's weight: in each block g x^T";
  let description = [{
    ```mlir
    %w = sample.block_outer %g, %x blocks = 3 : tensor<12xf32>, tensor<12xf32> -> tensor<12x4xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$g, 1DTensorOf<[Sample_Float]>:$x, I64Attr:$blocks);
  let results = (outs 2DTensorOf<[Sample_Float]>:$weight);
  let assemblyFormat = "$g `,` $x `blocks` `=` $blocks attr-dict `:` type($g) `,` type($x) `->` type($weight)";
  let hasVerifier = 1;
}

def Sample_BlockSweepOp : Sample_TangentOp<"block_sweep",
    [Sample_WorthStoring, Sample_TakesApart, IsolatedFromAbove, AttrSizedOperandSegments]> {
  let summary = "Inverts a block autoregressive network coordinate by coordinate";
  let description = [{
    Finds the x whose image under the network with these weights (of D x D blocks,
    zero above the diagonal) and biases is y. There is at least one hidden layer;
    `offset` is added to what the first one accumulates. `diagonals` are the blocks
    on the diagonals of `weights` (sample.block_diagonal), all positive.

    The first region is the activation: it takes a float and the `shared` operands,
    and yields the value and the derivative. It must increase.

    At step d the units of block d accumulate what they get from the blocks before:
    register-blocked products, each unit once. What is left is a scalar equation
    f(t) = y[d] in t = x[d] that involves the diagonal blocks only. Newton's method
    solves it for each sample by itself; the value and the derivative of f come
    from one pass over the block. Every value of f shrinks the bracket of the root;
    a step is a bisection where Newton's would leave the bracket, where the sign of
    f - y has flipped but |f - y| has not halved, and every other time after 16
    steps. A sample is done when |f(t) - y| <= 2 epsilon (M + f'(t) |t|), M being
    the sum of the sizes of y, of what the block gets from those before, and of its
    own terms (with bounds, see below: of their sum), or when the bracket is down to
    4 epsilon |t|. The result is NaN if neither is reached in 200 steps (a bounded
    activation has no preimage of some y).

    `bounds` are five vectors of D elements (or none) that hold if the activation
    differs from leak * z by at most 1, its derivative is between leak and 1 + leak
    and its second derivative at most 0.77: with m the slope of f for the activation
    leak * z, and b the distance of the two functions at most,
    * 1 / m and b: the root lies within b / m of the linear function's, which is
      where the search begins;
    * bounds of |f''| / 2 and of half the units' second derivatives by t: a step of
      Newton's that is short enough in their terms to leave an error below
      epsilon M (and epsilon in the units) is taken as the last one unseen;
    * the length of the first step at most; it doubles when it is reached.

    Without bounds the search begins at 0. With them there may be a second region:
    a cheap function like the activation, with whose root the search begins.

    `log_det` is log det of the network's Jacobian at x (not that of the inverse).
    The derivative is that of the implicit function. That of x is attributed to
    `weights` alone and not to `diagonals` and `bounds`, which follow from them.

    ```mlir
    %x, %log_det = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>)
        biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>)
        attributes {leak = 1.000000e+00 : f64} {
    ^bb0(%u: f32):
      ...
      sample.yield %value, %slope : f32, f32
    } : tensor<3xf32> -> tensor<3xf32>, f32
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$y, Optional<1DTensorOf<[Sample_Float]>>:$offset,
                   Variadic<2DTensorOf<[Sample_Float]>>:$weights, Variadic<1DTensorOf<[Sample_Float]>>:$biases,
                   Variadic<2DTensorOf<[Sample_Float]>>:$diagonals, Variadic<1DTensorOf<[Sample_Float]>>:$bounds,
                   Variadic<Sample_Value>:$shared, F64Attr:$leak);
  let results = (outs 1DTensorOf<[Sample_Float]>:$x, Sample_Float:$log_det);
  let regions = (region SizedRegion<1>:$activation, AnyRegion:$surrogate);
  let assemblyFormat = [{
    $y (`offset` `(` $offset^ `:` type($offset) `)`)? `weights` `(` $weights `:` type($weights) `)`
    `biases` `(` $biases `:` type($biases) `)` `diagonals` `(` $diagonals `:` type($diagonals) `)`
    (`bounds` `(` $bounds^ `:` type($bounds) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    attr-dict-with-keyword $activation (`surrogate` $surrogate^)? `:` type($y) `->` type($x) `,` type($log_det)
  }];
  let hasVerifier = 1;
}

def Sample_BlockAdjointOp : Sample_DerivativeOp<"block_adjoint", [AttrSizedOperandSegments]> {
  let summary = "Solves J^T lambda = g for the Jacobian J of a block autoregressive network";
  let description = [{
    `slopes` holds the activation's derivatives at all units, hidden layer by hidden
    layer. J is triangular: a sweep from the last coordinate to the first sends
    lambda backwards through the network; the part of each block is linear in its
    own element of lambda, which is where the equation is solved.

    ```mlir
    %lambda = sample.block_adjoint %g slopes(%s : tensor<6xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>)
        diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) : tensor<3xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$g, Variadic<1DTensorOf<[Sample_Float]>>:$slopes,
                   Variadic<2DTensorOf<[Sample_Float]>>:$weights, Variadic<2DTensorOf<[Sample_Float]>>:$diagonals);
  let results = (outs 1DTensorOf<[Sample_Float]>:$lambda);
  let assemblyFormat = [{
    $g `slopes` `(` $slopes `:` type($slopes) `)` `weights` `(` $weights `:` type($weights) `)`
    `diagonals` `(` $diagonals `:` type($diagonals) `)` attr-dict `:` type($g) `->` type($lambda)
  }];
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_SAMPLE_IR_BLOCK
