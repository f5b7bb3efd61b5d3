//===- Passes.td - Passes on sample programs ---------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_TRANSFORMS_PASSES
#define FLOWC_DIALECT_SAMPLE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def HoistParametersPass : Pass<"sample-hoist-parameters", "::mlir::ModuleOp"> {
  let summary = "Split @kernel into @prepare (parameters only) and the per-sample rest";
  let description = [{
    Every op of `@kernel`, inside scans too, that depends on leaves only moves to
    `@prepare`, a function from leaves to prepared values. `@kernel` then takes its
    row inputs and the prepared values it uses.

    `stack-weights`: a weight that all layers of a scan share is prepared once for
    each of them. Its gradient is summed over rows where it is made, so that the
    layers cannot add up theirs; `@finish` does.
  }];
  let options = [Option<"stackWeights", "stack-weights", "bool", "false",
                        "Prepare shared weights once for each layer, for gradients of parameters">];
  let dependentDialects = ["::flowc::sample::SampleDialect", "::mlir::func::FuncDialect"];
}

def DifferentiatePass : Pass<"sample-differentiate", "::mlir::ModuleOp"> {
  let summary = "Replace @kernel by its vector-Jacobian product";
  let description = [{
    `of=params`: cotangents of all prepared values, summed over rows (`flow.sum`), and
    a function `@finish` that maps them to cotangents of the trainable leaves.
    `of=inputs`: the cotangent of the event, by row; `of=condition`: that of the
    condition. Results of the primal program get their cotangents from additional row inputs, except that the loss of `nll`
    and the log-density of a score have cotangent one.
  }];
  let options = [Option<"of", "of", "std::string", "\"params\"", "params, inputs or condition">];
  let dependentDialects = ["::flowc::sample::SampleDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::func::FuncDialect"];
}

def LinearizePass : Pass<"sample-linearize", "::mlir::ModuleOp"> {
  let summary = "Give @kernel the tangents of its results (Jacobian-vector products)";
  let description = [{
    Forward mode: `@kernel` takes tangents of its arguments too (`flow.tangent`), and
    gives those of its results behind the results.
    `of=inputs`: the tangent of the event is a row input behind the other row inputs.
    The kernel may be any sample program, a gradient made by `sample-differentiate`
    among them: that of the score is the product of the Hessian and a vector.
    `of=params`: the tangents of all trainable leaves are leaves behind the leaves. To
    be run before `sample-hoist-parameters`, which moves what depends on leaves and
    their tangents alone to `@prepare`.
  }];
  let options = [Option<"of", "of", "std::string", "\"inputs\"", "params or inputs">];
  let dependentDialects = ["::flowc::sample::SampleDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::func::FuncDialect"];
}

def OutlineMapsPass : Pass<"sample-outline-maps", "::mlir::ModuleOp"> {
  let summary = "Wrap elementwise ops that stand outside of maps into sample.map";
  let dependentDialects = ["::flowc::sample::SampleDialect", "::mlir::arith::ArithDialect"];
}

def FuseMapsPass : Pass<"sample-fuse-maps", "::mlir::ModuleOp"> {
  let summary = "Fuse maps of equal extent with each other, and maps into dense layers";
  let description = [{
    A map whose stacked result is used by one later map of equal extent joins it; a
    map of one float per element that is the only user of a dense layer becomes its
    activation. Selecting one element of an elementwise result selects first and
    computes after.
  }];
  let dependentDialects = ["::flowc::sample::SampleDialect"];
}

def FuseScanPass : Pass<"sample-fuse-scan", "::mlir::ModuleOp"> {
  let summary = "Join scans of equal length and direction into one loop";
  let description = [{
    Two neighbouring scans over the same number of layers in the same direction
    become one if the second uses of the first at most stacked results, of the
    same layer. Carries and stacked results that nobody uses disappear.
  }];
  let dependentDialects = ["::flowc::sample::SampleDialect"];
}

def MergeSumsPass : Pass<"sample-merge-sums", "::mlir::ModuleOp"> {
  let summary = "Sum equal gradients over rows once";
  let description = [{
    Parameters with equal gradients (two shifts, say) share one result of `@kernel`,
    and one argument of `@finish`; so do stacked results of a scan.
  }];
  let dependentDialects = ["::flowc::sample::SampleDialect"];
}

def PackWeightsPass : Pass<"sample-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Lay out masked weights as panels in @prepare";
  let description = [{
    Every weight of a `sample.dense` with a mask and of a `sample.sweep` in `@kernel`
    becomes a panel that `@prepare` packs in the order of evaluation, blocks of up to
    four rows, missing weights skipped. Other weights are read as they lie.
  }];
  let dependentDialects = ["::flowc::sample::SampleDialect"];
}

#endif // FLOWC_DIALECT_SAMPLE_TRANSFORMS_PASSES
