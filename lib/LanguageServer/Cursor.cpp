//===- Cursor.cpp - What stands before a cursor ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cursor.h"

#include "flowc/Frontend/Parser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc::editor {

using llvm::StringRef;
using Kind = Token::Kind;

bool beginsItem(const Token &keyword, const Token *next) {
  return keyword.is(Kind::Word) && llvm::is_contained(itemKeywords(), keyword.text) &&
         (!next || (next->is(Kind::Word) && next->text != "in" && next->text != "over"));
}

Cursor::Cursor(const Document &document, size_t offset)
    : source(std::make_unique<SourceText>(document.text().take_front(offset), document.path())) {
  Lexer lexer(*source);
  const char *end = source->buffer().end(), *last = source->buffer().begin();
  while (!lexer.isUnreadable()) {
    Token token = lexer.next();
    if (token.is(Kind::EndOfFile))
      break;
    last = token.is(Kind::Error) ? token.text.begin() : token.text.end() + token.is(Kind::String);
    tokens.push_back(token);
  }
  StringRef gap(last, end - last);
  // Quotes that are not closed are an error in the last line.
  bool isQuoted = !tokens.empty() && tokens.back().is(Kind::Error) && gap.starts_with("\"") && !gap.contains('\n');
  isInText = !lexer.isUnreadable() && !isQuoted && !gap.substr(gap.rfind('\n') + 1).contains('#');
  if (!tokens.empty() && tokens.back().is(Kind::Word) && tokens.back().text.end() == end) {
    word = tokens.back().text;
    tokens.pop_back();
  }
  findItem();
  findBrackets();
}

void Cursor::findItem() {
  for (size_t i = tokens.size(); i-- > 0;) {
    const Token *next = i + 1 < tokens.size() ? &tokens[i + 1] : nullptr;
    bool isColumn = i > 0 && tokens[i - 1].is(Kind::Dot);
    if (isColumn || !beginsItem(tokens[i], next))
      continue;
    item = llvm::ArrayRef(tokens).drop_front(i);
    return;
  }
}

void Cursor::findBrackets() {
  for (auto [i, token] : llvm::enumerate(item)) {
    if (token.is(Kind::LeftParen) || token.is(Kind::LeftBracket)) {
      bool isCall = token.is(Kind::LeftParen) && i > 0 && item[i - 1].is(Kind::Word);
      brackets.push_back({token, isCall ? item[i - 1].text : StringRef(), 0, {}, {}});
    } else if (token.is(Kind::RightParen) || token.is(Kind::RightBracket)) {
      if (!brackets.empty())
        brackets.pop_back();
    } else if (brackets.empty()) {
      if (token.is(Kind::Assign) && !assign)
        assign = i;
    } else if (token.is(Kind::Comma) || token.is(Kind::Semicolon)) {
      ++brackets.back().position;
      brackets.back().name = {};
    } else if (token.is(Kind::Assign) && item[i - 1].is(Kind::Word)) {
      brackets.back().name = item[i - 1].text;
      brackets.back().names.push_back(item[i - 1].text);
    }
  }
}

bool Cursor::isInFormula() const {
  if (!assign || item.empty())
    return false;
  return item.front().isWord("density") || item.front().isWord("objective") ||
         (item.front().isWord("bijection") && item.size() > 2 && item[2].is(Kind::LeftParen));
}

bool Cursor::expectsValue() const {
  const Token last = before();
  if (last.isWord("in") && isInFormula())
    return true;
  return !last.is(Kind::Word) && !last.is(Kind::Number) && !last.is(Kind::String) && !last.is(Kind::RightParen) &&
         !last.is(Kind::RightBracket);
}

std::optional<llvm::SMRange> findWord(const SourceText &source, size_t offset) {
  StringRef text = source.buffer();
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  if (offset > text.size())
    return std::nullopt;
  size_t begin = offset, end = offset;
  while (begin > 0 && isPart(text[begin - 1]))
    --begin;
  while (end < text.size() && isPart(text[end]))
    ++end;
  if (begin == end || llvm::isDigit(text[begin]))
    return std::nullopt;
  return llvm::SMRange(llvm::SMLoc::getFromPointer(text.begin() + begin),
                       llvm::SMLoc::getFromPointer(text.begin() + end));
}

} // namespace flowc::editor
