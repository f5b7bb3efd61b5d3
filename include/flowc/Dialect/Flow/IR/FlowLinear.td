//===- FlowLinear.td - Linear bijections -------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bijections of a whole event that are a matrix, and maybe a shift.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWLINEAR
#define FLOWC_DIALECT_FLOW_IR_FLOWLINEAR

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_TriangularAffineOp : Flow_BijectionOp<"triangular_affine"> {
  let summary = "y = matrix x + loc for a triangular matrix";
  let description = [{
    FlowJAX's `TriangularAffine`; log|det| = sum log|matrix[i, i]|. `matrix` is zero
    above its diagonal (below it if `upper`), as `sample.triangle` makes it. The inverse
    multiplies with the inverse of the matrix, which is computed once per version of
    the parameters.
  }];
  let arguments = (ins Flow_Event:$x, 1DTensorOf<[Sample_Float]>:$loc, 2DTensorOf<[Sample_Float]>:$matrix, UnitAttr:$upper);
  let assemblyFormat = [{
    $x `,` $loc `,` $matrix (`upper` $upper^)? attr-dict `:` type($x) `,` type($loc) `,` type($matrix)
  }];
  let hasVerifier = 1;
}

def Flow_HouseholderOp : Flow_BijectionOp<"householder"> {
  let summary = "Reflection at the hyperplane with this normal";
  let description = [{
    FlowJAX's `Householder`: y = x - 2 v (v . x) / (v . v) for v = `normal`, which is not
    zero; its own inverse, log|det| = 0.
  }];
  let arguments = (ins Flow_Event:$x, 1DTensorOf<[Sample_Float]>:$normal);
  let assemblyFormat = "$x `,` $normal attr-dict `:` type($x) `,` type($normal)";
  let hasVerifier = 1;
}

def Flow_DiscreteCosineOp : Flow_BijectionOp<"discrete_cosine"> {
  let summary = "Orthonormal discrete cosine transform of groups of elements";
  let description = [{
    FlowJAX's `DiscreteCosine`: the type-II transform of every `size` consecutive
    elements, y[k] = c[k] sum_j cos(pi (2j + 1) k / (2 size)) x[j] with c[0] = sqrt(1 / size),
    else sqrt(2 / size); log|det| = 0.
  }];
  let arguments = (ins Flow_Event:$x, I64Attr:$size);
  let assemblyFormat = "$x `size` $size attr-dict `:` type($x)";
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWLINEAR
