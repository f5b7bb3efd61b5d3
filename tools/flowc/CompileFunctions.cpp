//===- CompileFunctions.cpp - flowc compile, for programs in C ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compile.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Objects/Objects.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

using namespace flowc;
using namespace flowc::tool;

/// The beginning of names, if none is given: what the file is called, as far as names can be.
static std::string getPrefix(const CompileCommandOptions &options) {
  if (!options.prefix.empty())
    return options.prefix;
  std::string name = std::filesystem::path(options.output).stem().string();
  std::ranges::replace_if(
      name, [](unsigned char c) { return !std::isalnum(c); }, '_');
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) ? "_" + name : name;
}

/// Fails if something is asked for that has no place beside functions for C.
static Expected<void> checkUse(const CompileCommandOptions &options) {
  if (!options.kernel.empty())
    return Error{"--kernel is for one kernel by itself: name functions of C with --functions"};
  if (!options.emit.empty() && options.emit != "obj")
    return Error{"--emit=" + options.emit + " shows one kernel: leave out what is for functions of C (--header, " +
                 "--functions, --prefix, --parameters, --condition)"};
  if (!options.getDensity().empty())
    return Error{"a density as --target is for kernels of an ELBO, which are no functions of C"};
  bool isObject = options.output.ends_with(".o");
  if (!options.output.empty() && !isObject && !options.isLibrary())
    return Error{"'" + options.output + "' is no name of an object: expected NAME.o, NAME.a or NAME.so"};
  bool needsObject = !options.header.empty() || !options.prefix.empty() || !options.functions.empty() ||
                     !options.condition.empty() || !options.cpus.empty() || !options.target.empty();
  if (options.output.empty() && needsObject)
    return Error{"functions of C need a file: give -o NAME.o, NAME.a or NAME.so"};
  return {};
}

static Expected<std::vector<Kernel>> parseFunctions(const std::vector<std::string> &names) {
  std::vector<Kernel> functions;
  for (const std::string &name : names) {
    auto kernel = parseKernelName(name);
    if (!kernel)
      return kernel.takeError();
    functions.push_back(*kernel);
  }
  return functions;
}

static Expected<ObjectFiles> makeFiles(const CompileCommandOptions &options, const Loaded &loaded) {
  auto functions = parseFunctions(options.functions);
  if (!functions)
    return functions.takeError();
  const TrainingRecord &record = loaded.record;
  std::string prefix = getPrefix(options);
  auto files = makeObject(loaded.model, {.functions = std::move(*functions),
                                         .prefix = prefix,
                                         .target = options.getMachine(),
                                         .cpus = options.cpus,
                                         .condition = options.condition,
                                         .parametersApart = !options.parameters.empty(),
                                         .columns = eventColumnNames(loaded.flow(), record),
                                         .conditionColumns = record.conditionTable ? record.conditionTable->modelNames()
                                                                                   : record.conditionColumns,
                                         .source = std::filesystem::path(options.model.path).filename().string()});
  if (!files || !options.isLibrary())
    return files;
  auto library = options.output.ends_with(".a")
                     ? makeArchive(files->object, prefix + ".o")
                     : linkSharedLibrary(files->object, std::filesystem::path(options.output).filename().string());
  if (!library)
    return library.takeError();
  files->object = std::move(*library);
  return files;
}

Expected<int> tool::compileFunctions(const CompileCommandOptions &options) {
  if (auto ok = checkUse(options); !ok)
    return ok.takeError();
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  std::vector<PendingFile> files;
  for (const std::string &path : {options.output, options.header, options.parameters}) {
    if (path.empty())
      continue;
    auto file = openPending(path);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }
  size_t next = 0;
  if (!options.output.empty()) {
    auto made = makeFiles(options, *loaded);
    if (!made)
      return made.takeError();
    files[next++].contents = std::move(made->object);
    if (!options.header.empty())
      files[next++].contents = std::move(made->header);
  }
  if (!options.parameters.empty()) {
    auto parameters = makeParameters(loaded->model);
    if (!parameters)
      return parameters.takeError();
    files[next].contents = std::move(*parameters);
  }
  if (auto ok = writePending(files); !ok)
    return ok.takeError();
  return 0;
}

void tool::addFunctionOptions(CLI::App &command, CompileCommandOptions &options) {
  markOutput(command.add_option("--header", options.header, "Write functions for C, and this header with them"));
  command
      .add_option("--functions", options.functions,
                  "Which functions: kernels without sums and targets (default: log_prob, sample, sample_and_log_prob; "
                  "of a bijection transform, inverse)")
      ->delimiter(',');
  command.add_option("--prefix", options.prefix, "What their names begin with (default: the name of the file)");
  command.add_option("--condition", options.condition, "A condition for all rows: its numbers")->delimiter(',');
  markOutput(command.add_option("--parameters", options.parameters,
                                "Write the parameters to this file, which functions then take at run time"));
}
