//===- FloatState.h - How kernels compute with floats -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a processor's control register holds while kernels run: round to nearest, no traps,
// subnormal numbers read and written as zero.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_RUNTIME_FLOATSTATE_H
#define FLOWC_RUNTIME_FLOATSTATE_H

#include <cstdint>

namespace flowc {

/// MXCSR: all exceptions masked, FTZ, DAZ.
inline constexpr uint32_t kFloatStateOfX86 = 0x9fc0;
/// FPCR: FZ, and nothing else.
inline constexpr uint64_t kFloatStateOfAArch64 = 1u << 24;

} // namespace flowc

#endif // FLOWC_RUNTIME_FLOATSTATE_H
