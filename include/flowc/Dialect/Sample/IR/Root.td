//===- Root.td - Roots of scalar equations -----------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How an inverse without a closed form is computed, one number at a time.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_ROOT
#define FLOWC_DIALECT_SAMPLE_IR_ROOT

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_RootOp : Sample_TangentOp<"root",
    [Sample_InBodies, Sample_Costly, Sample_WorthStoring, IsolatedFromAbove, AttrSizedOperandSegments,
     SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "The number t at which an increasing function is zero";
  let description = [{
    The body computes f(t) and f'(t) from t and the operands, and yields the two.
    f must increase (negate one that decreases), and change its sign between
    `above` and `below`: that is what the author of the op has to prove, with room
    for rounding in both bounds. Where `above` (`below`) is absent, f is defined
    down (up) to infinity and a change of sign is searched for in steps that grow
    faster than any power, from `from` on. `from` is a first guess: by default the
    middle of the bracket, a point next to the only bound, or 0.

    Each sample is solved for itself by Newton's method. The bracket of the root
    shrinks with every value of f; a step is a bisection instead where Newton's
    would leave the bracket, where the sign of f has flipped but |f| has not
    halved, and every other time after 16 steps. A sample is done, and frozen, when
    f is zero, or the next step is at most 4 epsilon |t| or at most `tolerance` (no
    tolerance: 0). The body may yield a third number, the size of the terms whose
    rounding f carries (of f(t) = g(t) - y: |y|, say), or more where one more step
    of Newton's is known to be exact: f counts as zero where |f| <= epsilon * size,
    and that step is taken without another look at f. The result is NaN where f becomes NaN, where it has no
    sign change, and where 200 steps are not enough: never a number that is no root.

    The body may compute anything that a map's body may (floats and small tensors
    of <= 64 elements). It runs 4 to 8 times, so what does not depend on t belongs
    outside, as an operand. The op itself stands in the body of a map or of a
    sweep, or beside elementwise ops (sample-outline-maps puts it into a map); if all
    of its operands are uniform it is hoisted like any other op.

    Its derivative is that of the implicit function: a cotangent g of t becomes a
    cotangent -g/f'(t) of f(t; operands), which the rules of the body's ops send on
    to the operands. Bounds and first guess have none.

    ```mlir
    // t + c tanh(t + b) = y for c > -1: t is at most |c| from y.
    %t = sample.root above(%lower : f32) below(%upper : f32) operands(%c, %b, %y : f32, f32, f32) {
    ^bb0(%s: f32, %ci: f32, %bi: f32, %yi: f32):
      ...
      sample.yield %f, %slope : f32, f32
    } : f32
    ```
  }];
  let arguments = (ins Optional<Sample_Float>:$lower, Optional<Sample_Float>:$upper, Optional<Sample_Float>:$start,
                   Variadic<Sample_Rows>:$inputs, OptionalAttr<F64Attr>:$tolerance);
  let results = (outs Sample_Float:$root);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`above` `(` $lower^ `:` type($lower) `)`)? (`below` `(` $upper^ `:` type($upper) `)`)?
    (`from` `(` $start^ `:` type($start) `)`)? (`operands` `(` $inputs^ `:` type($inputs) `)`)?
    attr-dict-with-keyword $body `:` type($root)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    ::flowc::sample::YieldOp getYield();
    /// Steps after which a sample without a root is given up.
    static constexpr int64_t kMaxSteps = 200;
  }];
}

#endif // FLOWC_DIALECT_SAMPLE_IR_ROOT
