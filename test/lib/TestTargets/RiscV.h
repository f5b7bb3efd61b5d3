//===- RiscV.h - A target that only tests have ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_LIB_TESTTARGETS_RISCV_H
#define FLOWC_TEST_LIB_TESTTARGETS_RISCV_H

#include "flowc/Target/TargetInfo.h"

namespace flowc {

const TargetInfo &getRiscVTarget();

} // namespace flowc

#endif // FLOWC_TEST_LIB_TESTTARGETS_RISCV_H
