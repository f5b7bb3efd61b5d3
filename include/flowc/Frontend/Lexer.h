//===- Lexer.h - Tokens of the flow language --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_LEXER_H
#define FLOWC_FRONTEND_LEXER_H

#include "flowc/Frontend/Source.h"

#include <string>

namespace flowc {

/// A word, a number, a string or a sign.
struct Token {
  enum class Kind {
    EndOfFile,
    Error, ///< Not a token; the lexer says why.
    Word,
    Number,
    String, ///< Text in double quotes, which its `text` has not.
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    Dot,
    Semicolon,
    Assign,
    Plus,
    Minus,
    Star,
    Slash,
    Caret,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
  };
  Kind kind = Kind::EndOfFile;
  llvm::StringRef text;
  /// Of a number: its value, and whether it was written without `.` and `e`.
  double number = 0;
  bool integral = false;

  bool is(Kind other) const { return kind == other; }
  bool isWord(llvm::StringRef word) const { return kind == Kind::Word && text == word; }
  /// Where it begins: of a string the quotes.
  llvm::SMLoc loc() const { return llvm::SMLoc::getFromPointer(text.data() - is(Kind::String)); }
  /// For messages: "`foo`", "the number 3", "the end of the file".
  std::string describe() const;
};

/// What a kind of token looks like in messages, e.g. "`)`".
llvm::StringRef spelling(Token::Kind kind);

/// Cuts a text into tokens; comments run from `#` to the end of the line.
class Lexer {
public:
  /// Starts at the beginning. What is no text at all, or too long, has one token: an `Error`.
  explicit Lexer(const SourceText &source);
  /// Starts at a token of a text that can be read.
  Lexer(const SourceText &source, const char *start) : cursor(start), end(source.buffer().end()) {}

  /// The next token; `EndOfFile` again and again at the end. Behind an `Error` the text
  /// goes on.
  Token next();
  /// The reason for the last `Error` token.
  const std::string &reason() const { return message; }
  /// Whether the text cannot be cut into tokens.
  bool isUnreadable() const { return unreadable != nullptr; }

private:
  /// An `Error` at `where`, after which the text goes on at `resume`.
  Token fail(const char *where, const llvm::Twine &reason, const char *resume);
  Token make(Token::Kind kind, size_t length);
  Token lexNumber();
  Token lexString();
  /// A character that starts no token, with a guess at what was meant.
  Token lexStranger();
  /// Finds the first byte that is not text.
  const char *findNonText() const;
  void refuse(const char *where, const llvm::Twine &reason);

  const char *cursor;
  const char *end;
  std::string message;
  /// Where a text is not one.
  const char *unreadable = nullptr;
};

} // namespace flowc

#endif // FLOWC_FRONTEND_LEXER_H
