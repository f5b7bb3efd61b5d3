//===- FlowSampleOps.td - Ops of the sample program --------*- tablegen -*-===//
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

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWSAMPLEOPS
#define FLOWC_DIALECT_FLOW_IR_FLOWSAMPLEOPS

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Flow_YieldOp : Flow_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "Results of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ }]>];
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

def Flow_MapOp : Flow_TangentOp<"map",
    [Flow_WritesInto, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments, SingleBlockImplicitTerminator<"YieldOp">]> {
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
    %y, %ld = flow.map 4 indexed(%x, %p : tensor<4xf32>, tensor<8xf32>) init(%c0 : f32) {
    ^bb0(%xi: f32, %pi: tensor<2xf32>):
      ...
      flow.yield %yi, %ldi : f32, f32
    } -> (tensor<4xf32>), (f32)
    ```
  }];
  let arguments = (ins I64Attr:$extent, Variadic<Flow_Value>:$indexed, Variadic<Flow_Value>:$shared,
                   Variadic<Flow_Rows>:$init);
  let results = (outs Variadic<Flow_Value>:$stacked, Variadic<Flow_Rows>:$sums);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $extent (`indexed` `(` $indexed^ `:` type($indexed) `)`)? (`shared` `(` $shared^ `:` type($shared) `)`)?
    (`init` `(` $init^ `:` type($init) `)`)? attr-dict-with-keyword $body `->` custom<TypeList>(type($stacked)) `,` custom<TypeList>(type($sums))
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    ::flowc::flow::YieldOp getYield();
    /// Type that the body sees of `tensor` at extent `extent`.
    static ::mlir::Type getElementType(::mlir::Type tensor, int64_t extent);
    /// Type of a stacked result whose body yields `element`.
    static ::mlir::Type getStackedType(::mlir::Type element, int64_t extent);
  }];
}

def Flow_ScanOp : Flow_Op<"scan",
    [Flow_WritesInto, Pure, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments,
     SingleBlockImplicitTerminator<"YieldOp">, DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVjp", "buildJvp"]>,
     DeclareOpInterfaceMethods<BijectionOpInterface, ["buildScored"]>]> {
  let summary = "A loop over layers";
  let description = [{
    For layer l = 0 ... layers-1 (or from the last to the first if `reverse`) the
    body takes the carries, slice l of every operand in `over` (a tensor whose
    leading extent is `layers`; a slice of rank 0 is a float), and the `shared`
    operands whole. It yields the next carries, then the slices l of the stacked
    results. The body uses nothing from outside.

    In the flow graph a scan is FlowJAX's `Scan`: its only carry is the event, and
    its body holds bijections.
  }];
  let arguments = (ins I64Attr:$layers, UnitAttr:$reverse, Variadic<Flow_Value>:$carries,
                   Variadic<Flow_Value>:$over, Variadic<Flow_Value>:$shared);
  let results = (outs Variadic<Flow_Value>:$finals, Variadic<Flow_Value>:$stacked);
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
    ::flowc::flow::YieldOp getYield();
    /// Type of one layer of `stack`, and of a stack of `layers` times `slice`.
    static ::mlir::Type getSliceType(::mlir::Type stack);
    static ::mlir::Type getStackType(::mlir::Type slice, int64_t layers);
  }];
}

def Flow_DenseOp : Flow_TangentOp<"dense", [Flow_WritesInto, IsolatedFromAbove]> {
  let summary = "y = W x + b";
  let description = [{
    `weight` is (out, in) with a uniform value per entry, `bias` is optional,
    `transposed` uses the transpose of `weight`. `mask` refers to `weight` as it is
    stored. The optional region is an activation that is applied to every output:
    it takes and yields a float.

    ```mlir
    %h = flow.dense %w, %x bias(%b : tensor<50xf32>) : tensor<50x4xf32>, tensor<4xf32> -> tensor<50xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[Flow_Float]>:$weight, 1DTensorOf<[Flow_Float]>:$x,
                   Optional<1DTensorOf<[Flow_Float]>>:$bias, UnitAttr:$transposed,
                   OptionalAttr<Flow_RankMaskAttr>:$mask);
  let results = (outs 1DTensorOf<[Flow_Float]>:$y);
  let regions = (region AnyRegion:$activation);
  let assemblyFormat = [{
    $weight `,` $x (`bias` `(` $bias^ `:` type($bias) `)`)? (`transposed` $transposed^)? (`mask` $mask^)?
    attr-dict `:` type($weight) `,` type($x) `->` type($y) ($activation^)?
  }];
  let hasVerifier = 1;
}

