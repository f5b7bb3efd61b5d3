//===- Compile.cpp - flowc compile ----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compile.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Target/TargetInfo.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace flowc;
using namespace flowc::tool;

Expected<PendingFile> tool::openPending(const std::string &path) {
  if (path.empty())
    return PendingFile{OutputFile::standardOutput()};
  auto file = OutputFile::create(path);
  return file ? PendingFile{std::move(*file)} : Expected<PendingFile>(file.takeError());
}

Expected<void> tool::writePending(std::vector<PendingFile> &files) {
  for (PendingFile &pending : files)
    if (auto ok = pending.file.write(pending.contents.data(), pending.contents.size()); !ok)
      return ok;
  for (PendingFile &pending : files)
    if (auto ok = pending.file.commit(); !ok)
      return ok;
  return {};
}

/// One kernel, at the level that is asked for.
static Expected<std::string> compileOneKernel(const CompileCommandOptions &options, const Loaded &loaded) {
  // A bare bijection has no density; its first kernel is `transform`.
  const Flow &flow = loaded.flow();
  std::string name = options.kernel;
  if (name.empty())
    name = flow.isDistribution() || flow.isDensity() ? "log_prob" : "transform";
  auto kernel = parseKernelName(name);
  if (!kernel)
    return kernel.takeError();
  std::string density = options.getDensity(), machine = options.getMachine();
  bool needsDensity = findKernel(*kernel)->getProgram().needsTarget;
  if (!density.empty() && !needsDensity)
    return Error{"a density as --target is for the kernels of an ELBO, and '" + name +
                 "' has none: add --kernel elbo_gradient"};
  if (!machine.empty() && needsDensity)
    return Error{"--target of '" + name + "' is a density, NAME.flow, but found '" + machine + "'"};
  auto target = loadTarget(density);
  if (!target)
    return target.takeError();
  KernelRequest request{flow, *kernel, loaded.dtype(), *target ? &**target : nullptr};
  return emitKernel(request, options.emit.empty() ? "obj" : options.emit,
                    options.cpus.empty() ? std::string() : options.cpus.front(), machine);
}

static Expected<int> runCompile(const CompileCommandOptions &options) {
  if (options.wantsFunctions())
    return compileFunctions(options);
  if ((options.emit.empty() || options.emit == "obj") && options.output.empty())
    return Error{"an object file needs a name: give -o FILE.o, or look at the code with --emit=asm"};
  if (options.cpus.size() > 1)
    return Error{"one kernel by itself is compiled for one CPU, not for " + std::to_string(options.cpus.size()) +
                 ": add --header NAME.h for functions that choose among several"};
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  std::vector<PendingFile> files;
  auto file = openPending(options.output);
  if (!file)
    return file.takeError();
  files.push_back(std::move(*file));
  auto text = compileOneKernel(options, *loaded);
  if (!text)
    return text.takeError();
  files.front().contents = std::move(*text);
  if (auto ok = writePending(files); !ok)
    return ok.takeError();
  return 0;
}

/// The names of all kernels, those that need a target last.
static std::string describeKernels() {
  std::string plain, targeted;
  for (const KernelSpec &spec : kKernels) {
    std::string &names = spec.getProgram().needsTarget ? targeted : plain;
    names += (names.empty() ? "" : ", ") + std::string(spec.name);
  }
  return "One of " + plain + " (default: log_prob, of a bijection transform); with --target " + targeted;
}

static std::string describeTarget() {
  auto triples =
      llvm::map_range(getTargetInfos(), [](const TargetInfo *info) { return llvm::StringRef(info->triple); });
  return "The machine to compile for (default: this one), " + llvm::join(triples, " or ") +
         "; of an elbo or stl kernel, its target density (.flow)";
}

static std::string describeDefaultCpus() {
  std::vector<std::string> all;
  for (const TargetInfo *info : getTargetInfos())
    all.push_back(llvm::join(info->getDefaultCpus(), ", "));
  return llvm::join(all, "; ");
}

void tool::addCompileCommands(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "compile", "Show what a flow becomes at each level, or write an object",
                 "  flowc compile galaxies.flow --emit=flow\n"
                 "  flowc compile galaxies.flow --emit=tile --kernel sample\n"
                 "  flowc compile galaxies.flow --emit=asm --cpu znver4 -o log_prob.s\n"
                 "  flowc compile galaxies.flow -o log_prob.o\n"
                 "  flowc compile model.safetensors -o model.o --header model.h\n"
                 "  flowc compile model.safetensors -o model.o --header model.h --target=aarch64-linux-gnu\n"
                 "  flowc compile model.safetensors -o model.so --header model.h --functions=log_prob,score "
                 "--cpu=x86-64-v3",
                 runCompile);
  options->model.add(*command, "FILE");
  command->add_option("--emit", options->emit, "flow, sample, tile, llvm, asm or obj (default)")
      ->check(CLI::IsMember({"flow", "sample", "tile", "llvm", "asm", "obj"}));
  command->add_option("--kernel", options->kernel, describeKernels());
  command->add_option("--target", options->target, describeTarget());
  command
      ->add_option(
          "--cpu", options->cpus,
          "LLVM's name of the CPU to compile for (default: this one); for functions in C several, of which the "
          "best is chosen at run time (default: " +
              describeDefaultCpus() + ")")
      ->delimiter(',');
  markOutput(command->add_option("-o,--output", options->output, "File to write (default: standard output)"));
  addFunctionOptions(*command, *options);
}
