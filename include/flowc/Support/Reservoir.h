//===- Reservoir.h - A random choice of what streams by ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_RESERVOIR_H
#define FLOWC_SUPPORT_RESERVOIR_H

#include <cstdint>

namespace flowc {

/// Keeps `capacity` items of a stream (J. S. Vitter's algorithm R): every item is kept with
/// the same probability, however many there will be. Which ones is a function of the seed.
class Reservoir {
public:
  Reservoir(int64_t capacity, uint64_t seed) : capacity(capacity), seed(seed) {}

  /// Where the next item belongs: behind the last of those kept, or in the place of one of
  /// them, or nowhere (-1).
  int64_t placeNext();

private:
  int64_t capacity;
  uint64_t seed;
  int64_t seen = 0;
};

} // namespace flowc

#endif // FLOWC_SUPPORT_RESERVOIR_H
