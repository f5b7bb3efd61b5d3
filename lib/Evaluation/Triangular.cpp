//===- Triangular.cpp - Which coordinates depend on which -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Triangular.h"

#include <algorithm>

using namespace flowc;

namespace {
/// Whether z[row] was seen to depend on x[column], row-major.
struct Dependences {
  explicit Dependences(int64_t dim) : dim(dim), seen(static_cast<size_t>(dim * dim)) {}
  auto at(int64_t z, int64_t x) { return seen[static_cast<size_t>(z * dim + x)]; }

  int64_t dim;
  std::vector<bool> seen;
};
} // namespace

/// Changes each coordinate of row `from` to what row `other` has there.
static Expected<void> addDependences(Dependences &result, const std::vector<double> &rows,
                                     const std::vector<double> &conditions, int64_t condDim, int64_t from,
                                     int64_t other, const RowMap &map) {
  const int64_t dim = result.dim;
  std::vector<double> changed, condition;
  for (int64_t i = 0; i <= dim; ++i) { // The last one stays as it is.
    changed.insert(changed.end(), rows.begin() + from * dim, rows.begin() + (from + 1) * dim);
    condition.insert(condition.end(), conditions.begin() + from * condDim, conditions.begin() + (from + 1) * condDim);
    if (i < dim)
      changed[static_cast<size_t>(i * dim + i)] = rows[static_cast<size_t>(other * dim + i)];
  }
  auto z = map(changed, condition);
  if (!z)
    return z.takeError();
  for (int64_t x = 0; x < dim; ++x)
    for (int64_t i = 0; i < dim; ++i)
      if ((*z)[static_cast<size_t>(x * dim + i)] != (*z)[static_cast<size_t>(dim * dim + i)])
        result.at(i, x) = true;
  return {};
}

/// Takes, again and again, a z that depends on one coordinate that is left.
static TriangularOrder order(Dependences dependences) {
  const int64_t dim = dependences.dim;
  std::vector<int64_t> open(static_cast<size_t>(dim));
  for (int64_t z = 0; z < dim; ++z)
    for (int64_t x = 0; x < dim; ++x)
      open[static_cast<size_t>(z)] += dependences.at(z, x);
  TriangularOrder result{std::vector<int64_t>(static_cast<size_t>(dim)), {}};
  for (int64_t step = 0; step < dim; ++step) {
    auto next = std::find(open.begin(), open.end(), 1);
    if (next == open.end())
      return {};
    int64_t z = next - open.begin(), x = 0;
    while (!dependences.at(z, x))
      ++x;
    result.coordinates[static_cast<size_t>(z)] = x;
    result.order.push_back(x);
    for (int64_t other = 0; other < dim; ++other)
      if (dependences.at(other, x)) {
        dependences.at(other, x) = false;
        --open[static_cast<size_t>(other)];
      }
  }
  return result;
}

Expected<TriangularOrder> flowc::findTriangularOrder(const std::vector<double> &rows,
                                                     const std::vector<double> &conditions, int64_t dim,
                                                     int64_t condDim, const RowMap &map) {
  constexpr int64_t tries = 16; // An activation that is flat here is not so everywhere.
  auto count = static_cast<int64_t>(rows.size()) / dim;
  Dependences dependences(dim);
  for (int64_t i = 0; i < std::min(tries, count - 1); ++i) {
    int64_t from = i * (count - 1) / tries;
    if (auto ok = addDependences(dependences, rows, conditions, condDim, from, count - 1 - i, map); !ok)
      return ok.takeError();
  }
  return order(std::move(dependences));
}
