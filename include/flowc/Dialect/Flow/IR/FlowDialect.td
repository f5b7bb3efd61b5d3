//===- FlowDialect.td - The flow dialect -------------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWDIALECT
#define FLOWC_DIALECT_FLOW_IR_FLOWDIALECT

include "mlir/IR/OpBase.td"
include "flowc/Dialect/Sample/IR/SampleDialect.td"

def Flow_Dialect : Dialect {
  let name = "flow";
  let cppNamespace = "::flowc::flow";
  let summary = "Normalizing flows: bijections, distributions, combinators";
  let description = [{
    A graph states what a flow is, under FlowJAX's names: bijection ops map an event to an
    event, a base distribution op makes the event that the chain starts from.

    ```mlir
    func.func @flow(%w: tensor<8x50x4xf32>, ...) -> tensor<8xf32> {
      %z = flow.standard_normal : tensor<8xf32>
      %y = flow.invert %z : tensor<8xf32> { ... }
      return %y : tensor<8xf32>
    }
    ```

    Parameters are computed by ops of the `sample` dialect, which flow-specialize turns
    a graph into, and of `arith` and `math`.
  }];
  let extraClassDeclaration = [{
    /// Marks a bijection of a flow graph that belongs to the base distribution.
    static constexpr ::llvm::StringLiteral kBaseAttr = "flow.base";
  }];
}

class Flow_Op<string mnemonic, list<Trait> traits = []> : Op<Flow_Dialect, mnemonic, [Sample_WellTyped] # traits>;

#endif // FLOWC_DIALECT_FLOW_IR_FLOWDIALECT
