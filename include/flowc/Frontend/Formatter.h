//===- Formatter.h - The layout of texts ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One layout for all texts. Tokens and comments stay as they are, so that the meaning
// does; a line break behind `=`, `in` or an opening bracket is the author's and stays, all
// others are the formatter's.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_FORMATTER_H
#define FLOWC_FRONTEND_FORMATTER_H

#include "flowc/Support/Expected.h"

#include <string>
#include <string_view>

namespace flowc {

/// `text` in that layout; an error with the mistakes of a text that has some.
Expected<std::string> formatText(std::string_view text, std::string_view file = "<text>");

} // namespace flowc

#endif // FLOWC_FRONTEND_FORMATTER_H
