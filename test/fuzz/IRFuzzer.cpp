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

#include <memory>
#include <vector>

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
    "sample-hoist-parameters",
    "sample-hoist-parameters{stack-weights=true}",
    "sample-differentiate{of=params}",
    "sample-differentiate{of=inputs}",
    "sample-linearize{of=inputs}",
    "sample-outline-maps",
    "sample-fuse-maps",
    "sample-fuse-scan",
    "sample-merge-sums",
    "sample-pack-weights",
    "convert-sample-to-tile",
    "flow-expand-math",
    "flow-stabilize,flow-specialize{program=log_prob},canonicalize,cse,sample-hoist-parameters,sample-outline-maps,"
    "sample-fuse-maps,sample-fuse-scan,canonicalize,cse,sample-pack-weights,convert-sample-to-tile{vectors=avx},tile-assign-storage,convert-tile-to-llvm,"
    "canonicalize,"
    "cse,flow-expand-math,flow-lower-to-llvm",
    "flow-stabilize,flow-specialize{program=nll},canonicalize,cse,sample-hoist-parameters{stack-weights=true},"
    "sample-differentiate{of=params},canonicalize,cse,sample-outline-maps,sample-fuse-maps,sample-fuse-scan,"
    "canonicalize,cse,"
    "sample-merge-sums,sample-pack-weights,convert-sample-to-tile{vectors=sse2},tile-assign-storage,convert-tile-to-llvm,canonicalize,cse,flow-expand-math,"
    "flow-lower-to-llvm",
};

namespace {
/// A context and the passes that are ready to run in it.
class Compiler {
public:
  Compiler() : context(dialects(), MLIRContext::Threading::DISABLED) {
    context.loadAllAvailableDialects();
    for (const char *pipeline : kPipelines) {
      auto &manager = managers.emplace_back(std::make_unique<PassManager>(&context));
      flowc::fuzz::check(succeeded(parsePassPipeline(pipeline, *manager)), "the pipeline exists", pipeline);
    }
  }

  void run(const std::string &text) {
    ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
    if (!module)
      return;
    for (const auto &manager : managers) {
      OwningOpRef<ModuleOp> copy = module->clone();
      if (succeeded(manager->run(*copy)))
        flowc::fuzz::accept();
    }
  }

private:
  static const DialectRegistry &dialects() {
    static const DialectRegistry *registry = [] {
      flowc::registerAllPasses();
      auto *made = new DialectRegistry;
      flowc::registerPipelineDialects(*made);
      return made;
    }();
    return *registry;
  }

  MLIRContext context;
  std::vector<std::unique_ptr<PassManager>> managers;
};
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 8192;
  if (size > longest)
    return 0;
  // Contexts keep what they have seen: types, attributes, names.
  constexpr int mostInputs = 20000;
  static std::unique_ptr<Compiler> compiler;
  static int inputs = 0;
  if (inputs++ % mostInputs == 0)
    compiler = std::make_unique<Compiler>();
  compiler->run(flowc::fuzz::textOf(data, size));
  return 0;
}
