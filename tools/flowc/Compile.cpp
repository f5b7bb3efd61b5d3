//===- Compile.cpp - flowc compile ----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"

using namespace flowc;
using namespace flowc::tool;

namespace {

struct CompileCommandOptions {
  ModelOptions model;
  std::string emit = "obj", kernel, cpu, target, output;
};

Expected<int> runCompile(const CompileCommandOptions &options) {
  if (options.emit == "obj" && options.output.empty())
    return Error{"an object file needs a name: give -o FILE.o, or look at the code with --emit=asm"};
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  std::optional<OutputFile> file;
  if (!options.output.empty()) {
    auto created = OutputFile::create(options.output);
    if (!created)
      return created.takeError();
    file.emplace(std::move(*created));
  } else {
    file.emplace(OutputFile::standardOutput());
  }
  // A bare bijection has no density; its first kernel is `transform`.
  const Flow &flow = loaded->flow();
  std::string name = options.kernel;
  if (name.empty())
    name = flow.isDistribution() || flow.isDensity() ? "log_prob" : "transform";
  auto kernel = parseKernelName(name);
  if (!kernel)
    return kernel.takeError();
  if (!options.target.empty() && !findKernel(*kernel)->getProgram().needsTarget)
    return Error{"--target is for the kernels of an ELBO, and '" + name + "' has none: add --kernel elbo_gradient"};
  auto target = loadTarget(options.target);
  if (!target)
    return target.takeError();
  KernelRequest request{flow, *kernel, loaded->dtype(), *target ? &**target : nullptr};
  auto text = emitKernel(request, options.emit, options.cpu);
  if (!text)
    return text.takeError();
  if (auto ok = file->write(text->data(), text->size()); !ok)
    return ok.takeError();
  if (auto ok = file->commit(); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

/// The names of all kernels, those that need a target last.
static std::string describeKernels() {
  std::string plain, targeted;
  for (const KernelSpec &spec : kKernels) {
    std::string &names = spec.getProgram().needsTarget ? targeted : plain;
    names += (names.empty() ? "" : ", ") + std::string(spec.name);
  }
  return "One of " + plain + " (default: log_prob, of a bijection transform); with --target " + targeted;
}

void tool::addCompileCommands(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "compile", "Show what a flow becomes at each level, or write an object",
                 "  flowc compile galaxies.flow --emit=flow\n"
                 "  flowc compile galaxies.flow --emit=tile --kernel sample\n"
                 "  flowc compile galaxies.flow --emit=asm --cpu znver4 -o log_prob.s\n"
                 "  flowc compile galaxies.flow -o log_prob.o",
                 runCompile);
  options->model.add(*command, "FILE");
  command->add_option("--emit", options->emit, "flow, sample, tile, llvm, asm or obj (default)")
      ->check(CLI::IsMember({"flow", "sample", "tile", "llvm", "asm", "obj"}));
  command->add_option("--kernel", options->kernel, describeKernels());
  command->add_option("--target", options->target, "The target density (.flow) of an elbo or stl kernel");
  command->add_option("--cpu", options->cpu, "LLVM's name of the CPU to compile for (default: this one)");
  markOutput(command->add_option("-o,--output", options->output, "File to write (default: standard output)"));
}
