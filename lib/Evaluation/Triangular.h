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

/// Which numbers of z = map(x) depend on which of x, as far as trying tells.
class Dependences {
public:
  /// One coordinate of a row changes to another row's value, and a z that does not depend on
  /// it stays the same to the bit. `rows` are row-major.
  static Expected<Dependences> find(const std::vector<double> &rows, const std::vector<double> &conditions, int64_t dim,
                                    int64_t condDim, const RowMap &map);

  int64_t dim() const { return width; }
  /// Whether z[z] was seen to depend on x[x].
  bool has(int64_t z, int64_t x) const { return seen[static_cast<size_t>(z * width + x)]; }
  /// Each z that depends on these coordinates at most.
  std::vector<int64_t> within(const std::vector<int64_t> &coordinates) const;

private:
  explicit Dependences(int64_t dim) : width(dim), seen(static_cast<size_t>(dim * dim)) {}
  Expected<void> tryRow(const std::vector<double> &rows, const std::vector<double> &conditions, int64_t condDim,
                        int64_t from, int64_t other, const RowMap &map);

  int64_t width;
  std::vector<bool> seen;
};

/// How a map from x to z is triangular: z[i] depends on coordinate `coordinates[i]` of x
/// and on those before it in `order` only. Both are empty if it is not.
struct TriangularOrder {
  std::vector<int64_t> coordinates, order;
};

/// Such an order.
TriangularOrder findTriangularOrder(const Dependences &dependences);

} // namespace flowc

#endif // FLOWC_LIB_EVALUATION_TRIANGULAR_H
