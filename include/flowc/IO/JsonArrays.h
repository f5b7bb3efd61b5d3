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

#include <string>
#include <vector>

namespace flowc {

/// A member of an object; `values` are finite and row-major.
struct JsonArray {
  std::string name;
  Shape shape;
  std::vector<double> values;
};

/// The names of the object in the file at `path`, in order.
Expected<std::vector<std::string>> readJsonNames(const std::string &path);

/// One member of it.
Expected<JsonArray> readJsonArray(const std::string &path, const std::string &name);

} // namespace flowc

#endif // FLOWC_IO_JSONARRAYS_H
