//===- SampleDialect.td - Programs of one sample -----------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_SAMPLEDIALECT
#define FLOWC_DIALECT_SAMPLE_IR_SAMPLEDIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Sample_Dialect : Dialect {
  let name = "sample";
  let cppNamespace = "::flowc::sample";
  let summary = "Programs of one sample";
  let description = [{
    How one sample is computed. Tensors are per-sample values or, if they depend on
    parameters only, uniform; the batch is implicit. Events are flattened to rank 1, a
    scalar is a plain float. The ops are maps, dense layers, scans, sweeps, roots, and
    some that move rows; bodies of maps hold `arith`, `math` and the small-tensor ops.
    The set is closed under differentiation.

    ```mlir
    func.func @kernel(%x: tensor<3xf32> {flow.row}, %s: f32) -> tensor<3xf32> {
      %y = sample.map 3 indexed(%x : tensor<3xf32>) shared(%s : f32) {
      ^bb0(%xi: f32, %si: f32):
        %m = arith.mulf %xi, %si : f32
        sample.yield %m : f32
      } -> (tensor<3xf32>), ()
      return %y : tensor<3xf32>
    }
    ```
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    /// Attributes of arguments and results of functions, of the graph's and of the kernel's.
    /// Marks an argument that differs from row to row; others are parameters.
    static constexpr ::llvm::StringLiteral kRowAttr = "flow.row";
    /// Marks a result that is summed over all rows.
    static constexpr ::llvm::StringLiteral kSumAttr = "flow.sum";
    /// The parameter's path in the model.
    static constexpr ::llvm::StringLiteral kNameAttr = "flow.name";
    /// Marks a parameter that is trained.
    static constexpr ::llvm::StringLiteral kTrainableAttr = "flow.trainable";
    /// Marks an argument of @finish that is the cotangent of a prepared value.
    static constexpr ::llvm::StringLiteral kCotangentAttr = "flow.cotangent";
    /// Marks an argument that is the tangent of another one.
    static constexpr ::llvm::StringLiteral kTangentAttr = "flow.tangent";
    /// Marks the condition.
    static constexpr ::llvm::StringLiteral kConditionAttr = "flow.condition";
  }];
}

/// Of operands, results and arguments of regions: see verifyOpTypes.
def Sample_WellTyped : NativeOpTrait<"WellTyped"> {
  let cppNamespace = "::flowc::sample";
}

// Marks, which Traits.h describes.
class Sample_Mark<string name> : NativeOpTrait<name> {
  let cppNamespace = "::flowc::sample";
}
def Sample_Linear : Sample_Mark<"Linear">;
def Sample_PerRow : Sample_Mark<"PerRow">;
def Sample_InBodies : Sample_Mark<"InBodies">;
def Sample_WritesInto : Sample_Mark<"WritesInto">;
def Sample_Costly : Sample_Mark<"Costly">;
def Sample_WorthStoring : Sample_Mark<"WorthStoring">;
def Sample_Renames : Sample_Mark<"Renames">;
def Sample_TakesApart : Sample_Mark<"TakesApart">;

class Sample_Op<string mnemonic, list<Trait> traits = []> : Op<Sample_Dialect, mnemonic, [Sample_WellTyped] # traits>;

class Sample_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<Sample_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Sample_RankMaskAttr : Sample_Attr<"RankMask", "rank_mask"> {
  let summary = "Which weights of an autoregressive layer exist";
  let description = [{
    Entry (o, i) of a weight matrix exists if `out[o] >= in[i]`, or `>` if the
    mask is `strict`; missing weights count as zero (FlowJAX's
    `rank_based_mask`). Both rank lists are sorted in ascending order.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$out, ArrayRefParameter<"int64_t">:$in, "bool":$strict);
  let assemblyFormat = "`<` `out` `=` `[` $out `]` `,` `in` `=` `[` $in `]` `,` `strict` `=` $strict `>`";
  let extraClassDeclaration = [{
    bool exists(int64_t o, int64_t i) const { return getStrict() ? getOut()[o] > getIn()[i] : getOut()[o] >= getIn()[i]; }
  }];
}

#endif // FLOWC_DIALECT_SAMPLE_IR_SAMPLEDIALECT
