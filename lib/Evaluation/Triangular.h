//===- Triangular.h - Which coordinates depend on which ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EVALUATION_TRIANGULAR_H
#define FLOWC_LIB_EVALUATION_TRIANGULAR_H

#include "flowc/Support/Expected.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace flowc {

/// Maps row-major rows, under conditions, to rows of equal width.
using RowMap = std::function<Expected<std::vector<double>>(const std::vector<double> &, const std::vector<double> &)>;

/// How a map from x to z is triangular: z[i] depends on coordinate `coordinates[i]` of x
/// and on those before it in `order` only. Both are empty if it is not.
struct TriangularOrder {
  std::vector<int64_t> coordinates, order;
};

/// Finds such an order by trying: one coordinate of a row changes to another row's value, and a
/// z that does not depend on it stays the same to the bit. `rows` are row-major.
Expected<TriangularOrder> findTriangularOrder(const std::vector<double> &rows, const std::vector<double> &conditions,
                                              int64_t dim, int64_t condDim, const RowMap &map);

} // namespace flowc

#endif // FLOWC_LIB_EVALUATION_TRIANGULAR_H
