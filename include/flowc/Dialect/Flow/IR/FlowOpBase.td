//===- FlowOpBase.td - What definitions of ops share -------*- tablegen -*-===//
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

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWOPBASE
#define FLOWC_DIALECT_FLOW_IR_FLOWOPBASE

include "flowc/Dialect/Flow/IR/FlowDialect.td"
include "flowc/Dialect/Flow/IR/FlowInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Flow graph
//===----------------------------------------------------------------------===//

/// What kernels compute with. That tensors have known extents, and that an op works in
/// one of the two types of floats, is asked of every op (see Flow_Op).
def Flow_Float : Type<CPred<"$_self.isF32() || $_self.isF64()">, "f32 or f64", "::mlir::FloatType">;
def Flow_Integer : Type<CPred<"$_self.isSignlessInteger(1) || $_self.isSignlessInteger(32)">, "i1 or i32",
                        "::mlir::IntegerType">;

def Flow_Event : Type<And<[AnyTypeOf<[Flow_Float, 1DTensorOf<[Flow_Float]>]>.predicate,
                           CPred<"::flowc::flow::isEventType($_self)">]>,
                      "an event: a float or a tensor of rank 1 of one float or more">;
def Flow_Parameter : AnyTypeOf<[Flow_Float, Flow_Integer, RankedTensorOf<[Flow_Float, Flow_Integer]>], "a parameter">;

class Flow_BijectionOp<string mnemonic, list<Trait> traits = []>
    : Flow_Op<mnemonic, traits # [Pure, AllTypesMatch<["x", "y"]>,
                                  DeclareOpInterfaceMethods<BijectionOpInterface>]> {
  let results = (outs Flow_Event:$y);
}

/// An elementwise bijection of any dialect: BijectionOpInterface comes from its
/// element formulas.
class ElementwiseBijectionOp<Dialect dialect, string mnemonic, list<Trait> traits = []>
    : Op<dialect, mnemonic, traits # [Pure, AllTypesMatch<["x", "y"]>,
                                      DeclareOpInterfaceMethods<BijectionOpInterface>,
                                      DeclareOpInterfaceMethods<ElementwiseBijectionOpInterface>]> {
  let results = (outs Flow_Event:$y);
  let extraClassDefinition = [{
    ::mlir::FailureOr<::flowc::flow::Transformed>
    $cppClass::buildTransform(::flowc::flow::Specializer &specializer, ::mlir::Value x) {
      return ::flowc::flow::buildElementwise(*this, specializer, x, /*inverse=*/false);
    }
    ::mlir::FailureOr<::flowc::flow::Transformed>
    $cppClass::buildInverse(::flowc::flow::Specializer &specializer, ::mlir::Value y) {
      return ::flowc::flow::buildElementwise(*this, specializer, y, /*inverse=*/true);
    }
  }];
}

class Flow_ElementwiseBijectionOp<string mnemonic, list<Trait> traits = []>
    : ElementwiseBijectionOp<Flow_Dialect, mnemonic, traits> {
  /// The fields of FlowJAX's class, as lib/Frontend/Elementwise.h describes them: all
  /// that the language needs to construct and to emit this op (see FlowElementwise.td).
  string fields = [{ {shape()} }];
  /// Where it takes intervals, and what warnings ask of it: a `Behaviour` of the same header.
  string behaviour = [{ {} }];
}

//===----------------------------------------------------------------------===//
// Sample program
//===----------------------------------------------------------------------===//

def Flow_Value : AnyTypeOf<[Flow_Float, Flow_Integer, RankedTensorOf<[Flow_Float, Flow_Integer]>],
                           "a float, an integer or a tensor of them">;
def Flow_Rows : AnyTypeOf<[Flow_Float, 1DTensorOf<[Flow_Float]>], "a float or a tensor of floats of rank 1">;
def Flow_Small : Type<And<[1DTensorOf<[Flow_Float]>.predicate, CPred<"::flowc::flow::isEventType($_self)">]>,
                      "a tensor of rank 1 of one float or more", "::mlir::RankedTensorType">;

class Flow_SampleOp<string mnemonic, list<Trait> traits = []> : Flow_Op<mnemonic, traits # [Pure]>;
class Flow_DifferentiableOp<string mnemonic, list<Trait> traits = []>
    : Flow_SampleOp<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVjp"]>]>;

/// An op whose tangents have a rule of their own.
class Flow_TangentOp<string mnemonic, list<Trait> traits = []>
    : Flow_SampleOp<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVjp", "buildJvp"]>]>;

/// An op that is linear in all of its float operands together: its tangent is the same
/// op applied to theirs.
class Flow_LinearOp<string mnemonic, list<Trait> traits = []> : Flow_TangentOp<mnemonic, traits # [Flow_Linear]> {
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::buildJvp(::flowc::flow::JvpBuilder &jvp) {
      return ::flowc::flow::buildLinearJvp(*this, jvp);
    }
  }];
}

/// An op that only derivatives consist of: it can be differentiated forwards.
class Flow_DerivativeOp<string mnemonic, list<Trait> traits = []>
    : Flow_SampleOp<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildJvp"]>]>;

class Flow_UnaryOp<string mnemonic> : Flow_DifferentiableOp<mnemonic, [SameOperandsAndResultType, Elementwise]> {
  let arguments = (ins Flow_Value:$x);
  let results = (outs Flow_Value:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWOPBASE
