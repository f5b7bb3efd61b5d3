//===- Source.h - Text with places to report at -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_SOURCE_H
#define FLOWC_FRONTEND_SOURCE_H

#include "flowc/Frontend/Node.h"
#include "flowc/Support/Expected.h"
#include "flowc/Support/Format.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"

#include <string>
#include <vector>

namespace flowc {

/// A copy of the text of one file. Everything parsed from it points into it.
class SourceText {
public:
  SourceText(llvm::StringRef text, llvm::StringRef file);

  llvm::StringRef buffer() const;
  /// Line and column (in characters) of a place in the buffer.
  SourceLocation locate(llvm::SMLoc where) const;
  /// `FILE:LINE:COL: error: message`, the line and a caret below the place.
  Error error(llvm::SMLoc where, const llvm::Twine &message) const;

private:
  /// Characters of the text before a byte.
  unsigned countCharacters(size_t byte) const;

  llvm::SourceMgr sources;
  std::string file;
  /// Where lines begin, and how many characters stand before every kBlock-th byte: every
  /// object of a text is located, and a text may be one long line.
  static constexpr size_t kBlock = 1024;
  std::vector<size_t> lineStarts;
  std::vector<unsigned> characters;
};

/// The candidate that `word` was probably meant to be, or an empty string.
/// FlowJAX's class names (`SoftPlus`) count as their snake_case form.
llvm::StringRef nearestName(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> candidates);

/// "; did you mean `NAME`?" if a candidate is near, else an empty string.
std::string suggestion(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace flowc

#endif // FLOWC_FRONTEND_SOURCE_H
