//===- Lexer.cpp - Tokens of the flow language ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Lexer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"

#include <charconv>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

/// Larger files are refused: no flow is that long, and syntax trees are some
/// fifty times as large as their text.
static constexpr size_t maxFileSize = size_t(16) << 20;

std::string Token::describe() const {
  switch (kind) {
  case Kind::EndOfFile:
    return "the end of the file";
  case Kind::Number:
    return "the number " + text.substr(0, 40).str();
  case Kind::String:
    return "`\"" + text.substr(0, 60).str() + "\"`";
  default:
    return "`" + text.substr(0, 60).str() + "`";
  }
}

StringRef spelling(Token::Kind kind) {
  switch (kind) {
  case Token::Kind::EndOfFile:
    return "the end of the file";
  case Token::Kind::Word:
    return "a name";
  case Token::Kind::Number:
    return "a number";
  case Token::Kind::String:
    return "a text in double quotes";
  case Token::Kind::LeftParen:
    return "`(`";
  case Token::Kind::RightParen:
    return "`)`";
  case Token::Kind::LeftBracket:
    return "`[`";
  case Token::Kind::RightBracket:
    return "`]`";
  case Token::Kind::Comma:
    return "`,`";
  case Token::Kind::Colon:
    return "`:`";
  case Token::Kind::Dot:
    return "`.`";
  case Token::Kind::Semicolon:
    return "`;`";
  case Token::Kind::Assign:
    return "`=`";
  default:
    return "an operator";
  }
}

Lexer::Lexer(const SourceText &source) : cursor(source.buffer().begin()), end(source.buffer().end()) {
  if (source.buffer().size() > maxFileSize) {
    refuse(cursor, "the file is larger than " + Twine(maxFileSize >> 20) + " MiB");
    return;
  }
  if (source.buffer().starts_with("\xEF\xBB\xBF"))
    cursor += 3; // a byte order mark
  if (const char *bad = findNonText())
    refuse(bad, *bad == 0
                    ? Twine("the file holds a NUL byte: it is not text")
                    : "the file is not UTF-8 text (byte 0x" + Twine::utohexstr(static_cast<unsigned char>(*bad)) + ")");
}

const char *Lexer::findNonText() const {
  for (const char *c = cursor; c != end;) {
    if (*c == 0)
      return c;
    auto *at = reinterpret_cast<const llvm::UTF8 *>(c);
    if (!llvm::isLegalUTF8Sequence(at, reinterpret_cast<const llvm::UTF8 *>(end)))
      return c;
    c += llvm::getNumBytesForUTF8(*at);
  }
  return nullptr;
}

void Lexer::refuse(const char *where, const Twine &reason) {
  unreadable = where;
  message = reason.str();
}

Token Lexer::fail(const char *where, const Twine &reason, const char *resume) {
  message = reason.str();
  Token token;
  token.kind = Token::Kind::Error;
  token.text = StringRef(where, 0);
  cursor = resume;
  return token;
}

Token Lexer::make(Token::Kind kind, size_t length) {
  Token token;
  token.kind = kind;
  token.text = StringRef(cursor, length);
  cursor += length;
  return token;
}

Token Lexer::next() {
  if (unreadable)
    return fail(unreadable, message, end);
  while (cursor != end && (llvm::isSpace(*cursor) || *cursor == '#')) {
    if (*cursor == '#')
      while (cursor != end && *cursor != '\n')
        ++cursor;
    else
      ++cursor;
  }
  if (cursor == end)
    return make(Token::Kind::EndOfFile, 0);

  if (llvm::isAlpha(*cursor) || *cursor == '_') {
    size_t length = 1;
    while (cursor + length != end && (llvm::isAlnum(cursor[length]) || cursor[length] == '_'))
      ++length;
    return make(Token::Kind::Word, length);
  }
  bool pointAndDigit = *cursor == '.' && cursor + 1 != end && llvm::isDigit(cursor[1]);
  if (llvm::isDigit(*cursor) || pointAndDigit)
    return lexNumber();
  if (*cursor == '"')
    return lexString();

  StringRef pair(cursor, std::min<size_t>(2, end - cursor));
  auto twoCharacters = llvm::StringSwitch<Token::Kind>(pair)
                           .Case("<=", Token::Kind::LessEqual)
                           .Case(">=", Token::Kind::GreaterEqual)
                           .Case("==", Token::Kind::Equal)
                           .Case("!=", Token::Kind::NotEqual)
                           .Default(Token::Kind::Error);
  if (twoCharacters != Token::Kind::Error)
    return make(twoCharacters, 2);
  auto oneCharacter = llvm::StringSwitch<Token::Kind>(pair.take_front(1))
                          .Case("(", Token::Kind::LeftParen)
                          .Case(")", Token::Kind::RightParen)
                          .Case("[", Token::Kind::LeftBracket)
                          .Case("]", Token::Kind::RightBracket)
                          .Case(",", Token::Kind::Comma)
                          .Case(":", Token::Kind::Colon)
                          .Case(".", Token::Kind::Dot)
                          .Case(";", Token::Kind::Semicolon)
                          .Case("=", Token::Kind::Assign)
                          .Case("+", Token::Kind::Plus)
                          .Case("-", Token::Kind::Minus)
                          .Case("*", Token::Kind::Star)
                          .Case("/", Token::Kind::Slash)
                          .Case("^", Token::Kind::Caret)
                          .Case("<", Token::Kind::Less)
                          .Case(">", Token::Kind::Greater)
                          .Default(Token::Kind::Error);
  return oneCharacter == Token::Kind::Error ? lexStranger() : make(oneCharacter, 1);
}

