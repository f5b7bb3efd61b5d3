//===- CheckedText.h - What is known of a text ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A text as editors and formatters see it: with its mistakes, and what can be said of it
// all the same.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_CHECKEDTEXT_H
#define FLOWC_FRONTEND_CHECKEDTEXT_H

#include "flowc/Frontend/AST.h"
#include "flowc/Frontend/Diagnostics.h"

#include <memory>
#include <stop_token>

namespace flowc {

/// A text and what its items define.
struct CheckedText {
  std::shared_ptr<const SourceText> source;
  ast::File file;
  /// What each item defines; null for data and objectives, and where there is a mistake.
  std::vector<NodePtr> roots;
  /// In the order of the text.
  std::vector<Diagnostic> mistakes;
  /// All of them as one message.
  Error error;
};

/// Checks all items of `text`, but reads no data: of a density that does, shapes are not
/// checked. Once a stop is requested, the items that are left are not looked at.
CheckedText checkText(std::string_view text, std::string_view file, std::stop_token stop = {});

} // namespace flowc

#endif // FLOWC_FRONTEND_CHECKEDTEXT_H
