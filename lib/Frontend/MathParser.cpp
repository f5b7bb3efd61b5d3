//===- MathParser.cpp - Formulas of the flow language ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   formula    := "let" NAME "=" formula "in" formula | scan | comparison
//   scan       := "scan" NAME "=" formula "over" "(" NAME "=" formula {"," NAME "=" formula} ")" "in" formula
//   comparison := sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
//   sum        := product {("+" | "-") product}
//   product    := signed {("*" | "/") signed}
//   signed     := {"-" | "+"} power
//   power      := indexed ["^" signed]
//   indexed    := primary {"[" (formula | [formula] ":" [formula] | STRING) "]" | "." NAME}
//   primary    := NUMBER | NAME | NAME "(" list ")" | "(" formula ")" | "[" list "]"
//
//===----------------------------------------------------------------------===//

#include "TokenStream.h"

#include <algorithm>

namespace flowc {

using ast::MathExpr;
using Kind = MathExpr::Kind;

namespace {

class MathParser {
public:
  explicit MathParser(TokenStream &tokens) : tokens(tokens) {}

  bool parseFormula(MathExpr &result);

private:
  bool parseLet(MathExpr &result);
  bool parseScan(MathExpr &result);
  bool parseOver(MathExpr &scan);
  bool parseComparison(MathExpr &result);
  bool parseSum(MathExpr &result);
  bool parseProduct(MathExpr &result);
  bool parseSigned(MathExpr &result);
  bool parsePower(MathExpr &result);
  bool parseIndexed(MathExpr &result);
  bool parseIndex(MathExpr &result);
  bool parseColumn(MathExpr &result, Token::Kind kind);
  bool parsePrimary(MathExpr &result);
  bool parseList(std::vector<MathExpr> &result, Token::Kind close, llvm::SMLoc open);

  using Rule = bool (MathParser::*)(MathExpr &);
  /// result := (result OPERATOR rule), the operator being the current token.
  bool parseRight(Kind kind, Rule rule, MathExpr &result);
  bool failTooDeep(llvm::SMLoc where) {
    return tokens.fail(where, "the formula is nested more than " + llvm::Twine(maxNesting) + " levels deep");
  }
  /// Sets the height, which chains of operators can raise without nesting.
  bool finish(MathExpr &result);

