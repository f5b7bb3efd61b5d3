//===- JsonArrays.h - Arrays in JSON files ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Data as Stan writes them: one object whose members are numbers, lists of numbers,
// or lists of such lists of equal lengths.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_JSONARRAYS_H
#define FLOWC_IO_JSONARRAYS_H

#include "flowc/Support/Expected.h"
#include "flowc/Support/Shape.h"

#include <memory>
#include <string>
#include <vector>

namespace flowc {

/// A member of an object; `values` are finite and row-major.
struct JsonArray {
  std::string name;
  Shape shape;
  std::vector<double> values;
};

/// The object in a file, parsed once. Cheap to copy.
class JsonArrays {
public:
  static Expected<JsonArrays> read(const std::string &path);
  /// The names of the members, in order.
  const std::vector<std::string> &names() const;
  /// One member. Errors: there is none of this name; it is no array of numbers.
  Expected<JsonArray> get(const std::string &name) const;

private:
  struct File;
  explicit JsonArrays(std::shared_ptr<const File> file) : file(std::move(file)) {}
  std::shared_ptr<const File> file;
};

} // namespace flowc

#endif // FLOWC_IO_JSONARRAYS_H
