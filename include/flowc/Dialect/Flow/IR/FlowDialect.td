//===- FlowDialect.td - The flow dialect -------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWDIALECT
#define FLOWC_DIALECT_FLOW_IR_FLOWDIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Flow_Dialect : Dialect {
  let name = "flow";
  let cppNamespace = "::flowc::flow";
  let summary = "Normalizing flows: bijections, distributions and per-sample programs";
  let description = [{
    Two levels share this dialect.

    The **flow graph** states what a flow is: bijection ops map an event to an
    event, a base distribution op makes the event that the chain starts from.

    ```mlir
    func.func @flow(%w: tensor<8x50x4xf32>, ...) -> tensor<8xf32> {
      %z = flow.standard_normal : tensor<8xf32>
      %y = flow.invert %z : tensor<8xf32> { ... }
      return %y : tensor<8xf32>
    }
    ```

    The **sample program** states how one sample is computed: tensors are
    per-sample values, the batch is implicit. Events are flattened to rank 1, a
    scalar is a plain float. Its ops are `flow.map`, `flow.dense`, `flow.scan`,
    `flow.sweep` and a few that move rows; bodies of maps hold `arith`, `math`
    and the small-tensor ops.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    /// Attributes of arguments and results of kernel functions.
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
    /// Marks the condition among the arguments of a flow graph.
    static constexpr ::llvm::StringLiteral kConditionAttr = "flow.condition";
    /// Marks a bijection of a flow graph that belongs to the base distribution.
    static constexpr ::llvm::StringLiteral kBaseAttr = "flow.base";
  }];
}

/// Of operands, results and arguments of regions: see verifyOpTypes.
def Flow_WellTyped : NativeOpTrait<"WellTyped"> {
  let cppNamespace = "::flowc::flow";
}

// Marks, which FlowTraits.h describes.
class Flow_Mark<string name> : NativeOpTrait<name> {
  let cppNamespace = "::flowc::flow";
}
def Flow_Linear : Flow_Mark<"Linear">;
def Flow_PerRow : Flow_Mark<"PerRow">;
def Flow_InBodies : Flow_Mark<"InBodies">;
def Flow_WritesInto : Flow_Mark<"WritesInto">;

class Flow_Op<string mnemonic, list<Trait> traits = []> : Op<Flow_Dialect, mnemonic, [Flow_WellTyped] # traits>;

class Flow_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<Flow_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Flow_RankMaskAttr : Flow_Attr<"RankMask", "rank_mask"> {
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

#endif // FLOWC_DIALECT_FLOW_IR_FLOWDIALECT
