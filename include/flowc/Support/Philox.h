//===- Philox.h - Random words by number ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_PHILOX_H
#define FLOWC_SUPPORT_PHILOX_H

#include <array>
#include <cstdint>

namespace flowc {

/// Philox4x32-10 (Salmon et al. 2011): four random words for a counter and key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

} // namespace flowc

#endif // FLOWC_SUPPORT_PHILOX_H
