//===- Interfaces.td - What passes ask of ops --------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_INTERFACES
#define FLOWC_DIALECT_SAMPLE_IR_INTERFACES

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::flowc::sample";
  let description = [{
    An op of the sample program with derivatives: a vector-Jacobian product
    (reverse mode) and a Jacobian-vector product (forward mode). External models
    attach it to `arith` and `math` ops.
  }];
  let methods = [
    InterfaceMethod<
      [{Emits the cotangents of the operands. `cotangents` holds one value per
        result of the op (null: zero); `needed` says which operands' cotangents
        are wanted. Operands and results of the op may be read: `vjp.lookup` gives
        their values where the code is emitted. Adds to `vjp` with
        `vjp.accumulate(operand, cotangent)`.}],
      "::mlir::LogicalResult", "buildVjp",
      (ins "::flowc::sample::VjpBuilder &":$vjp, "::mlir::ValueRange":$cotangents), [{}],
      [{ return ::flowc::sample::buildDefaultVjp($_op); }]>,
    InterfaceMethod<
      [{Emits the tangents of the results, at least one operand having one:
        `jvp.getTangent(operand)` (null: zero). The op has been cloned to where the
        code is emitted; `jvp.lookup` gives the values of operands and results
        there. Adds to `jvp` with `jvp.addTangent(result, tangent)`. By default that
        of an elementwise op follows from its vector-Jacobian product.}],
      "::mlir::LogicalResult", "buildJvp", (ins "::flowc::sample::JvpBuilder &":$jvp), [{}],
      [{ return ::flowc::sample::buildDefaultJvp($_op, jvp); }]>,
  ];
}

#endif // FLOWC_DIALECT_SAMPLE_IR_INTERFACES
