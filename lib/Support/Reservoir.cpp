//===- Reservoir.cpp - A random choice of what streams by -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Reservoir.h"

#include "flowc/Support/Philox.h"

using namespace flowc;

/// A whole number below `bound` for item `index`.
static uint64_t randomBelow(uint64_t bound, uint64_t seed, uint64_t index) {
  constexpr uint32_t domain = 0x6b656570; // "keep": no other draw has it.
  auto word = philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), 0, domain},
                         {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  uint64_t random = static_cast<uint64_t>(word[0]) << 32 | word[1];
  return static_cast<uint64_t>(static_cast<unsigned __int128>(random) * bound >> 64);
}

int64_t Reservoir::placeNext() {
  auto index = seen++;
  if (index < capacity)
    return index;
  auto place = static_cast<int64_t>(randomBelow(static_cast<uint64_t>(index) + 1, seed, static_cast<uint64_t>(index)));
  return place < capacity ? place : -1;
}
