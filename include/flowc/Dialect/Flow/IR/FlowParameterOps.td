//===- FlowParameterOps.td - Matrices of parameters --------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops on whole matrices of parameters. They run once per version of the
// parameters, never per sample: a function that uses them on a value which
// differs from row to row has no tile program.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWPARAMETEROPS
#define FLOWC_DIALECT_FLOW_IR_FLOWPARAMETEROPS

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_Matrix : 2DTensorOf<[Flow_Float]>;

def Flow_WeightNormalizeOp : Flow_TangentOp<"weight_normalize", [Flow_WritesInto, AllTypesMatch<["w", "y"]>]> {
  let summary = "Rows of a matrix, scaled to norms of their own";
  let description = [{
    y[o, i] = softplus(raw_scale[o]) * w[o, i] / |w[o]| where |w[o]| is the Euclidean
    norm of row o: the value of paramax's `WeightNormalization`.

    ```mlir
    %y = flow.weight_normalize %w, %s : tensor<4x3xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Flow_Matrix:$w, Flow_Small:$raw_scale);
  let results = (outs Flow_Matrix:$y);
  let assemblyFormat = "$w `,` $raw_scale attr-dict `:` type($w) `,` type($raw_scale)";
  let hasVerifier = 1;
}

def Flow_WeightNormalizeVjpOp : Flow_SampleOp<"weight_normalize_vjp",
    [Flow_WritesInto, AllTypesMatch<["w", "g", "w_cotangent"]>, AllTypesMatch<["raw_scale", "raw_scale_cotangent"]>]> {
  let summary = "Cotangents of flow.weight_normalize's operands";
  let description = [{
    With n = |w[o]|, s = softplus(raw_scale[o]) and c = (g[o] . w[o]) / n, row o of
    `w_cotangent` is (s / n) (g[o] - (c / n) w[o]), element o of
    `raw_scale_cotangent` is c * inv_logit(raw_scale[o]).
  }];
  let arguments = (ins Flow_Matrix:$w, Flow_Small:$raw_scale, Flow_Matrix:$g);
  let results = (outs Flow_Matrix:$w_cotangent, Flow_Small:$raw_scale_cotangent);
  let assemblyFormat = "$w `,` $raw_scale `,` $g attr-dict `:` type($w) `,` type($raw_scale)";
  let hasVerifier = 1;
}

def Flow_DiagonalOp : Flow_LinearOp<"diagonal", [Flow_WritesInto]> {
  let summary = "The diagonal of a square matrix";
  let arguments = (ins Flow_Matrix:$a);
  let results = (outs Flow_Small:$y);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($y)";
  let hasVerifier = 1;
}

def Flow_TriangleOp : Flow_LinearOp<"triangle", [Flow_WritesInto, AllTypesMatch<["a", "y"]>]> {
  let summary = "A triangular matrix: entries of one matrix beside a diagonal of its own";
  let description = [{
    y[i, j] = a[i, j] for j < i (j > i if `upper`), y[i, i] = diagonal[i], and zero
    elsewhere.

    ```mlir
    %y = flow.triangle %a, %d : tensor<3x3xf32>, tensor<3xf32>
    ```
  }];
  let arguments = (ins Flow_Matrix:$a, Flow_Small:$diagonal, UnitAttr:$upper);
  let results = (outs Flow_Matrix:$y);
  let assemblyFormat = "$a `,` $diagonal (`upper` $upper^)? attr-dict `:` type($a) `,` type($diagonal)";
  let hasVerifier = 1;
}

def Flow_TriangularInverseOp : Flow_TangentOp<"triangular_inverse", [Flow_WritesInto, AllTypesMatch<["a", "y"]>]> {
  let summary = "The inverse of a triangular matrix";
  let description = [{
    Reads the lower triangle of `a` (the upper one if `upper`), by substitution row
    by row.
  }];
  let arguments = (ins Flow_Matrix:$a, UnitAttr:$upper);
  let results = (outs Flow_Matrix:$y);
  let assemblyFormat = "$a (`upper` $upper^)? attr-dict `:` type($a)";
  let hasVerifier = 1;
}

def Flow_TriangularInverseVjpOp : Flow_SampleOp<"triangular_inverse_vjp",
    [Flow_WritesInto, AllTypesMatch<["inverse", "g", "a_cotangent"]>]> {
  let summary = "Cotangent of flow.triangular_inverse's operand, given the result";
  let description = [{
    -X^T g X^T with X = `inverse`, on the triangle; zero elsewhere.
  }];
  let arguments = (ins Flow_Matrix:$inverse, Flow_Matrix:$g, UnitAttr:$upper);
  let results = (outs Flow_Matrix:$a_cotangent);
  let assemblyFormat = "$inverse `,` $g (`upper` $upper^)? attr-dict `:` type($inverse)";
  let hasVerifier = 1;
}

def Flow_TriangularInverseJvpOp : Flow_SampleOp<"triangular_inverse_jvp",
    [Flow_WritesInto, AllTypesMatch<["inverse", "a_tangent", "tangent"]>]> {
  let summary = "Tangent of flow.triangular_inverse's result, given the result";
  let description = [{
    -X da X with X = `inverse` and da the triangle of `a_tangent`.
  }];
  let arguments = (ins Flow_Matrix:$inverse, Flow_Matrix:$a_tangent, UnitAttr:$upper);
  let results = (outs Flow_Matrix:$tangent);
  let assemblyFormat = "$inverse `,` $a_tangent (`upper` $upper^)? attr-dict `:` type($inverse)";
  let hasVerifier = 1;
}

def Flow_AntiTransposeOp : Flow_LinearOp<"anti_transpose", [Flow_WritesInto]> {
  let summary = "A matrix mirrored at the diagonal from the lower left to the upper right";
  let description = [{
    y[i, j] = a[rows-1-j, columns-1-i] for a matrix `a` of `rows` x `columns`: the
    transpose with rows and columns in reverse order. A matrix of blocks that is
    triangular stays so, with the triangle on the same side.
  }];
  let arguments = (ins Flow_Matrix:$a);
  let results = (outs Flow_Matrix:$y);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($y)";
  let hasVerifier = 1;
}

def Flow_CosineMatrixOp : Flow_SampleOp<"cosine_matrix", [Flow_WritesInto]> {
  let summary = "The matrix of the orthonormal discrete cosine transform (type II)";
  let description = [{
    y[k, j] = c[k] cos(pi (2j + 1) k / (2n)) for n rows and columns, with c[0] =
    sqrt(1 / n), else sqrt(2 / n).
  }];
  let results = (outs Flow_Matrix:$y);
  let assemblyFormat = "attr-dict `:` type($y)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWPARAMETEROPS
