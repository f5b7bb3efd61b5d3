//===- WithType.h - Code for the element type of a model --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_WITHTYPE_H
#define FLOWC_SUPPORT_WITHTYPE_H

#include "flowc/Support/DType.h"

namespace flowc {

/// Calls `function`, a lambda with a template parameter, for the type of numbers that
/// `dtype` stands for: `withType(dtype, [&]<typename T>() { return f<T>(x); })`.
template <typename Function>
auto withType(DType dtype, Function &&function) {
  return dtype == F32 ? function.template operator()<float>() : function.template operator()<double>();
}

} // namespace flowc

#endif // FLOWC_SUPPORT_WITHTYPE_H
