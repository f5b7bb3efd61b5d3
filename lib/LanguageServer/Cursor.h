//===- Cursor.h - What stands before a cursor -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_LANGUAGESERVER_CURSOR_H
#define FLOWC_LIB_LANGUAGESERVER_CURSOR_H

#include "flowc/Frontend/Lexer.h"
#include "flowc/LanguageServer/Document.h"

#include <memory>
#include <optional>

namespace flowc::editor {

/// A bracket that is open at a cursor.
struct OpenBracket {
  Token token;
  /// What is called; empty for a list or a bracket of a formula.
  llvm::StringRef callee;
  /// Commas in it before the cursor.
  size_t position = 0;
  /// The name of the argument that the cursor is in, if it has one, and those of all.
  llvm::StringRef name;
  std::vector<llvm::StringRef> names;
};

/// The tokens of a text up to a cursor, and what they are part of. Knows nothing of what
/// stands behind the cursor.
class Cursor {
public:
  /// `reach`: whether the cursor is behind the word that it is in, or else where it is.
  Cursor(const Document &document, size_t offset);

  /// Whether anything can be suggested: not in a comment or in quotes.
  bool isInText = true;
  /// The word that is being written, which `tokens` do not hold.
  llvm::StringRef word;
  /// All tokens before it.
  std::vector<Token> tokens;
  /// Those of the item that the cursor is in, from its keyword on.
  llvm::ArrayRef<Token> item;
  /// The outermost one first.
  std::vector<OpenBracket> brackets;
  /// Where the item's `=` is, in `item`; nothing in its head.
  std::optional<size_t> assign;

  /// Whether the item is one with a formula (or would be), and the cursor is in that.
  bool isInFormula() const;
  /// Where the text begins that the tokens point into.
  const char *tokensBegin() const { return source->buffer().begin(); }
  /// The token before the word, an end of file if there is none.
  Token before() const { return tokens.empty() ? Token() : tokens.back(); }
  /// Whether a value can begin here.
  bool expectsValue() const;

private:
  void findItem();
  void findBrackets();

  std::unique_ptr<SourceText> source;
};

/// The word at a byte of a document, or nothing: where it is, and where in its item.
std::optional<llvm::SMRange> findWord(const SourceText &source, size_t offset);

/// Whether two tokens begin an item.
bool beginsItem(const Token &keyword, const Token *next);

} // namespace flowc::editor

#endif // FLOWC_LIB_LANGUAGESERVER_CURSOR_H
