//===- OpBase.td - What definitions of ops share -----------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints of operands and base classes, but no ops: every file of ops
// includes this one, and is a header of its own (see CMakeLists.txt).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_OPBASE
#define FLOWC_DIALECT_SAMPLE_IR_OPBASE

include "flowc/Dialect/Sample/IR/SampleDialect.td"
include "flowc/Dialect/Sample/IR/Interfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// What kernels compute with. That tensors have known extents, and that an op works in
/// one of the two types of floats, is asked of every op (see Sample_Op).
def Sample_Float : Type<CPred<"$_self.isF32() || $_self.isF64()">, "f32 or f64", "::mlir::FloatType">;
def Sample_Integer : Type<CPred<"$_self.isSignlessInteger(1) || $_self.isSignlessInteger(32)">, "i1 or i32",
                        "::mlir::IntegerType">;

def Sample_Value : AnyTypeOf<[Sample_Float, Sample_Integer, RankedTensorOf<[Sample_Float, Sample_Integer]>],
                           "a float, an integer or a tensor of them">;
def Sample_Rows : AnyTypeOf<[Sample_Float, 1DTensorOf<[Sample_Float]>], "a float or a tensor of floats of rank 1">;
def Sample_Small : Type<And<[1DTensorOf<[Sample_Float]>.predicate, CPred<"::flowc::sample::isEventType($_self)">]>,
                      "a tensor of rank 1 of one float or more", "::mlir::RankedTensorType">;

class Sample_PureOp<string mnemonic, list<Trait> traits = []> : Sample_Op<mnemonic, traits # [Pure]>;
class Sample_DifferentiableOp<string mnemonic, list<Trait> traits = []>
    : Sample_PureOp<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVjp"]>]>;

/// An op whose tangents have a rule of their own.
class Sample_TangentOp<string mnemonic, list<Trait> traits = []>
    : Sample_PureOp<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVjp", "buildJvp"]>]>;

/// An op that is linear in all of its float operands together: its tangent is the same
/// op applied to theirs.
class Sample_LinearOp<string mnemonic, list<Trait> traits = []> : Sample_TangentOp<mnemonic, traits # [Sample_Linear]> {
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::buildJvp(::flowc::sample::JvpBuilder &jvp) {
      return ::flowc::sample::buildLinearJvp(*this, jvp);
    }
  }];
}

/// An op that only derivatives consist of: it can be differentiated forwards.
class Sample_DerivativeOp<string mnemonic, list<Trait> traits = []>
    : Sample_PureOp<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildJvp"]>]>;

class Sample_UnaryOp<string mnemonic, list<Trait> traits = []>
    : Sample_DifferentiableOp<mnemonic, traits # [SameOperandsAndResultType, Elementwise]> {
  let description = "```mlir\n%y = sample." # mnemonic # " %x : tensor<4xf32>\n```";
  let arguments = (ins Sample_Value:$x);
  let results = (outs Sample_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // FLOWC_DIALECT_SAMPLE_IR_OPBASE
