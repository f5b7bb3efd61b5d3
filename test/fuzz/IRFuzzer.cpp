//===- IRFuzzer.cpp - IR through every pass -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any text is IR or an error, and IR is turned by each pass, and by those of a kernel one
// after the other, into IR or into an error. (Of a program that is none of its level a
// pass may make something that only the verifier refuses.)
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/Pipelines/Pipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

/// Passes alone, and in the order of a kernel.
static constexpr const char *kPipelines[] = {
    "canonicalize",
    "cse",
    "flow-stabilize",
    "flow-specialize{program=log_prob}",
    "flow-specialize{program=sample rows=drawn}",
    "flow-specialize{program=transform}",
    "flow-specialize{program=nll weighted=true}",
    "flow-hoist-parameters",
    "flow-hoist-parameters{stack-weights=true}",
    "flow-differentiate{of=params}",
    "flow-differentiate{of=inputs}",
    "flow-linearize{of=inputs}",
    "flow-outline-maps",
    "flow-fuse-maps",
    "flow-fuse-scan",
    "flow-merge-sums",
    "flow-pack-weights",
    "convert-flow-to-tile",
    "flow-expand-math",
    "flow-stabilize,flow-specialize{program=log_prob},canonicalize,cse,flow-hoist-parameters,flow-outline-maps,"
    "flow-fuse-maps,flow-fuse-scan,canonicalize,cse,flow-pack-weights,convert-flow-to-tile{simd-bits=256},canonicalize,"
    "cse,flow-expand-math,flow-lower-tile-to-llvm",
    "flow-stabilize,flow-specialize{program=nll},canonicalize,cse,flow-hoist-parameters{stack-weights=true},"
    "flow-differentiate{of=params},canonicalize,cse,flow-outline-maps,flow-fuse-maps,flow-fuse-scan,canonicalize,cse,"
    "flow-merge-sums,flow-pack-weights,convert-flow-to-tile{simd-bits=128},canonicalize,cse,flow-expand-math,"
    "flow-lower-tile-to-llvm",
};

static MLIRContext &getContext() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    flowc::registerPipelineDialects(registry);
    flowc::registerAllPasses();
    auto *made = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    made->loadAllAvailableDialects();
    return made;
  }();
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 8192;
  if (size > longest)
    return 0;
  MLIRContext &context = getContext();
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(flowc::fuzz::textOf(data, size), ParserConfig(&context));
  if (!module)
    return 0;
  for (const char *pipeline : kPipelines) {
    OwningOpRef<ModuleOp> copy = module->clone();
    PassManager manager(&context);
    flowc::fuzz::check(succeeded(parsePassPipeline(pipeline, manager)), "the pipeline exists", pipeline);
    (void)manager.run(*copy);
  }
  return 0;
}
