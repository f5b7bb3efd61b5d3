//===- FmaPeak.h - How fast this machine could be ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_FMAPEAK_H
#define FLOWC_TOOLS_FLOWC_FMAPEAK_H

#include "flowc/flowc.h"

namespace flowc::tool {

/// Fused multiply-adds that `threads` threads do together with the widest
/// vectors of the machine, measured now, in GFLOP/s (two operations each).
double measureFmaPeak(DType dtype, int threads);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_FMAPEAK_H
