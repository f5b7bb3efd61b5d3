//===- Compile.h - flowc compile --------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_COMPILE_H
#define FLOWC_TOOLS_FLOWC_COMPILE_H

#include "Common.h"

namespace flowc::tool {

struct CompileCommandOptions {
  ModelOptions model;
  std::string emit, kernel, target, output;
  std::vector<std::string> cpus;
  // Of objects with functions for C.
  std::string header, parameters, prefix;
  std::vector<std::string> functions;
  std::vector<double> condition;

  /// What --target names: the file of a density, or LLVM's triple of a machine.
  std::string getDensity() const { return target.ends_with(".flow") ? target : ""; }
  std::string getMachine() const { return target.ends_with(".flow") ? "" : target; }
  bool isLibrary() const { return output.ends_with(".a") || output.ends_with(".so"); }
  /// Whether functions for C are asked for, and not what one kernel becomes.
  bool wantsFunctions() const {
    return !header.empty() || !parameters.empty() || !prefix.empty() || !functions.empty() || !condition.empty() ||
           isLibrary();
  }
};

/// Writes an object with functions for C, its header, and its parameters, as far as they are
/// asked for.
Expected<int> compileFunctions(const CompileCommandOptions &options);
/// Adds the options of that.
void addFunctionOptions(CLI::App &command, CompileCommandOptions &options);

/// A file that a command writes at its end: several of them all or none.
struct PendingFile {
  OutputFile file;
  std::string contents = {};
};
/// Standard output if there is no path.
Expected<PendingFile> openPending(const std::string &path);
Expected<void> writePending(std::vector<PendingFile> &files);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_COMPILE_H
