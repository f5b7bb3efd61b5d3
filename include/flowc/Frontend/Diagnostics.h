//===- Diagnostics.h - All mistakes of a text -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The front end goes on after a mistake: it reports each here, at its place, and what
// depends on something mistaken is not judged.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_DIAGNOSTICS_H
#define FLOWC_FRONTEND_DIAGNOSTICS_H

#include "flowc/Frontend/Source.h"

#include <vector>

namespace flowc {

/// One mistake, at the token that it is about.
struct Diagnostic {
  llvm::SMLoc where;
  std::string message;
};

/// What an editor underlines for a message at `where`: the token there, of a list all of
/// it. Empty at the end of the text.
llvm::SMRange findRange(const SourceText &source, llvm::SMLoc where);

/// Collects the mistakes of one text.
class Diagnostics {
public:
  explicit Diagnostics(const SourceText &source) : source(source) {}

  /// Mistakes that are kept: who has more writes something else than a flow.
  static constexpr size_t kMost = 200;
  /// Mistakes that one message shows, and bytes after which it shows no other.
  static constexpr size_t kMostShown = 20, kLongest = 6000;

  const SourceText &text() const { return source; }
  /// Records a mistake; the same at the same place counts once.
  void report(llvm::SMLoc where, const llvm::Twine &message);
  bool hasErrors() const { return !mistakes.empty(); }
  size_t count() const { return mistakes.size(); }
  /// Whether it is no use to look for more.
  bool isFull() const { return mistakes.size() >= kMost; }
  /// The mistakes in the order of the text.
  std::vector<Diagnostic> take() const;
  /// One message of the first mistakes, each with its line, and how many more there are.
  Error makeError() const;

private:
  const SourceText &source;
  std::vector<Diagnostic> mistakes;
};

} // namespace flowc

#endif // FLOWC_FRONTEND_DIAGNOSTICS_H