def Flow_OuterOp : Flow_DerivativeOp<"outer"> {
  let summary = "Cotangents of a dense layer's weight and bias";
  let description = [{
    `weight[o, i] = g[o] * x[i]` where `mask` has an entry, else 0; `bias = g`. Summed
    over all rows by the tile program.
  }];
  let arguments = (ins 1DTensorOf<[Flow_Float]>:$g, 1DTensorOf<[Flow_Float]>:$x, OptionalAttr<Flow_RankMaskAttr>:$mask);
  let results = (outs 2DTensorOf<[Flow_Float]>:$weight, 1DTensorOf<[Flow_Float]>:$bias);
  let assemblyFormat = [{
    $g `,` $x (`mask` $mask^)? attr-dict `:` type($g) `,` type($x) `->` type($weight) `,` type($bias)
  }];
  let hasVerifier = 1;
}

def Flow_SweepOp : Flow_TangentOp<"sweep",
    [IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments]> {
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
  }];
  let arguments = (ins I64Attr:$extent, UnitAttr:$reverse, UnitAttr:$transposed,
                   Optional<1DTensorOf<[Flow_Float]>>:$prefix,
                   Variadic<2DTensorOf<[Flow_Float]>>:$weights, Variadic<1DTensorOf<[Flow_Float]>>:$biases,
                   Variadic<Flow_Value>:$indexed, Variadic<Flow_Value>:$shared, Variadic<Flow_Rows>:$init,
                   DenseI64ArrayAttr:$indexed_stage, ArrayAttr:$row_ends);
  let results = (outs Variadic<1DTensorOf<[Flow_Float]>>:$units, 1DTensorOf<[Flow_Float]>:$state,
                 Variadic<Flow_Value>:$extras, Variadic<Flow_Rows>:$sums);
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

//===----------------------------------------------------------------------===//
// Moving rows
//===----------------------------------------------------------------------===//

