//===- ParameterOps.td - Matrices of parameters ------------*- tablegen -*-===//
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

#ifndef FLOWC_DIALECT_SAMPLE_IR_PARAMETEROPS
#define FLOWC_DIALECT_SAMPLE_IR_PARAMETEROPS

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_Matrix : 2DTensorOf<[Sample_Float]>;

def Sample_WeightNormalizeOp : Sample_TangentOp<"weight_normalize", [Sample_WritesInto, AllTypesMatch<["w", "y"]>]> {
  let summary = "Rows of a matrix, scaled to norms of their own";
  let description = [{
    y[o, i] = softplus(raw_scale[o]) * w[o, i] / |w[o]| where |w[o]| is the Euclidean
    norm of row o: the value of paramax's `WeightNormalization`.

    ```mlir
    %y = sample.weight_normalize %w, %s : tensor<4x3xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$w, Sample_Small:$raw_scale);
  let results = (outs Sample_Matrix:$y);
  let assemblyFormat = "$w `,` $raw_scale attr-dict `:` type($w) `,` type($raw_scale)";
  let hasVerifier = 1;
}

def Sample_WeightNormalizeVjpOp : Sample_PureOp<"weight_normalize_vjp",
    [Sample_WritesInto, AllTypesMatch<["w", "g", "w_cotangent"]>, AllTypesMatch<["raw_scale", "raw_scale_cotangent"]>]> {
  let summary = "Cotangents of sample.weight_normalize's operands";
  let description = [{
    With n = |w[o]|, s = softplus(raw_scale[o]) and c = (g[o] . w[o]) / n, row o of
    `w_cotangent` is (s / n) (g[o] - (c / n) w[o]), element o of
    `raw_scale_cotangent` is c * inv_logit(raw_scale[o]).

    ```mlir
    %dw, %ds = sample.weight_normalize_vjp %w, %raw, %g : tensor<4x3xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$w, Sample_Small:$raw_scale, Sample_Matrix:$g);
  let results = (outs Sample_Matrix:$w_cotangent, Sample_Small:$raw_scale_cotangent);
  let assemblyFormat = "$w `,` $raw_scale `,` $g attr-dict `:` type($w) `,` type($raw_scale)";
  let hasVerifier = 1;
}

def Sample_DiagonalOp : Sample_LinearOp<"diagonal", [Sample_WritesInto]> {
  let summary = "The diagonal of a square matrix";
  let description = [{
    ```mlir
    %d = sample.diagonal %a : tensor<3x3xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$a);
  let results = (outs Sample_Small:$y);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($y)";
  let hasVerifier = 1;
}

def Sample_TriangleOp : Sample_LinearOp<"triangle", [Sample_WritesInto, AllTypesMatch<["a", "y"]>]> {
  let summary = "A triangular matrix: entries of one matrix beside a diagonal of its own";
  let description = [{
    y[i, j] = a[i, j] for j < i (j > i if `upper`), y[i, i] = diagonal[i], and zero
    elsewhere.

    ```mlir
    %y = sample.triangle %a, %d : tensor<3x3xf32>, tensor<3xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$a, Sample_Small:$diagonal, UnitAttr:$upper);
  let results = (outs Sample_Matrix:$y);
  let assemblyFormat = "$a `,` $diagonal (`upper` $upper^)? attr-dict `:` type($a) `,` type($diagonal)";
  let hasVerifier = 1;
}

def Sample_TriangularInverseOp : Sample_TangentOp<"triangular_inverse", [Sample_WritesInto, AllTypesMatch<["a", "y"]>]> {
  let summary = "The inverse of a triangular matrix";
  let description = [{
    Reads the lower triangle of `a` (the upper one if `upper`), by substitution row
    by row.

    ```mlir
    %x = sample.triangular_inverse %a upper : tensor<3x3xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$a, UnitAttr:$upper);
  let results = (outs Sample_Matrix:$y);
  let assemblyFormat = "$a (`upper` $upper^)? attr-dict `:` type($a)";
  let hasVerifier = 1;
}

def Sample_TriangularInverseVjpOp : Sample_PureOp<"triangular_inverse_vjp",
    [Sample_WritesInto, AllTypesMatch<["inverse", "g", "a_cotangent"]>]> {
  let summary = "Cotangent of sample.triangular_inverse's operand, given the result";
  let description = [{
    -X^T g X^T with X = `inverse`, on the triangle; zero elsewhere.

    ```mlir
    %da = sample.triangular_inverse_vjp %x, %g upper : tensor<3x3xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$inverse, Sample_Matrix:$g, UnitAttr:$upper);
  let results = (outs Sample_Matrix:$a_cotangent);
  let assemblyFormat = "$inverse `,` $g (`upper` $upper^)? attr-dict `:` type($inverse)";
  let hasVerifier = 1;
}

def Sample_TriangularInverseJvpOp : Sample_PureOp<"triangular_inverse_jvp",
    [Sample_WritesInto, AllTypesMatch<["inverse", "a_tangent", "tangent"]>]> {
  let summary = "Tangent of sample.triangular_inverse's result, given the result";
  let description = [{
    -X da X with X = `inverse` and da the triangle of `a_tangent`.

    ```mlir
    %dx = sample.triangular_inverse_jvp %x, %da upper : tensor<3x3xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$inverse, Sample_Matrix:$a_tangent, UnitAttr:$upper);
  let results = (outs Sample_Matrix:$tangent);
  let assemblyFormat = "$inverse `,` $a_tangent (`upper` $upper^)? attr-dict `:` type($inverse)";
  let hasVerifier = 1;
}

def Sample_AntiTransposeOp : Sample_LinearOp<"anti_transpose", [Sample_WritesInto]> {
  let summary = "A matrix mirrored at the diagonal from the lower left to the upper right";
  let description = [{
    y[i, j] = a[rows-1-j, columns-1-i] for a matrix `a` of `rows` x `columns`: the
    transpose with rows and columns in reverse order. A matrix of blocks that is
    triangular stays so, with the triangle on the same side.

    ```mlir
    %y = sample.anti_transpose %a : tensor<4x3xf32> -> tensor<3x4xf32>
    ```
  }];
  let arguments = (ins Sample_Matrix:$a);
  let results = (outs Sample_Matrix:$y);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($y)";
  let hasVerifier = 1;
}

def Sample_CosineMatrixOp : Sample_PureOp<"cosine_matrix", [Sample_WritesInto]> {
  let summary = "The matrix of the orthonormal discrete cosine transform (type II)";
  let description = [{
    y[k, j] = c[k] cos(pi (2j + 1) k / (2n)) for n rows and columns, with c[0] =
    sqrt(1 / n), else sqrt(2 / n).

    ```mlir
    %c = sample.cosine_matrix : tensor<4x4xf32>
    ```
  }];
  let results = (outs Sample_Matrix:$y);
  let assemblyFormat = "attr-dict `:` type($y)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_SAMPLE_IR_PARAMETEROPS