Token Lexer::lexNumber() {
  const char *c = cursor;
  bool integral = true;
  auto skipDigits = [&] {
    while (c != end && llvm::isDigit(*c))
      ++c;
  };
  skipDigits();
  if (c != end && *c == '.') {
    integral = false;
    ++c;
    skipDigits();
  }
  if (c != end && (*c == 'e' || *c == 'E')) {
    const char *exponent = c + 1;
    if (exponent != end && (*exponent == '+' || *exponent == '-'))
      ++exponent;
    if (exponent != end && llvm::isDigit(*exponent)) {
      integral = false;
      c = exponent;
      skipDigits();
    }
  }
  StringRef text(cursor, c - cursor);
  StringRef shown = text.substr(0, 40);
  auto goesOn = [&](const char *at) { return at != end && (llvm::isAlnum(*at) || *at == '_' || *at == '.'); };
  if (goesOn(c)) {
    const char *rest = c;
    while (goesOn(rest))
      ++rest;
    return fail(c, "unexpected `" + Twine(*c) + "` in the number " + shown, rest);
  }
  double value = 0;
  auto [stop, status] = std::from_chars(text.begin(), text.end(), value);
  if (status != std::errc() || stop != text.end())
    return fail(cursor, "the number " + shown + " is out of the range of float64", c);
  Token token = make(Token::Kind::Number, text.size());
  token.number = value;
  token.integral = integral;
  return token;
}

Token Lexer::lexString() {
  const char *close = cursor + 1;
  while (close != end && *close != '"' && *close != '\n')
    ++close;
  if (close == end || *close == '\n')
    return fail(cursor, "this text in quotes never ends: expected `\"` in the same line", close);
  ++cursor;
  Token token = make(Token::Kind::String, close - cursor);
  ++cursor;
  return token;
}

Token Lexer::lexStranger() {
  // What editors, keyboards and other languages put for the right sign.
  static constexpr struct {
    StringRef sign, instead;
  } strangers[] = {
      {"\xE2\x88\x92", "`-`"},  {"\xE2\x80\x93", "`-`"},        {"\xC3\x97", "`*`"},
      {"\xC2\xB7", "`*`"},      {"\xE2\x89\xA4", "`<=`"},       {"\xE2\x89\xA5", "`>=`"},
      {"\xE2\x89\xA0", "`!=`"}, {"\xC2\xA0", "a space"},        {"{", "`[` or `(`"},
      {"}", "`]` or `)`"},      {"'", "a name without quotes"}, {"!", "`!=`"},
  };
  StringRef rest(cursor, end - cursor);
  for (const auto &stranger : strangers)
    if (rest.starts_with(stranger.sign))
      return fail(cursor, "unexpected character `" + stranger.sign + "`; did you mean " + stranger.instead + "?",
                  cursor + stranger.sign.size());
  size_t length = std::min<size_t>(llvm::getNumBytesForUTF8(static_cast<unsigned char>(*cursor)), end - cursor);
  StringRef character = rest.take_front(length);
  if (length == 1 && !llvm::isPrint(*cursor))
    return fail(cursor, "unexpected control character 0x" + Twine::utohexstr(static_cast<unsigned char>(*cursor)),
                cursor + 1);
  return fail(cursor, "unexpected character `" + character + "`", cursor + length);
}

} // namespace flowc