def Flow_SplitOp : Flow_LinearOp<"split"> {
  let summary = "Consecutive pieces of a tensor of rank 1";
  let description = [{
    A piece of one element may be a float.

    ```mlir
    %loc, %raw = flow.split %p : tensor<2xf32> -> f32, f32
    ```
  }];
  let arguments = (ins 1DTensorOf<[Flow_Float]>:$x);
  let results = (outs Variadic<Flow_Rows>:$pieces);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($pieces)";
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Flow_ConcatOp : Flow_LinearOp<"concat", [Flow_WritesInto]> {
  let summary = "Pieces one after the other";
  let arguments = (ins Variadic<Flow_Rows>:$pieces);
  let results = (outs 1DTensorOf<[Flow_Float]>:$y);
  let assemblyFormat = "$pieces attr-dict `:` type($pieces) `->` type($y)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Flow_GatherOp : Flow_LinearOp<"gather", [Flow_WritesInto, AllTypesMatch<["x", "y"]>]> {
  let summary = "y[i] = x[indices[i]] for a permutation and its inverse";
  let arguments = (ins 1DTensorOf<[Flow_Float]>:$x, 1DTensorOf<[I32]>:$indices, 1DTensorOf<[I32]>:$inverse);
  let results = (outs 1DTensorOf<[Flow_Float]>:$y);
  let assemblyFormat = "$x `,` $indices `,` $inverse attr-dict `:` type($x) `,` type($indices) `,` type($inverse)";
  let hasVerifier = 1;
}

def Flow_ReverseOp : Flow_LinearOp<"reverse", [Flow_WritesInto, AllTypesMatch<["x", "y"]>]> {
  let summary = "y[i] = x[n-1-i]";
  let arguments = (ins 1DTensorOf<[Flow_Float]>:$x);
  let results = (outs 1DTensorOf<[Flow_Float]>:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Flow_ReorderOp : Flow_LinearOp<"reorder", [Flow_WritesInto, AllTypesMatch<["x", "y"]>]> {
  let summary = "Rows (and columns) of a parameter in a constant order";
  let description = [{
    y[i, j] = x[rows[i], columns[j]]; an empty list keeps the order. Used to sort
    hidden units by rank.
  }];
  let arguments = (ins RankedTensorOf<[Flow_Float]>:$x, DenseI64ArrayAttr:$rows, DenseI64ArrayAttr:$columns);
  let results = (outs RankedTensorOf<[Flow_Float]>:$y);
  let assemblyFormat = "$x `rows` `=` $rows `columns` `=` $columns attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Flow_ReshapeOp : Flow_LinearOp<"reshape"> {
  let summary = "The same elements in row-major order under another shape";
  let arguments = (ins Flow_Value:$x);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Small tensors and floats
//===----------------------------------------------------------------------===//

def Flow_Log1pExpOp : Flow_UnaryOp<"log1p_exp"> {
  let summary = "Softplus: log(1 + exp(x)); its derivative is inv_logit(x)";
}

def Flow_InvLogitOp : Flow_UnaryOp<"inv_logit"> {
  let summary = "Sigmoid: s = 1 / (1 + exp(-x)); its derivative is s (1 - s)";
}

def Flow_ClipOp : Flow_DifferentiableOp<"clip", [SameOperandsAndResultType, Elementwise]> {
  let summary = "x moved into [lower, upper]; NaN stays NaN";
  let description = [{
    The derivative is 1 inside, 0 outside and 1/2 at both ends, as that of JAX's
    `clip` is.
  }];
  let arguments = (ins Flow_Value:$x, F64Attr:$lower, F64Attr:$upper);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$x `to` `[` $lower `,` $upper `]` attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Flow_ReduceSumOp : Flow_LinearOp<"reduce_sum"> {
  let summary = "Sum of all elements, in order";
  let arguments = (ins Flow_Small:$x);
  let results = (outs Flow_Float:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
}

def Flow_ReduceMaxOp : Flow_TangentOp<"reduce_max", [Flow_InBodies]> {
  let summary = "Largest element; its cotangent is taken as zero (it only shifts a softmax)";
  let arguments = (ins Flow_Small:$x);
  let results = (outs Flow_Float:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
}

def Flow_SplatOp : Flow_LinearOp<"splat"> {
  let summary = "A tensor with the same value everywhere";
  let arguments = (ins Flow_Float:$x);
  let results = (outs 1DTensorOf<[Flow_Float]>:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
}

def Flow_CumsumOp : Flow_LinearOp<"cumsum", [Flow_InBodies, SameOperandsAndResultType]> {
  let summary = "y[i] = x[0] + ... + x[i], or x[i] + ... + x[n-1] if reverse";
  let arguments = (ins Flow_Small:$x, UnitAttr:$reverse);
  let results = (outs Flow_Small:$y);
  let assemblyFormat = "$x (`reverse` $reverse^)? attr-dict `:` type($x)";
}

def Flow_BinSearchOp : Flow_SampleOp<"bin_search", [Flow_InBodies]> {
  let summary = "The bin of a value among ascending knots";
  let description = [{
    The number of knots below `v`, less one, clipped to [0, n-2]: a value on a knot
    belongs to the bin on its left.
  }];
  let arguments = (ins Flow_Small:$knots, Flow_Float:$v);
  let results = (outs I32:$bin);
  let assemblyFormat = "$knots `,` $v attr-dict `:` type($knots) `,` type($v)";
  let hasVerifier = 1;
}

def Flow_TakeOp : Flow_LinearOp<"take", [Flow_InBodies]> {
  let summary = "Element `index + offset` of a small tensor";
  let arguments = (ins Flow_Small:$x, I32:$index, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Flow_Float:$y);
  let assemblyFormat = "$x `[` $index `+` $offset `]` attr-dict `:` type($x) `->` type($y)";
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Flow_OneHotOp : Flow_LinearOp<"one_hot", [Flow_InBodies]> {
  let summary = "A small tensor that is `x` at `index + offset` and zero elsewhere";
  let arguments = (ins Flow_Float:$x, I32:$index, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Flow_Small:$y);
  let assemblyFormat = "$x `at` `[` $index `+` $offset `]` attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Rows of a batch
//===----------------------------------------------------------------------===//

def Flow_RowWeightOp : Flow_SampleOp<"row_weight", [Flow_PerRow]> {
  let summary = "1 for a row of the batch, 0 for a lane beyond its end";
  let results = (outs Flow_Float:$weight);
  let assemblyFormat = "attr-dict `:` type($weight)";
}

def Flow_RandomNormalOp : Flow_SampleOp<"random_normal", [Flow_WritesInto, Flow_PerRow]> {
  let summary = "Independent standard normals of this sample";
  let description = [{
    Element d of sample i of stream `seed` is a function of (seed, i, d) alone:
    Philox4x32-10 (Salmon et al. 2011), then Box-Muller.
  }];
  let results = (outs Flow_Rows:$z);
  let assemblyFormat = "attr-dict `:` type($z)";
}

//===----------------------------------------------------------------------===//
// Layout, made by flow-pack-weights
//===----------------------------------------------------------------------===//

def Flow_PackOp : Flow_SampleOp<"pack", [Flow_WritesInto]> {
  let summary = "A weight matrix and its bias as panels, in the order of evaluation";
  let description = [{
    For every block b of `blocks` ({row0, rows, k0, columns, offset} each, flattened)
    the panel holds, from `offset` on, `rows` biases (zero without `bias`) and then
    for each of `columns` columns from k0 on the weights of the `rows` rows; entries
    that `mask` lacks are zero. Rows and columns refer to the matrix after
    `transposed`.
  }];
  let arguments = (ins 2DTensorOf<[Flow_Float]>:$weight, Optional<1DTensorOf<[Flow_Float]>>:$bias,
                   DenseI32ArrayAttr:$blocks, UnitAttr:$transposed, OptionalAttr<Flow_RankMaskAttr>:$mask);
  let results = (outs 1DTensorOf<[Flow_Float]>:$panel);
  let assemblyFormat = [{
    $weight (`bias` `(` $bias^ `:` type($bias) `)`)? (`transposed` $transposed^)? `blocks` `=` $blocks (`mask` $mask^)?
    attr-dict `:` type($weight) `->` type($panel)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Numbers that describe a block, and rows of one at most.
    static constexpr int64_t kBlockFields = 5, kMaxBlockRows = 4;
  }];
}

def Flow_PanelDenseOp : Flow_SampleOp<"panel_dense", [Flow_WritesInto, IsolatedFromAbove]> {
  let summary = "flow.dense on packed weights";
  let arguments = (ins 1DTensorOf<[Flow_Float]>:$panel, 1DTensorOf<[Flow_Float]>:$x, DenseI32ArrayAttr:$blocks,
                   I64Attr:$macs);
  let results = (outs 1DTensorOf<[Flow_Float]>:$y);
  let regions = (region AnyRegion:$activation);
  let assemblyFormat = [{
    $panel `,` $x `blocks` `=` $blocks `macs` `=` $macs attr-dict `:` type($panel) `,` type($x) `->` type($y) ($activation^)?
  }];
  let hasVerifier = 1;
}

def Flow_PanelSweepOp : Flow_SampleOp<"panel_sweep",
    [Flow_WritesInto, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "flow.sweep on packed weights";
  let description = [{
    As `flow.sweep`; `blocks` holds the blocks of each stage's panel, of which
    `block_ends[t][s] ... block_ends[t][s+1]-1` belong to step s.
  }];
  let arguments = (ins I64Attr:$extent, UnitAttr:$reverse, Optional<1DTensorOf<[Flow_Float]>>:$prefix,
                   Variadic<1DTensorOf<[Flow_Float]>>:$panels, Variadic<Flow_Value>:$indexed,
                   Variadic<Flow_Value>:$shared, Variadic<Flow_Rows>:$init, DenseI64ArrayAttr:$indexed_stage,
                   ArrayAttr:$row_ends, ArrayAttr:$blocks, ArrayAttr:$block_ends, I64Attr:$macs);
  let results = (outs Variadic<1DTensorOf<[Flow_Float]>>:$units, 1DTensorOf<[Flow_Float]>:$state,
                 Variadic<Flow_Value>:$extras, Variadic<Flow_Rows>:$sums);
  let regions = (region VariadicRegion<SizedRegion<1>>:$stages);
  let assemblyFormat = [{
    $extent (`reverse` $reverse^)? (`prefix` `(` $prefix^ `:` type($prefix) `)`)?
    `panels` `(` $panels `:` type($panels) `)` (`indexed` `(` $indexed^ `:` type($indexed) `)`)?
    (`shared` `(` $shared^ `:` type($shared) `)`)? (`init` `(` $init^ `:` type($init) `)`)?
    attr-dict-with-keyword $stages
    `->` custom<TypeList>(type($units)) `,` type($state) `,` custom<TypeList>(type($extras)) `,` custom<TypeList>(type($sums))
  }];
  let hasVerifier = 1;
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWSAMPLEOPS
