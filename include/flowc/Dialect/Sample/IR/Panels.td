//===- Panels.td - Weights in the order of evaluation -----*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_PANELS
#define FLOWC_DIALECT_SAMPLE_IR_PANELS

include "flowc/Dialect/Sample/IR/OpBase.td"

def Sample_PackOp : Sample_PureOp<"pack", [Sample_WritesInto]> {
  let summary = "A weight matrix and its bias as panels, in the order of evaluation";
  let description = [{
    For every block b of `blocks` ({row0, rows, k0, columns, offset} each, flattened)
    the panel holds, from `offset` on, `rows` biases (zero without `bias`) and then
    for each of `columns` columns from k0 on the weights of the `rows` rows; entries
    that `mask` lacks are zero. Rows and columns refer to the matrix after
    `transposed`.

    ```mlir
    %panel = sample.pack %w bias(%b : tensor<3xf32>) blocks = [0, 3, 0, 2, 0] : tensor<3x2xf32> -> tensor<9xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[Sample_Float]>:$weight, Optional<1DTensorOf<[Sample_Float]>>:$bias,
                   DenseI32ArrayAttr:$blocks, UnitAttr:$transposed, OptionalAttr<Sample_RankMaskAttr>:$mask);
  let results = (outs 1DTensorOf<[Sample_Float]>:$panel);
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

def Sample_PanelDenseOp : Sample_PureOp<"panel_dense", [Sample_WritesInto, IsolatedFromAbove]> {
  let summary = "sample.dense on packed weights";
  let description = [{
    ```mlir
    %y = sample.panel_dense %panel, %x blocks = [0, 3, 0, 2, 0] macs = 4 : tensor<9xf32>, tensor<2xf32> -> tensor<3xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[Sample_Float]>:$panel, 1DTensorOf<[Sample_Float]>:$x, DenseI32ArrayAttr:$blocks,
                   I64Attr:$macs);
  let results = (outs 1DTensorOf<[Sample_Float]>:$y);
  let regions = (region AnyRegion:$activation);
  let assemblyFormat = [{
    $panel `,` $x `blocks` `=` $blocks `macs` `=` $macs attr-dict `:` type($panel) `,` type($x) `->` type($y) ($activation^)?
  }];
  let hasVerifier = 1;
}

def Sample_PanelSweepOp : Sample_PureOp<"panel_sweep",
    [Sample_WritesInto, IsolatedFromAbove, AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "sample.sweep on packed weights";
  let description = [{
    As `sample.sweep`; `blocks` holds the blocks of each stage's panel, of which
    `block_ends[t][s] ... block_ends[t][s+1]-1` belong to step s.

    If `ahead[t]` is not empty, the first `ahead[t][s]` of these are of units of this and later
    steps (earlier ones if `reverse`), summed up as far as their inputs are there at step s; the
    others add the inputs that have come since, and are without a bias.

    ```mlir
    %x = sample.panel_sweep 2 panels(%p : tensor<4xf32>) indexed(%y : tensor<2xf32>)
        attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>], blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>],
                    block_ends = [array<i32: 0, 1, 2>], ahead = [array<i32>], macs = 1 : i64} {
    ^bb0(%shift: f32, %yi: f32):
      %xi = arith.subf %yi, %shift : f32
      sample.yield %xi : f32
    } -> (), tensor<2xf32>, (), ()
    ```
  }];
  let arguments = (ins I64Attr:$extent, UnitAttr:$reverse, Optional<1DTensorOf<[Sample_Float]>>:$prefix,
                   Variadic<1DTensorOf<[Sample_Float]>>:$panels, Variadic<Sample_Value>:$indexed,
                   Variadic<Sample_Value>:$shared, Variadic<Sample_Rows>:$init, DenseI64ArrayAttr:$indexed_stage,
                   ArrayAttr:$row_ends, ArrayAttr:$blocks, ArrayAttr:$block_ends, ArrayAttr:$ahead, I64Attr:$macs);
  let results = (outs Variadic<1DTensorOf<[Sample_Float]>>:$units, 1DTensorOf<[Sample_Float]>:$state,
                 Variadic<Sample_Value>:$extras, Variadic<Sample_Rows>:$sums);
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

#endif // FLOWC_DIALECT_SAMPLE_IR_PANELS
