//===- SampleOps.td - Ops of the sample program ------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How one sample is computed. A value is per-sample or, if it depends on
// parameters only, uniform. The set is closed under differentiation.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_SAMPLEOPS
#define FLOWC_DIALECT_SAMPLE_IR_SAMPLEOPS

include "flowc/Dialect/Sample/IR/OpBase.td"
include "flowc/Dialect/Sample/IR/Batch.td"
include "flowc/Dialect/Sample/IR/Panels.td"
include "flowc/Dialect/Sample/IR/Rows.td"
include "flowc/Dialect/Sample/IR/SmallTensors.td"

def Sample_YieldOp : Sample_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "Results of a region";
  let description = [{
    ```mlir
    sample.yield %y, %log_det : f32, f32
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ }]>];
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

def Sample_MapOp : Sample_TangentOp<"map",
    [Sample_WritesInto, Sample_TakesApart, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments,
     SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Applies a scalar body to every element";
  let description = [{
    For i = 0 ... extent-1 the body computes `stacked` results (element i of the
    result) and `sums` (added to the matching `init`). An `indexed` operand is a
    tensor of `extent * k` elements, of which the body sees a float (k = 1) or the
    k consecutive elements i*k ... i*k+k-1 as a tensor; a `shared` operand is a
    float or small tensor that every i sees whole. The body's arguments are the
    indexed ones, then the shared ones; it yields stacked values (a float, or a
    tensor of k elements), then summands (of the type of `init`). The body uses
    nothing from outside. An indexed operand of extent 1 and k = 1 may be a float,
    and so may a stacked result.

    ```mlir
    %y, %ld = sample.map 4 indexed(%x, %p : tensor<4xf32>, tensor<8xf32>) init(%c0 : f32) {
    ^bb0(%xi: f32, %pi: tensor<2xf32>):
      ...
      sample.yield %yi, %ldi : f32, f32
    } -> (tensor<4xf32>), (f32)
    ```
  }];
  let arguments = (ins I64Attr:$extent, Variadic<Sample_Value>:$indexed, Variadic<Sample_Value>:$shared,
                   Variadic<Sample_Rows>:$init);
  let results = (outs Variadic<Sample_Value>:$stacked, Variadic<Sample_Rows>:$sums);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $extent (`indexed` `(` $indexed^ `:` type($indexed) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    (`init` `(` $init^ `:` type($init) `)`)? attr-dict-with-keyword $body `->` custom<TypeList>(type($stacked)) `,` custom<TypeList>(type($sums))
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    ::flowc::sample::YieldOp getYield();
    /// Type that the body sees of `tensor` at extent `extent`.
    static ::mlir::Type getElementType(::mlir::Type tensor, int64_t extent);
    /// Type of a stacked result whose body yields `element`.
    static ::mlir::Type getStackedType(::mlir::Type element, int64_t extent);
  }];
}

def Sample_ScanOp : Sample_Op<"scan",
    [Sample_WritesInto, Sample_TakesApart, Pure, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments,
     SingleBlockImplicitTerminator<"YieldOp">, DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVjp", "buildJvp"]>]> {
  let summary = "A loop over layers";
  let description = [{
    For layer l = 0 ... layers-1 (or from the last to the first if `reverse`) the
    body takes the carries, slice l of every operand in `over` (a tensor whose
    leading extent is `layers`; a slice of rank 0 is a float), and the `shared`
    operands whole. It yields the next carries, then the slices l of the stacked
    results. The body uses nothing from outside.

    ```mlir
    %y, %inputs = sample.scan 3 reverse carries(%x : tensor<4xf32>) over(%w : tensor<3x4xf32>) {
    ^bb0(%a: tensor<4xf32>, %wl: tensor<4xf32>):
      %b = arith.addf %a, %wl : tensor<4xf32>
      sample.yield %b, %a : tensor<4xf32>, tensor<4xf32>
    } -> (tensor<4xf32>), (tensor<3x4xf32>)
    ```
  }];
  let arguments = (ins I64Attr:$layers, UnitAttr:$reverse, Variadic<Sample_Value>:$carries,
                   Variadic<Sample_Value>:$over, Variadic<Sample_Value>:$shared);
  let results = (outs Variadic<Sample_Value>:$finals, Variadic<Sample_Value>:$stacked);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $layers (`reverse` $reverse^)? (`carries` `(` $carries^ `:` type($carries) `)`)?
    (`over` `(` $over^ `:` type($over) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    attr-dict-with-keyword $body `->` custom<TypeList>(type($finals)) `,` custom<TypeList>(type($stacked))
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    ::flowc::sample::YieldOp getYield();
    /// Type of one layer of `stack`, and of a stack of `layers` times `slice`.
    static ::mlir::Type getSliceType(::mlir::Type stack);
    static ::mlir::Type getStackType(::mlir::Type slice, int64_t layers);
  }];
}

def Sample_DenseOp : Sample_TangentOp<"dense", [Sample_WritesInto, Sample_WorthStoring, IsolatedFromAbove]> {
  let summary = "y = W x + b";
  let description = [{
    `weight` is (out, in) with a uniform value per entry, `bias` is optional,
    `transposed` uses the transpose of `weight`. `mask` refers to `weight` as it is
    stored. The optional region is an activation that is applied to every output:
    it takes and yields a float.

    ```mlir
    %h = sample.dense %w, %x bias(%b : tensor<50xf32>) : tensor<50x4xf32>, tensor<4xf32> -> tensor<50xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[Sample_Float]>:$weight, 1DTensorOf<[Sample_Float]>:$x,
                   Optional<1DTensorOf<[Sample_Float]>>:$bias, UnitAttr:$transposed,
                   OptionalAttr<Sample_RankMaskAttr>:$mask);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let regions = (region AnyRegion:$activation);
  let assemblyFormat = [{
    $weight `,` $x (`bias` `(` $bias^ `:` type($bias) `)`)? (`transposed` $transposed^)? (`mask` $mask^)?
    attr-dict `:` type($weight) `,` type($x) `->` type($y) ($activation^)?
  }];
  let hasVerifier = 1;
}

def Sample_OuterOp : Sample_DerivativeOp<"outer"> {
  let summary = "Cotangents of a dense layer's weight and bias";
  let description = [{
    `weight[o, i] = g[o] * x[i]` where `mask` has an entry, else 0; `bias = g`. Summed
    over all rows by the tile program.

    ```mlir
    %w, %b = sample.outer %g, %x : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$g, 1DTensorOf<[Sample_Float]>:$x, OptionalAttr<Sample_RankMaskAttr>:$mask);
  let results = (outs 2DTensorOf<[Sample_Float]>:$weight, 1DTensorOf<[Sample_Float]>:$bias);
  let assemblyFormat = [{
    $g `,` $x (`mask` $mask^)? attr-dict `:` type($g) `,` type($x) `->` type($weight) `,` type($bias)
  }];
  let hasVerifier = 1;
}

def Sample_SweepOp : Sample_TangentOp<"sweep",
    [Sample_WorthStoring, Sample_TakesApart, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "Evaluates an autoregressive network coordinate by coordinate, each unit once";
  let description = [{
    A sweep runs a chain of S >= 1 dense stages in which every unit has a rank.
    Stage 0 reads the **state**: the `prefix` (rank below all; optional) followed by
    `extent` groups of k elements, one per step. Stage t > 0 reads the units of
    stage t-1. At step s = 0 ... extent-1 (from the last to the first if `reverse`):

    * stage t = 0 ... S-2 computes its units `row_ends[t][s] ... row_ends[t][s+1]-1`
      (`row_ends` has extent + 1 ascending entries per stage; units before the first
      one are never computed) from all of its input that is there: unit =
      body_t(W x + b);
    * stage S-1 computes its P units of step s (equally many at every step); its body takes them
      (a float if P = 1, else a tensor) and yields the state's group s (a float or a
      tensor of k), then stacked extras, then summands.

    What is there, in a forward sweep: the prefix, the state's groups before s, and
    all units of steps up to s; in a reverse sweep: the state's groups after s and
    all units of steps from s on. Weights outside that are never read. `transposed`
    weights are stored as (in, out).

    Bodies take the accumulated value(s), then for each operand of `indexed` that
    belongs to the stage (`indexed_stage`) the elements of the unit (stage < S-1) or
    of the step (stage S-1), then all `shared` operands. Body t < S-1 yields the
    unit, then extras. Results: the units of stage 0 ... S-2, the state without the
    prefix, then all extras stage by stage, then the sums.

    ```mlir
    %units, %x = sample.sweep 3 weights(%w0, %w1 : tensor<2x3xf32>, tensor<3x2xf32>) indexed(%y : tensor<3xf32>)
        attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 1, 2>, array<i64: 0, 1, 2, 3>]} {
    ^bb0(%u: f32):
      %h = math.tanh %u : f32
      sample.yield %h : f32
    }, {
    ^bb0(%shift: f32, %yi: f32):
      %xi = arith.subf %yi, %shift : f32
      sample.yield %xi : f32
    } -> (tensor<2xf32>), tensor<3xf32>, (), ()
    ```
  }];
  let arguments = (ins I64Attr:$extent, UnitAttr:$reverse, UnitAttr:$transposed,
                   Optional<1DTensorOf<[Sample_Float]>>:$prefix,
                   Variadic<2DTensorOf<[Sample_Float]>>:$weights, Variadic<1DTensorOf<[Sample_Float]>>:$biases,
                   Variadic<Sample_Value>:$indexed, Variadic<Sample_Value>:$shared, Variadic<Sample_Rows>:$init,
                   DenseI64ArrayAttr:$indexed_stage, ArrayAttr:$row_ends);
  let results = (outs Variadic<1DTensorOf<[Sample_Float]>>:$units, 1DTensorOf<[Sample_Float]>:$state,
                 Variadic<Sample_Value>:$extras, Variadic<Sample_Rows>:$sums);
  let regions = (region VariadicRegion<SizedRegion<1>>:$stages);
  let assemblyFormat = [{
    $extent (`reverse` $reverse^)? (`transposed` $transposed^)? (`prefix` `(` $prefix^ `:` type($prefix) `)`)?
    `weights` `(` $weights `:` type($weights) `)` (`biases` `(` $biases^ `:` type($biases) `)`)?
    (`indexed` `(` $indexed^ `:` type($indexed) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    (`init` `(` $init^ `:` type($init) `)`)? attr-dict-with-keyword $stages
    `->` custom<TypeList>(type($units)) `,` type($state) `,` custom<TypeList>(type($extras)) `,` custom<TypeList>(type($sums))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getNumStages() { return getWeights().size(); }
    ::mlir::Block *getStageBlock(int64_t stage) { return &getStages()[stage].front(); }
    ::llvm::ArrayRef<int64_t> getStageRowEnds(int64_t stage);
    /// Units of stage S-1 at one step, and elements of the state at one step.
    int64_t getUnitsPerStep();
    int64_t getStatePerStep();
  }];
}

#endif // FLOWC_DIALECT_SAMPLE_IR_SAMPLEOPS
