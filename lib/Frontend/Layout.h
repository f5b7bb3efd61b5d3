//===- Layout.h - Text that breaks where it must ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tree of text and of places where lines may break (Wadler, "A prettier printer"): a
// group is one line if it fits, else all places directly inside of it break; those of a
// fill break one by one.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_LAYOUT_H
#define FLOWC_LIB_FRONTEND_LAYOUT_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace flowc::layout {

/// A part of a text.
struct Part {
  enum class Kind : uint8_t {
    Text,
    Comment, ///< Ends its line; on a line of its own unless `isTrailing`.
    Break,   ///< A line's end, or `text` if its group is one line.
    Group,
    Fill,   ///< `parts` are contents and breaks by turns.
    Indent, ///< Lines that begin in it stand further right.
  };
  Kind kind = Kind::Text;
  llvm::StringRef text;
  std::vector<Part> parts;
  /// Of a text: an empty line stands before it if it begins a line.
  bool hasBlankBefore = false;
  bool isTrailing = false;
  /// Of a group: is not one line, wherever it stands.
  bool isBroken = false;
  /// Characters in one line; `kNever` if there is none.
  size_t width = 0;

  static constexpr size_t kNever = size_t(1) << 40;
};

Part text(llvm::StringRef text, bool hasBlankBefore = false);
Part comment(llvm::StringRef text, bool isTrailing, bool hasBlankBefore);
Part lineBreak(llvm::StringRef instead);
Part collect(Part::Kind kind, std::vector<Part> parts, bool isBroken = false);

/// The text of `parts`, one behind the other, with lines of up to `columns` characters
/// where that can be.
std::string print(const std::vector<Part> &parts, size_t columns);

} // namespace flowc::layout

#endif // FLOWC_LIB_FRONTEND_LAYOUT_H
