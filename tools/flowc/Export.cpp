//===- Export.cpp - flowc export ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Compile.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Onnx/Onnx.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::tool;

namespace {
struct ExportOptions {
  ModelOptions model;
  std::string output;
  std::vector<std::string> functions;
};
} // namespace

static constexpr std::string_view kExtension = ".onnx";

/// The functions that are asked for, or those that the flow has by default.
static Expected<std::vector<Kernel>> findFunctions(const ExportOptions &options, const Flow &flow) {
  std::vector<Kernel> functions;
  for (const std::string &name : options.functions) {
    auto kernel = parseKernelName(name);
    if (!kernel)
      return kernel.takeError();
    if (std::ranges::find(functions, *kernel) != functions.end())
      return Error{name + " is asked for twice"};
    functions.push_back(*kernel);
  }
  return functions.empty() ? getDefaultOnnxFunctions(flow) : functions;
}

/// One function has the name that is given; each of several has its own behind that.
static std::string makePath(const ExportOptions &options, size_t count, Kernel function) {
  if (count == 1)
    return options.output;
  std::string stem = options.output.substr(0, options.output.size() - kExtension.size());
  return stem + "." + std::string(getKernelName(function)) + std::string(kExtension);
}

static Expected<int> runExport(const ExportOptions &options) {
  if (!options.output.ends_with(kExtension))
    return Error{"'" + options.output + "' is no name of an exported model: expected -o NAME.onnx"};
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  auto functions = findFunctions(options, loaded->flow());
  if (!functions)
    return functions.takeError();
  std::vector<PendingFile> files;
  for (Kernel function : *functions) {
    auto contents = makeOnnx(loaded->model, function);
    if (!contents)
      return contents.takeError();
    auto file = openPending(makePath(options, functions->size(), function));
    if (!file)
      return file.takeError();
    file->contents = std::move(*contents);
    files.push_back(std::move(*file));
  }
  if (auto ok = writePending(files); !ok)
    return ok.takeError();
  return 0;
}

/// The names of all functions that can be exported.
static std::string describeFunctions() {
  std::string names;
  for (const KernelSpec &spec : kKernels)
    if (checkOnnxFunction(spec.kernel))
      names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return "Which functions of " + names +
         " (default: log_prob, and push, which makes samples of draws of the base; of a bijection transform, inverse)";
}

void tool::addExportCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "export", "Write functions of a model as ONNX, for other programs to run",
                 "  flowc export model.safetensors -o model.onnx\n"
                 "  flowc export model.safetensors -o density.onnx --functions=log_prob\n"
                 "  flowc export model.safetensors -o model.onnx --functions=log_prob,transform,inverse --dtype f64",
                 runExport);
  options->model.add(*command);
  markOutput(command->add_option("-o,--output", options->output,
                                 "NAME.onnx; of several functions, each is in NAME.FUNCTION.onnx"))
      ->required();
  command->add_option("--functions", options->functions, describeFunctions())->delimiter(',');
}
