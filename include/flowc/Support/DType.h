//===- DType.h - Element types ----------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_DTYPE_H
#define FLOWC_SUPPORT_DTYPE_H

namespace flowc {

/// Element type of parameters, data and arithmetic.
enum DType { F32, F64 };

} // namespace flowc

#endif // FLOWC_SUPPORT_DTYPE_H
