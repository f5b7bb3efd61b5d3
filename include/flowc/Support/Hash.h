//===- Hash.h - Whether data is the same ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_HASH_H
#define FLOWC_SUPPORT_HASH_H

#include <cstdint>

namespace flowc {

/// The hash of no bytes.
inline constexpr uint64_t kHashStart = 0xcbf29ce484222325ULL;
/// What a hash is multiplied by for each word: hash = (hash ^ word) * factor, then
/// hash ^= hash >> 32.
inline constexpr uint64_t kHashFactor = 0x100000001b3ULL;

/// Of what has the hash `hash` and these bytes behind it: FNV-1a over words of 64 bits,
/// the last one filled up with zeros. It tells whether data is the same as it was, not
/// whether somebody made other data on purpose. Bytes may come in parts of whole words.
uint64_t hashBytes(const void *bytes, int64_t count, uint64_t hash = kHashStart);

} // namespace flowc

#endif // FLOWC_SUPPORT_HASH_H
