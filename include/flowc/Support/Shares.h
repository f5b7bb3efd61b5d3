//===- Shares.h - What each thread gets -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops that follow each other share alike what they go over, so that a thread finds in its
// cache what it has written.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_SHARES_H
#define FLOWC_SUPPORT_SHARES_H

#include <cstdint>
#include <utility>

namespace flowc {

/// Share number `share`, from 0, of `shares` of `count` things in a row: [first, second).
inline std::pair<int64_t, int64_t> getShare(int64_t count, int64_t share, int64_t shares) {
  return {count * share / shares, count * (share + 1) / shares};
}

} // namespace flowc

#endif // FLOWC_SUPPORT_SHARES_H
