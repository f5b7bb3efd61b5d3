//===- Clock.h - How long things take ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_CLOCK_H
#define FLOWC_SUPPORT_CLOCK_H

#include <chrono>

namespace flowc {

/// Never goes back.
using Clock = std::chrono::steady_clock;

inline double toSeconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }
inline double secondsSince(Clock::time_point start) { return toSeconds(Clock::now() - start); }

} // namespace flowc

#endif // FLOWC_SUPPORT_CLOCK_H
