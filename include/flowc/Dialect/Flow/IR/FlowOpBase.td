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
include "flowc/Dialect/Sample/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Flow_Event : Type<And<[AnyTypeOf<[Sample_Float, 1DTensorOf<[Sample_Float]>]>.predicate,
                           CPred<"::flowc::sample::isEventType($_self)">]>,
                      "an event: a float or a tensor of rank 1 of one float or more">;
def Flow_Parameter : AnyTypeOf<[Sample_Float, Sample_Integer, RankedTensorOf<[Sample_Float, Sample_Integer]>], "a parameter">;

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
    ::mlir::FailureOr<::flowc::sample::Transformed>
    $cppClass::buildTransform(::flowc::flow::Specializer &specializer, ::mlir::Value x) {
      return ::flowc::flow::buildElementwise(*this, specializer, x, /*inverse=*/false);
    }
    ::mlir::FailureOr<::flowc::sample::Transformed>
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

#endif // FLOWC_DIALECT_FLOW_IR_FLOWOPBASE
