//===- Features.h - What kernels use of a processor -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TARGET_FEATURES_H
#define FLOWC_LIB_TARGET_FEATURES_H

#include "llvm/ADT/StringRef.h"

namespace flowc {

/// Instruction sets that the code generator may use for arithmetic on its own.
/// Others that a processor's name implies (`pku`, `wbnoinvd`, ...) never appear
/// in kernels, and virtual machines often hide them.
bool isUsedByKernels(llvm::StringRef feature);

} // namespace flowc

#endif // FLOWC_LIB_TARGET_FEATURES_H
