//===- Data.h - Arrays that densities read -------------------- -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `data` items name files; densities read vectors and matrices from them. Arrays
// are arguments of a compiled density, so that neither code nor compile time grows
// with them.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_DATA_H
#define FLOWC_FRONTEND_DATA_H

#include "flowc/Support/Expected.h"
#include "flowc/Support/Shape.h"

#include <string>
#include <string_view>
#include <vector>

namespace flowc {

struct Node;

/// An array of numbers that a density reads.
struct DataArray {
  /// What it is called in the text, e.g. `kid.mom_iq`.
  std::string name;
  /// A number, a vector, or a matrix with the rows first.
  Shape shape;
  /// Whether these are positions in a vector, from 0: 32-bit integers to kernels.
  bool isPositions = false;
  /// Row-major; finite.
  std::vector<double> values;
};

/// The arrays that `density`, a node of that category, reads, in the order in which
/// its function takes them.
std::vector<const DataArray *> getDataArrays(const Node &density);

/// The other arrays that `density` depends on: positions were computed from them when it
/// was parsed.
std::vector<const DataArray *> getPositionSources(const Node &density);

/// The names of the columns, or of the arrays, of the file that a text in `textFile` calls
/// `path`.
Expected<std::vector<std::string>> readDataColumns(std::string_view path, std::string_view textFile);

/// All that the code of `density` takes from its data: shapes, and positions of single
/// elements and ends of slices that were computed from them. For keys of caches.
std::string describeCompiledData(const Node &density);

} // namespace flowc

#endif // FLOWC_FRONTEND_DATA_H
