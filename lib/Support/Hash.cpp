//===- Hash.cpp - Whether data is the same --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Hash.h"

#include <algorithm>
#include <cstring>

uint64_t flowc::hashBytes(const void *bytes, int64_t count, uint64_t hash) {
  const auto *from = static_cast<const char *>(bytes);
  for (int64_t i = 0; i < count; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, from + i, static_cast<size_t>(std::min<int64_t>(8, count - i)));
    hash = (hash ^ word) * kHashFactor;
    hash ^= hash >> 32;
  }
  return hash;
}
