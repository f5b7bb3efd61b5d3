//===- Print.h - printf into a string ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_PRINT_H
#define FLOWC_SUPPORT_PRINT_H

#include <string>

namespace flowc {

/// Like printf, into a string: for numbers; texts of users, which may be long, are added to it.
/// At most 511 characters.
__attribute__((format(printf, 1, 2))) std::string print(const char *format, ...);

} // namespace flowc

#endif // FLOWC_SUPPORT_PRINT_H
