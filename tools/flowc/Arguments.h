//===- Arguments.h - What holds of the arguments of any command -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_ARGUMENTS_H
#define FLOWC_TOOLS_FLOWC_ARGUMENTS_H

#include "flowc/Support/Expected.h"

#include <CLI/CLI.hpp>

#include <span>

namespace flowc::tool {

/// Marks an option as the name of a file that the command writes.
CLI::Option *markOutput(CLI::Option *option);
/// Marks an option as the name of a file that may be one of the command's outputs, too: it
/// is read whole before they are written.
CLI::Option *markReplaceable(CLI::Option *option);

/// What is said behind the name of an option that has an empty value.
inline constexpr const char *kEmptyValue = "is given, but its value is empty: leave it out, or say what it is";

/// Checks the command that was chosen of `arguments`: no value, and no part of a list, is
/// empty, and no output is an input or another output, under whatever name.
Expected<void> checkArguments(const CLI::App &app, std::span<const char *const> arguments);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_ARGUMENTS_H
