//===- Triangular.cpp - Which coordinates depend on which -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Triangular.h"

#include <algorithm>

using namespace flowc;

Expected<void> Dependences::tryRow(const std::vector<double> &rows, const std::vector<double> &conditions,
                                   int64_t condDim, int64_t from, int64_t other, const RowMap &map) {
  std::vector<double> changed, condition;
  for (int64_t i = 0; i <= width; ++i) { // The last one stays as it is.
    changed.insert(changed.end(), rows.begin() + from * width, rows.begin() + (from + 1) * width);
    condition.insert(condition.end(), conditions.begin() + from * condDim, conditions.begin() + (from + 1) * condDim);
    if (i < width)
      changed[static_cast<size_t>(i * width + i)] = rows[static_cast<size_t>(other * width + i)];
  }
  auto z = map(changed, condition);
  if (!z)
    return z.takeError();
  for (int64_t x = 0; x < width; ++x)
    for (int64_t i = 0; i < width; ++i)
      if ((*z)[static_cast<size_t>(x * width + i)] != (*z)[static_cast<size_t>(width * width + i)])
        seen[static_cast<size_t>(i * width + x)] = true;
  return {};
}

Expected<Dependences> Dependences::find(const std::vector<double> &rows, const std::vector<double> &conditions,
                                        int64_t dim, int64_t condDim, const RowMap &map) {
  constexpr int64_t tries = 16; // An activation that is flat here is not so everywhere.
  auto count = static_cast<int64_t>(rows.size()) / dim;
  Dependences result(dim);
  for (int64_t i = 0; i < std::min(tries, count - 1); ++i) {
    int64_t from = i * (count - 1) / tries;
    if (auto ok = result.tryRow(rows, conditions, condDim, from, count - 1 - i, map); !ok)
      return ok.takeError();
  }
  return result;
}

std::vector<int64_t> Dependences::within(const std::vector<int64_t> &coordinates) const {
  std::vector<int64_t> result;
  for (int64_t z = 0; z < width; ++z) {
    int64_t all = 0, those = 0;
    for (int64_t x = 0; x < width; ++x)
      all += has(z, x);
    for (int64_t x : coordinates)
      those += has(z, x);
    if (all == those)
      result.push_back(z);
  }
  return result;
}

/// Takes, again and again, a z that depends on one coordinate that is left.
TriangularOrder flowc::findTriangularOrder(const Dependences &dependences) {
  const int64_t dim = dependences.dim();
  std::vector<int64_t> open(static_cast<size_t>(dim));
  std::vector<bool> taken(static_cast<size_t>(dim));
  for (int64_t z = 0; z < dim; ++z)
    for (int64_t x = 0; x < dim; ++x)
      open[static_cast<size_t>(z)] += dependences.has(z, x);
  TriangularOrder result{std::vector<int64_t>(static_cast<size_t>(dim)), {}};
  for (int64_t step = 0; step < dim; ++step) {
    auto next = std::find(open.begin(), open.end(), 1);
    if (next == open.end())
      return {};
    int64_t z = next - open.begin(), x = 0;
    while (taken[static_cast<size_t>(x)] || !dependences.has(z, x))
      ++x;
    result.coordinates[static_cast<size_t>(z)] = x;
    result.order.push_back(x);
    taken[static_cast<size_t>(x)] = true;
    for (int64_t other = 0; other < dim; ++other)
      open[static_cast<size_t>(other)] -= dependences.has(other, x);
  }
  return result;
}
