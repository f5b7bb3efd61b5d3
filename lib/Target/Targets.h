//===- Targets.h - The functions that Targets.def names ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TARGET_TARGETS_H
#define FLOWC_LIB_TARGET_TARGETS_H

#include "flowc/Target/TargetInfo.h"

namespace flowc {

#define FLOWC_TARGET(NAME) const TargetInfo &get##NAME##Target();
#include "Targets.def"

} // namespace flowc

#endif // FLOWC_LIB_TARGET_TARGETS_H
