//===- Passes.td - Passes on the flow dialect --------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_TRANSFORMS_PASSES
#define FLOWC_DIALECT_FLOW_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def StabilizePass : Pass<"flow-stabilize", "::mlir::ModuleOp"> {
  let summary = "Rewrite users' formulas into forms that neither cancel nor overflow";
  let description = [{
    The function `@density` is what users wrote: `log(1 + exp(x))` becomes
    `sample.log1p_exp`, `1 - tanh(x)^2` a product of sigmoids, `x^3` multiplications, and
    so on. The rules hold for real numbers. Values that no known op makes are taken as
    they are. The region of `flow.formula` is not touched: that op applies the rules
    itself, to what is derived from it, and the original says most.
  }];
  let dependentDialects = ["::flowc::flow::FlowDialect", "::flowc::sample::SampleDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def SpecializePass : Pass<"flow-specialize", "::mlir::ModuleOp"> {
  let summary = "Turn a flow graph into the sample program of one kernel";
  let description = [{
    Replaces the graph function `@flow` (or `@bijection`) by `@kernel`, the sample
    program `program`: the chain of bijections is emitted forwards or backwards,
    each op by its own formula for that direction, so that the inverse of an
    inverse is the forward map and nothing is inverted numerically that need not
    be. Arguments: row inputs (`flow.row`), then the leaves of the graph.

    `rows`: whether the event (of `log_prob`, `nll`, `transform` and `inverse`) or the
    draw of the base distribution (of `sample`, `sample_and_log_prob`, `weigh`, `elbo`
    and `stl`) is `given`, the first argument, or `drawn`. `nll` is the negative
    log-likelihood of a row. With a second function `@density(event) -> float`, `elbo`
    and `stl` are the losses log q(y) - density(y) of y = T(z), and `weigh` gives y
    and both terms; `stl` is differentiated along the path from z to y only
    (`sample.surrogate`). A module with `@density` alone has `log_prob`.

    `weighted`: one more row input, behind the event and the condition, multiplies the
    result; a draw of weight 0 may lie outside of the support of `@density`.
  }];
  let options = [Option<"program", "program", "std::string", "\"log_prob\"", "What to compute">,
                 Option<"rows", "rows", "std::string", "\"given\"", "given or drawn">,
                 Option<"weighted", "weighted", "bool", "false", "Multiply the result by a weight of the row">];
  let dependentDialects = ["::flowc::flow::FlowDialect", "::flowc::sample::SampleDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::func::FuncDialect"];
}

#endif // FLOWC_DIALECT_FLOW_TRANSFORMS_PASSES
