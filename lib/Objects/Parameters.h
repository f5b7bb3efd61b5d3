//===- Parameters.h - Parameters that objects get at run time ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A head of 64 bytes: four words of 64 bits, then zeros. Behind it, each leaf begins at a
// multiple of 64 bytes: floats in the element type of the object, permutations as int32.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_OBJECTS_PARAMETERS_H
#define FLOWC_LIB_OBJECTS_PARAMETERS_H

#include <cstdint>

namespace flowc {

/// Offsets of the words of the head: what the file is, of which flow, how many bytes it has,
/// and the hash of those behind the head.
inline constexpr int64_t kParametersMagic = 0, kParametersIdentity = 8, kParametersSize = 16, kParametersHash = 24;
inline constexpr int64_t kParametersHead = 64;
/// "flowcpr1", little-endian.
inline constexpr uint64_t kMagicOfParameters = 0x31727063776f6c66ULL;

} // namespace flowc

#endif // FLOWC_LIB_OBJECTS_PARAMETERS_H
