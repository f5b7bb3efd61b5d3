//===- Diagnostics.cpp - All mistakes of a text ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Diagnostics.h"

#include "flowc/Frontend/Lexer.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc {

using llvm::SMLoc;
using llvm::SMRange;

/// Where the bracket that is the first token of `lexer` closes; nothing if it does not.
static std::optional<Token> findClosing(Lexer &lexer) {
  unsigned depth = 0;
  for (Token token = lexer.next(); !token.is(Token::Kind::EndOfFile); token = lexer.next()) {
    if (token.is(Token::Kind::LeftBracket))
      ++depth;
    if (token.is(Token::Kind::RightBracket) && --depth == 0)
      return token;
  }
  return std::nullopt;
}

SMRange findRange(const SourceText &source, SMLoc where) {
  const char *begin = where.getPointer();
  Lexer lexer(source, begin);
  const Token token = lexer.next();
  // Between tokens, as before a sign that starts none, there is one character.
  if (token.loc() != where || token.is(Token::Kind::Error)) {
    const char *end = begin;
    if (end != source.buffer().end() && *end != '\n')
      do
        ++end;
      while (end != source.buffer().end() && (*end & 0xC0) == 0x80);
    return {where, SMLoc::getFromPointer(end)};
  }
  const char *end = token.text.end() + token.is(Token::Kind::String);
  if (token.is(Token::Kind::Minus))
    if (const Token number = lexer.next(); number.is(Token::Kind::Number) && number.text.begin() == end)
      end = number.text.end();
  if (token.is(Token::Kind::LeftBracket)) {
    Lexer again(source, begin);
    if (std::optional<Token> close = findClosing(again))
      end = close->text.end();
  }
  return {where, SMLoc::getFromPointer(end)};
}

void Diagnostics::report(SMLoc where, const llvm::Twine &message) {
  if (isFull())
    return;
  Diagnostic mistake{where, message.str()};
  bool isKnown = llvm::any_of(mistakes, [&](const Diagnostic &known) {
    return known.where == mistake.where && known.message == mistake.message;
  });
  if (!isKnown)
    mistakes.push_back(std::move(mistake));
}

std::vector<Diagnostic> Diagnostics::take() const {
  std::vector<Diagnostic> sorted = mistakes;
  llvm::stable_sort(
      sorted, [](const Diagnostic &a, const Diagnostic &b) { return a.where.getPointer() < b.where.getPointer(); });
  return sorted;
}

Error Diagnostics::makeError() const {
  Error all;
  std::vector<Diagnostic> sorted = take();
  size_t shown = 0;
  for (; shown < std::min(sorted.size(), kMostShown) && all.message.size() < kLongest; ++shown)
    all.message += (shown ? "\n" : "") + source.error(sorted[shown].where, sorted[shown].message).message;
  if (size_t more = sorted.size() - shown) {
    all.message += std::string("\n… and ") + (isFull() ? "at least " : "") + std::to_string(more) + " more " +
                   (more == 1 ? "error" : "errors");
  }
  return all;
}

} // namespace flowc
