//===- DataReader.h - Reads data items ------------------------ -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_DATAREADER_H
#define FLOWC_LIB_FRONTEND_DATAREADER_H

#include "flowc/Frontend/AST.h"
#include "flowc/Frontend/Data.h"
#include "flowc/Frontend/Diagnostics.h"
#include "flowc/IO/JsonArrays.h"

#include <map>

namespace flowc {

/// Reads arrays from the files that the `data` items of one text name. Paths are
/// relative to the folder of that text's file. What has been read is kept.
class DataReader {
public:
  using Array = std::shared_ptr<const DataArray>;

  /// `fileName` is the file that the text was read from.
  DataReader(Diagnostics &diagnostics, const ast::File &file, llvm::StringRef fileName);

  /// The data item called `name`, or null.
  const ast::Item *find(llvm::StringRef name) const;
  /// All of the array `item`: a vector if it has one column, else a matrix. Null if it
  /// cannot be read, which is reported.
  Array readArray(const ast::Item &item);
  /// The same of a column of the table `item`, which is asked for at `where`.
  Array readColumn(const ast::Item &item, llvm::StringRef column, llvm::SMLoc where);

private:
  std::string getPath(const ast::Item &item) const;
  /// `name` is that of the array; an empty `column` asks for all columns.
  Array read(const ast::Item &item, const std::string &name, llvm::StringRef column, llvm::SMLoc where);

  /// The arrays of a JSON file, parsed at the first use.
  Expected<JsonArrays> openJson(const std::string &path);
  /// The names of the columns, or members, of a file.
  Expected<std::vector<std::string>> readNames(const std::string &path);

  Array fail(llvm::SMLoc where, const llvm::Twine &message) {
    diagnostics.report(where, message);
    return nullptr;
  }

  Diagnostics &diagnostics;
  const ast::File &file;
  std::string folder;
  std::map<std::string, Array> known;
  std::map<std::string, JsonArrays> jsonFiles;
};

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_DATAREADER_H
