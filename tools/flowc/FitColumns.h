//===- FitColumns.h - What flowc fit is told of columns ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_FITCOLUMNS_H
#define FLOWC_TOOLS_FLOWC_FITCOLUMNS_H

#include "Common.h"

#include "flowc/FitFile.h"

namespace flowc::tool {

/// What the command line says of columns.
struct ColumnOptions {
  std::map<std::string, ColumnBounds> bounds;
  std::map<std::string, ColumnKind> kinds;
  bool keepTies = false;
  MissingCells missing = MissingCells::Error;
  /// The same as words of a command line.
  std::string words;

  /// Adds --bounds, --ties, --missing, --categories and --columns-as.
  void add(CLI::App &command);
};

Expected<FitFile> describeFile(const DataOptions &data, const ColumnOptions &columns, uint64_t seed);

/// One line for each column that is more than real numbers, and for rows left out.
std::string describeColumns(const FitFile &file);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_FITCOLUMNS_H
