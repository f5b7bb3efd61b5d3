//===- Format.h - Numbers as people write them ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_FORMAT_H
#define FLOWC_SUPPORT_FORMAT_H

#include <string>

namespace flowc {

/// A number as a person would write it.
std::string formatNumber(double value);

} // namespace flowc

#endif // FLOWC_SUPPORT_FORMAT_H
