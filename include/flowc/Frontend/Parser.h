//===- Parser.h - Parser of the flow language -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_PARSER_H
#define FLOWC_FRONTEND_PARSER_H

#include "flowc/Frontend/AST.h"
#include "flowc/Frontend/Diagnostics.h"

namespace flowc {

/// Levels of brackets, calls and operators that may be nested.
inline constexpr unsigned maxNesting = 256;

/// Parses all items of a text. Names of items are unique and no names of the
/// language; names inside formulas are checked, names of constructors are not.
/// After a mistake it goes on with the next item.
ast::File parseSource(Diagnostics &diagnostics);
/// The same of a text without mistakes, or an error with all of them.
Expected<ast::File> parseSource(const SourceText &source);

/// The words that items begin with.
llvm::ArrayRef<llvm::StringRef> itemKeywords();

} // namespace flowc

#endif // FLOWC_FRONTEND_PARSER_H