  TokenStream &tokens;
  unsigned depth = 0;
};

} // namespace

bool MathParser::finish(MathExpr &result) {
  unsigned tallest = 0;
  for (const MathExpr &operand : result.operands)
    tallest = std::max(tallest, operand.height);
  result.height = tallest + 1;
  // Sums of thousands of terms are no mistake, but later recursion needs a bound.
  constexpr unsigned maxHeight = 8 * maxNesting;
  if (result.height > maxHeight)
    return tokens.fail(result.loc, "the formula has more than " + llvm::Twine(maxHeight) + " operators in a row");
  return true;
}

bool MathParser::parseRight(Kind kind, Rule rule, MathExpr &result) {
  MathExpr operation, right;
  operation.kind = kind;
  Token sign = tokens.take();
  operation.loc = sign.loc();
  operation.text = sign.text;
  if (!(this->*rule)(right))
    return false;
  operation.operands.push_back(std::move(result));
  operation.operands.push_back(std::move(right));
  result = std::move(operation);
  return finish(result);
}

bool MathParser::parseFormula(MathExpr &result) {
  Nesting nesting(depth);
  if (nesting.tooDeep())
    return failTooDeep(tokens.current().loc());
  if (tokens.current().isWord("let"))
    return parseLet(result);
  return tokens.current().isWord("scan") ? parseScan(result) : parseComparison(result);
}

bool MathParser::parseLet(MathExpr &result) {
  tokens.take();
  result.kind = Kind::Let;
  result.loc = tokens.current().loc();
  result.text = tokens.current().text;
  result.operands.resize(2);
  if (!tokens.expect(Token::Kind::Word, " after `let`") ||
      !tokens.expect(Token::Kind::Assign, " in `let NAME = ...`") || !parseFormula(result.operands[0]))
    return false;
  if (!tokens.current().isWord("in"))
    return tokens.failExpected("`in` after the value of `let " + result.text + "`");
  tokens.take();
  return parseFormula(result.operands[1]) && finish(result);
}

/// `NAME = VECTOR`
bool MathParser::parseOver(MathExpr &scan) {
  MathExpr over;
  over.kind = Kind::Over;
  over.loc = tokens.current().loc();
  over.text = tokens.current().text;
  over.operands.resize(1);
  if (!tokens.expect(Token::Kind::Word, " of an element, as in `over (a = VECTOR)`") ||
      !tokens.expect(Token::Kind::Assign, " and a vector after `" + over.text + "`") ||
      !parseFormula(over.operands[0]) || !finish(over))
    return false;
  scan.operands.push_back(std::move(over));
  return true;
}

bool MathParser::parseScan(MathExpr &result) {
  tokens.take();
  result.kind = Kind::Scan;
  result.loc = tokens.current().loc();
  result.text = tokens.current().text;
  result.operands.resize(1);
  if (!tokens.expect(Token::Kind::Word, " of the state after `scan`") ||
      !tokens.expect(Token::Kind::Assign, " in `scan NAME = START over (...) in ...`") ||
      !parseFormula(result.operands[0]))
    return false;
  if (!tokens.current().isWord("over"))
    return tokens.failExpected("`over (NAME = VECTOR, ...)` after the start of `scan " + result.text + "`");
  tokens.take();
  llvm::SMLoc open = tokens.current().loc();
  if (!tokens.expect(Token::Kind::LeftParen, " after `over`"))
    return false;
  do {
    if (!parseOver(result))
      return false;
  } while (tokens.accept(Token::Kind::Comma) && !tokens.at(Token::Kind::RightParen));
  if (!tokens.expectClosing(Token::Kind::RightParen, open, "`,` or "))
    return false;
  if (!tokens.current().isWord("in"))
    return tokens.failExpected("`in` and the next state after `scan " + result.text + " = ... over (...)`");
  tokens.take();
  result.operands.emplace_back();
  return parseFormula(result.operands.back()) && finish(result);
}

static Kind comparisonKind(Token::Kind kind) {
  switch (kind) {
  case Token::Kind::Less:
    return Kind::Less;
  case Token::Kind::LessEqual:
    return Kind::LessEqual;
  case Token::Kind::Greater:
    return Kind::Greater;
  case Token::Kind::GreaterEqual:
    return Kind::GreaterEqual;
  case Token::Kind::Equal:
    return Kind::Equal;
  case Token::Kind::NotEqual:
    return Kind::NotEqual;
  default:
    return Kind::Absent;
  }
}

bool MathParser::parseComparison(MathExpr &result) {
  if (!parseSum(result))
    return false;
  Kind kind = comparisonKind(tokens.current().kind);
  if (kind == Kind::Absent)
    return true;
  if (!parseRight(kind, &MathParser::parseSum, result))
    return false;
  if (comparisonKind(tokens.current().kind) != Kind::Absent)
    return tokens.fail(tokens.current().loc(), "comparisons cannot be chained: write brackets");
  return true;
}

bool MathParser::parseSum(MathExpr &result) {
  if (!parseProduct(result))
    return false;
  while (tokens.at(Token::Kind::Plus) || tokens.at(Token::Kind::Minus))
    if (!parseRight(tokens.at(Token::Kind::Plus) ? Kind::Add : Kind::Subtract, &MathParser::parseProduct, result))
      return false;
  return true;
}

bool MathParser::parseProduct(MathExpr &result) {
  if (!parseSigned(result))
    return false;
  while (tokens.at(Token::Kind::Star) || tokens.at(Token::Kind::Slash))
    if (!parseRight(tokens.at(Token::Kind::Star) ? Kind::Multiply : Kind::Divide, &MathParser::parseSigned, result))
      return false;
  return true;
}

bool MathParser::parseSigned(MathExpr &result) {
  Nesting nesting(depth);
  if (nesting.tooDeep())
    return failTooDeep(tokens.current().loc());
  if (tokens.accept(Token::Kind::Plus))
    return parseSigned(result);
  if (!tokens.at(Token::Kind::Minus))
    return parsePower(result);
  result.kind = Kind::Negate;
  result.loc = tokens.take().loc();
  result.operands.resize(1);
  return parseSigned(result.operands[0]) && finish(result);
}

bool MathParser::parsePower(MathExpr &result) {
  if (!parseIndexed(result))
    return false;
  return !tokens.at(Token::Kind::Caret) || parseRight(Kind::Power, &MathParser::parseSigned, result);
}

bool MathParser::parseIndexed(MathExpr &result) {
  if (!parsePrimary(result))
    return false;
  while (tokens.at(Token::Kind::LeftBracket) || tokens.at(Token::Kind::Dot)) {
    bool isName = tokens.at(Token::Kind::Dot);
    if (isName)
      tokens.take();
    if (isName ? !parseColumn(result, Token::Kind::Word) : !parseIndex(result))
      return false;
  }
  return true;
}

/// The column of a table whose name is the current token.
bool MathParser::parseColumn(MathExpr &result, Token::Kind kind) {
  MathExpr column;
  column.kind = Kind::Column;
  column.loc = tokens.current().loc();
  column.text = tokens.current().text;
  if (!tokens.expect(kind, " of a column after `.`"))
    return false;
  column.operands.push_back(std::move(result));
  result = std::move(column);
  return finish(result);
}

bool MathParser::parseIndex(MathExpr &result) {
  MathExpr access;
  access.loc = tokens.take().loc();
  if (tokens.at(Token::Kind::String))
    return parseColumn(result, Token::Kind::String) && tokens.expectClosing(Token::Kind::RightBracket, access.loc, "");
  access.operands.push_back(std::move(result));
  result = std::move(access);
  MathExpr begin, end;
  if (!tokens.at(Token::Kind::Colon) && !parseFormula(begin))
    return false;
  result.kind = Kind::Index;
  result.operands.push_back(std::move(begin));
  if (tokens.accept(Token::Kind::Colon)) {
    result.kind = Kind::Slice;
    if (!tokens.at(Token::Kind::RightBracket) && !parseFormula(end))
      return false;
    result.operands.push_back(std::move(end));
  }
  return tokens.expectClosing(Token::Kind::RightBracket, result.loc, "`:` or ") && finish(result);
}

bool MathParser::parsePrimary(MathExpr &result) {
  const Token token = tokens.current();
  result.loc = token.loc();
  result.text = token.text;
  switch (token.kind) {
  case Token::Kind::Number:
    tokens.take();
    result.kind = Kind::Number;
    result.number = token.number;
    return true;
  case Token::Kind::LeftParen:
    tokens.take();
    return parseFormula(result) && tokens.expectClosing(Token::Kind::RightParen, token.loc(), "an operator or ");
  case Token::Kind::LeftBracket:
    tokens.take();
    result.kind = Kind::Array;
    return parseList(result.operands, Token::Kind::RightBracket, token.loc()) && finish(result);
  case Token::Kind::Word:
    if (token.isWord("in") || token.isWord("let"))
      break;
    tokens.take();
    result.kind = Kind::Name;
    if (!tokens.at(Token::Kind::LeftParen))
      return true;
    result.kind = Kind::Call;
    tokens.take();
    return parseList(result.operands, Token::Kind::RightParen, token.loc()) && finish(result);
  default:
    break;
  }
  return tokens.failExpected("a number, a name or a bracket in a formula",
                             tokens.at(Token::Kind::Star) ? "; write `^` for powers" : "");
}

bool MathParser::parseList(std::vector<MathExpr> &result, Token::Kind close, llvm::SMLoc open) {
  while (!tokens.at(close) && !tokens.at(Token::Kind::EndOfFile)) {
    result.emplace_back();
    if (!parseFormula(result.back()))
      return false;
    if (!tokens.accept(Token::Kind::Comma))
      break;
  }
  return tokens.expectClosing(close, open, "`,` or ");
}

bool parseMath(TokenStream &tokens, MathExpr &result) { return MathParser(tokens).parseFormula(result); }

} // namespace flowc
