//===- TokenStream.h - Tokens with one of lookahead -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_TOKENSTREAM_H
#define FLOWC_LIB_FRONTEND_TOKENSTREAM_H

#include "flowc/Frontend/AST.h"
#include "flowc/Frontend/Diagnostics.h"
#include "flowc/Frontend/Lexer.h"
#include "flowc/Frontend/Parser.h"

namespace flowc {

/// The current token. Parsing functions return false once what they parse is not of the
/// language; the first reason is reported, and nothing more until the stream is rewound.
class TokenStream {
public:
  explicit TokenStream(Diagnostics &diagnostics) : diagnostics(diagnostics), lexer(diagnostics.text()) { advance(); }

  const Token &current() const { return token; }
  bool at(Token::Kind kind) const { return token.is(kind); }

  /// Takes the current token.
  Token take() {
    Token taken = token;
    advance();
    return taken;
  }

  /// Takes the current token if it is of this kind.
  bool accept(Token::Kind kind) {
    if (!at(kind))
      return false;
    advance();
    return true;
  }

  bool fail(llvm::SMLoc where, const llvm::Twine &message) {
    if (!isBroken)
      diagnostics.report(where, message);
    isBroken = true;
    return false;
  }

  /// "expected ..., found ..." at the current token.
  bool failExpected(const llvm::Twine &expected, const llvm::Twine &hint = "") {
    llvm::StringRef unquoted = token.is(Token::Kind::String) ? "; names stand without quotes" : "";
    return fail(token.loc(), "expected " + expected + ", found " + token.describe() + hint + unquoted);
  }

  bool expect(Token::Kind kind, const llvm::Twine &context) {
    return accept(kind) || failExpected(spelling(kind) + context);
  }

  /// As `expect`, for the bracket that closes the one at `open`.
  bool expectClosing(Token::Kind kind, llvm::SMLoc open, const llvm::Twine &alternative) {
    if (accept(kind))
      return true;
    if (at(Token::Kind::EndOfFile))
      return fail(open, "this bracket is never closed: expected " + spelling(kind) + " before the end of the file");
    return failExpected(alternative + spelling(kind));
  }

  /// Whether there is no text at all behind what was reported.
  bool isUnreadable() const { return lexer.isUnreadable(); }
  /// Goes back to where a token begins; from there on, mistakes are reported again.
  void rewind(const char *start) {
    lexer = Lexer(diagnostics.text(), start);
    isBroken = false;
    advance();
  }

  /// Where the last token that was taken ends.
  const char *lastEnd() const { return end; }

private:
  void advance() {
    end = token.text.end() + token.is(Token::Kind::String);
    token = lexer.next();
    if (at(Token::Kind::Error))
      fail(token.loc(), lexer.reason());
  }

  Diagnostics &diagnostics;
  Lexer lexer;
  Token token;
  const char *end = nullptr;
  bool isBroken = false;
};

/// Counts nested brackets while it lives.
class Nesting {
public:
  explicit Nesting(unsigned &depth) : depth(depth) { ++depth; }
  ~Nesting() { --depth; }
  Nesting(const Nesting &) = delete;

  bool tooDeep() const { return depth > maxNesting; }

private:
  unsigned &depth;
};

/// Parses the formula at the current token (MathParser.cpp).
bool parseMath(TokenStream &tokens, ast::MathExpr &result);

/// Parses a number with an optional sign; `what` names it in messages.
/// `integral`, if given, tells whether it was written as a whole number.
bool parseSignedNumber(TokenStream &tokens, double &value, const llvm::Twine &what, bool *integral = nullptr);

/// Checks that every name in the formula of `item` is defined, in the formula or as
/// data among the items of `earlier`, and used as what it is (MathCheck.cpp). False if
/// the formula cannot be used: it has mistakes, or uses data that have.
bool checkFormula(Diagnostics &diagnostics, const ast::File &earlier, const ast::Item &item);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_TOKENSTREAM_H
