//===- Parser.cpp - Parser of the flow language ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   file      := {item}
//   item      := "flow" NAME "=" value | "bijection" NAME "=" value
//              | "bijection" NAME "(" NAME [";" parameters] ")" "=" formula
//              | "density" NAME "(" NAME "[" NUMBER "]" ")" "=" formula
//              | "objective" NAME "(" NAME "," NAME ["," NAME] [";" NAME {"," NAME}] ")" "=" MATH
//              | "data" NAME "=" ("table" | "array") "(" STRING ")"
//   parameters := NAME "=" domain {"," NAME "=" domain}
//   domain    := number | "positive" "(" number ")" | "interval" "(" number "," number "," number ")"
//   value     := number | NAME | NAME "(" [argument {"," argument}] ")" | "[" [value {"," value}] "]"
//   argument  := value | NAME "=" value
//
// One comma may follow the last element of any list.
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Parser.h"

#include "Constructors.h"
#include "Objectives.h"
#include "TokenStream.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

namespace flowc {

using ast::Expr;
using ast::Item;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

/// Elements that one list of a text may have.
static constexpr size_t maxElements = 1 << 20;
/// Parameters of a formula: each is compared with all others.
static constexpr size_t maxParameters = 10000;

namespace {

class Parser {
public:
  explicit Parser(Diagnostics &diagnostics) : diagnostics(diagnostics), tokens(diagnostics) {}

  ast::File parse();

private:
  bool parseItem(Item &item);
  bool parseItemName(Item &item);
  bool parseFormulaHead(Item &item);
  bool parseDensityHead(Item &item);
  bool parseObjectiveHead(Item &item);
  bool parseNames(std::vector<StringRef> &names, size_t most, const Twine &what);
  bool parseFormulaBody(Item &item);
  bool parseData(Item &item);
  bool parseParameter(Item &item);
  bool parseValue(Expr &result);
  bool parseArguments(Expr &result, Token::Kind close, SMLoc open);
  bool failNoItem();
  /// Reports a mistake that does not keep the text behind it from being parsed.
  void complain(SMLoc where, const Twine &message) {
    diagnostics.report(where, message);
    hasComplained = true;
  }
  /// Goes on at the first item behind the beginning of a broken one, and says where that
  /// ends.
  const char *recover(const char *begin);

  Diagnostics &diagnostics;
  TokenStream tokens;
  ast::File file;
  llvm::StringMap<SMLoc> definitions;
  unsigned depth = 0;
  /// Whether the current item has a mistake.
  bool hasComplained = false;
};

} // namespace

llvm::ArrayRef<StringRef> itemKeywords() {
  static constexpr StringRef keywords[] = {"flow", "bijection", "density", "objective", "data"};
  return keywords;
}

static bool beginsItem(const Token &token) {
  return token.is(Token::Kind::Word) && llvm::is_contained(itemKeywords(), token.text);
}

ast::File Parser::parse() {
  while (!tokens.isUnreadable() && !tokens.at(Token::Kind::EndOfFile) && !diagnostics.isFull()) {
    Item item;
    const char *begin = tokens.current().text.begin();
    hasComplained = false;
    bool isParsed = parseItem(item);
    const char *end = isParsed ? tokens.lastEnd() : recover(begin);
    // What stands behind an item and begins none belongs to it, most likely.
    bool isWhole = tokens.at(Token::Kind::EndOfFile) || beginsItem(tokens.current());
    item.isBroken |= !isParsed || !isWhole || hasComplained;
    item.range = {SMLoc::getFromPointer(begin), SMLoc::getFromPointer(end)};
    if (item.isBroken || item.isNameless)
      file.brokenNames.insert(item.name);
    file.items.push_back(std::move(item));
  }
  return std::move(file);
}

/// Whether `keyword` and the token behind it look like the beginning of an item, wherever
/// they are: a keyword can also be the name of an argument or of a column.
static bool looksLikeItem(const SourceText &source, const Token &keyword, const Token &next) {
  if (!beginsItem(keyword))
    return false;
  if (next.is(Token::Kind::Word))
    return next.text != "in" && next.text != "over";
  return keyword.text.begin() == source.buffer().begin() || keyword.text.begin()[-1] == '\n';
}

const char *Parser::recover(const char *begin) {
  // What is skipped reports nothing.
  Lexer lexer(diagnostics.text(), begin);
  Token before = lexer.next(), token = lexer.next(), next = lexer.next();
  for (; !token.is(Token::Kind::EndOfFile); before = token, token = next, next = lexer.next()) {
    if (!before.is(Token::Kind::Dot) && looksLikeItem(diagnostics.text(), token, next))
      break;
    // Two words in a row may be a misspelt keyword and a name.
    if (before.is(Token::Kind::Word) && token.is(Token::Kind::Word))
      file.brokenNames.insert(token.text);
  }
  tokens.rewind(token.text.begin());
  return before.text.end();
}

bool Parser::failNoItem() {
  const Token &token = tokens.current();
  std::string hint;
  if (token.is(Token::Kind::Word))
    hint = suggestion(token.text, itemKeywords());
  return tokens.failExpected("`flow`, `bijection`, `density`, `objective` or `data`", hint);
}

bool Parser::parseItem(Item &item) {
  if (!beginsItem(tokens.current()))
    return failNoItem();
  StringRef keyword = tokens.take().text;
  if (!parseItemName(item))
    return false;
  if (keyword == "data") {
    item.kind = Item::Kind::Data;
    return parseData(item);
  }
  if (keyword == "density") {
    item.kind = Item::Kind::Density;
    return parseDensityHead(item) && parseFormulaBody(item);
  }
  if (keyword == "objective") {
    item.kind = Item::Kind::Objective;
    return parseObjectiveHead(item) && parseFormulaBody(item);
  }
  if (keyword == "bijection" && tokens.at(Token::Kind::LeftParen)) {
    item.kind = Item::Kind::Formula;
    return parseFormulaHead(item) && parseFormulaBody(item);
  }
  item.kind = keyword == "flow" ? Item::Kind::Flow : Item::Kind::Bijection;
  return tokens.expect(Token::Kind::Assign, " after `" + keyword + " " + item.name + "`") &&
         parseValue(item.constructor);
}

bool Parser::parseItemName(Item &item) {
  item.name = tokens.current().text;
  item.nameLoc = tokens.current().loc();
  if (!tokens.expect(Token::Kind::Word, " for the item"))
    return false;
  if (isReservedName(item.name)) {
    diagnostics.report(item.nameLoc, "`" + item.name + "` is a name of the language; choose another");
    item.isNameless = true;
    return true;
  }
  auto [definition, isNew] = definitions.try_emplace(item.name, item.nameLoc);
  if (!isNew)
    diagnostics.report(item.nameLoc, "`" + item.name + "` is already defined in line " +
                                         Twine(diagnostics.text().locate(definition->second).line));
  item.isNameless = !isNew;
  return true;
}

bool Parser::parseFormulaHead(Item &item) {
  SMLoc open = tokens.take().loc();
  item.variable = tokens.current().text;
  if (!tokens.expect(Token::Kind::Word, " for the variable of `" + item.name + "`"))
    return false;
  if (tokens.accept(Token::Kind::Semicolon))
    do {
      if (!parseParameter(item))
        return false;
    } while (tokens.accept(Token::Kind::Comma));
  return tokens.expectClosing(Token::Kind::RightParen, open, item.parameters.empty() ? "`;` or " : "`,` or ");
}

bool Parser::parseParameter(Item &item) {
  ast::FormulaParameter parameter;
  parameter.name = tokens.current().text;
  parameter.loc = tokens.current().loc();
  if (!tokens.expect(Token::Kind::Word, " of a parameter") ||
      !tokens.expect(Token::Kind::Assign, " and a start value after the parameter `" + parameter.name + "`"))
    return false;
  bool isUsed = parameter.name == item.variable ||
                llvm::any_of(item.parameters, [&](const auto &earlier) { return earlier.name == parameter.name; });
  if (isUsed)
    complain(parameter.loc, "the name `" + parameter.name + "` occurs twice");
  if (item.parameters.size() == maxParameters)
    return tokens.fail(parameter.loc, "a formula has at most " + Twine(maxParameters) + " parameters");

  const Token token = tokens.current();
  if (!token.is(Token::Kind::Word)) {
    if (!parseSignedNumber(tokens, parameter.start, "a number, `positive(start)` or `interval(low, high, start)`"))
      return false;
    item.parameters.push_back(parameter);
    return true;
  }
  bool positive = token.isWord("positive");
  if (!positive && !token.isWord("interval"))
    return tokens.fail(token.loc(), "unknown domain `" + token.text + "` of the parameter `" + parameter.name + "`" +
                                        suggestion(token.text, {"positive", "interval"}));
  tokens.take();
  SMLoc open = tokens.current().loc();
  if (!tokens.expect(Token::Kind::LeftParen, " after `" + token.text + "`"))
    return false;
  if (!positive && (!parseSignedNumber(tokens, parameter.low, "the lower end of the interval") ||
                    !tokens.expect(Token::Kind::Comma, " in `interval(low, high, start)`") ||
                    !parseSignedNumber(tokens, parameter.high, "the upper end of the interval") ||
                    !tokens.expect(Token::Kind::Comma, " in `interval(low, high, start)`")))
    return false;
  if (!parseSignedNumber(tokens, parameter.start, "the start value") ||
      !tokens.expectClosing(Token::Kind::RightParen, open, ""))
    return false;
  parameter.domain = positive ? ast::FormulaParameter::Domain::Positive : ast::FormulaParameter::Domain::Interval;
  bool inside = positive ? parameter.start > 0 : parameter.low < parameter.start && parameter.start < parameter.high;
  if (!positive && !(parameter.low < parameter.high))
    complain(token.loc(), "the interval of the parameter `" + parameter.name + "` is empty: " +
                              formatNumber(parameter.low) + " is not below " + formatNumber(parameter.high));
  else if (!inside)
    complain(token.loc(), "the start value " + formatNumber(parameter.start) + " of the parameter `" + parameter.name +
                              "` is not inside its domain");
  item.parameters.push_back(parameter);
  return true;
}

bool Parser::parseDensityHead(Item &item) {
  SMLoc open = tokens.current().loc();
  if (!tokens.expect(Token::Kind::LeftParen, " after `density " + item.name + "`"))
    return false;
  item.variable = tokens.current().text;
  if (!tokens.expect(Token::Kind::Word, " for the variable of `" + item.name + "`"))
    return false;
  SMLoc bracket = tokens.current().loc();
  if (!tokens.expect(Token::Kind::LeftBracket,
                     " and the dimension after `" + item.variable + "`, as in `" + item.variable + "[2]`"))
    return false;
  const Token dim = tokens.current();
  if (!tokens.expect(Token::Kind::Number, ", the dimension of `" + item.variable + "`"))
    return false;
  item.dim = maxArrayElements;
  if (!dim.integral || dim.number < 1 || dim.number > maxArrayElements)
    complain(dim.loc(), "the dimension of `" + item.variable + "` is a whole number from 1 to " +
                            Twine(maxArrayElements) + ", found " + dim.text.substr(0, 40));
  else
    item.dim = static_cast<int64_t>(dim.number);
  return tokens.expectClosing(Token::Kind::RightBracket, bracket, "") &&
         tokens.expectClosing(Token::Kind::RightParen, open, "");
}

bool Parser::parseFormulaBody(Item &item) {
  if (!tokens.expect(Token::Kind::Assign, " and a formula") || !parseMath(tokens, item.formula))
    return false;
  // A formula ends where the next item begins; anything else is a missing
  // operator, which should be reported as such.
  if (!tokens.at(Token::Kind::EndOfFile) && !beginsItem(tokens.current()))
    return tokens.failExpected("an operator or the end of the formula");
  bool isBound = item.kind != Item::Kind::Objective || bindTerms(diagnostics, item);
  bool isKnown = checkFormula(diagnostics, file, item);
  item.isBroken |= !isBound || !isKnown;
  return true;
}

/// Up to `most` different names, separated by commas.
bool Parser::parseNames(std::vector<StringRef> &names, size_t most, const Twine &what) {
  do {
    const Token name = tokens.current();
    if (names.size() == most || !tokens.at(Token::Kind::Word))
      return tokens.failExpected(names.size() == most ? Twine("`)`") : what);
    tokens.take();
    if (isReservedName(name.text) || name.text == "rows")
      complain(name.loc(), "`" + name.text + "` is a name of the language; choose another");
    else if (llvm::is_contained(names, name.text))
      complain(name.loc(), "the name `" + name.text + "` occurs twice");
    names.push_back(name.text);
  } while (tokens.accept(Token::Kind::Comma));
  return true;
}

bool Parser::parseObjectiveHead(Item &item) {
  SMLoc open = tokens.current().loc();
  if (!tokens.expect(Token::Kind::LeftParen, " after `objective " + item.name + "`") ||
      !parseNames(item.inputs, 3, "a name for the flow, the event or the condition"))
    return false;
  if (item.inputs.size() < 2)
    return tokens.failExpected("`, NAME`, a name for the event, as in `objective " + item.name + "(q, x)`");
  if (tokens.accept(Token::Kind::Semicolon) &&
      !parseNames(item.terms, maxObjectiveTerms, "`target` or the name of a column"))
    return false;
  return tokens.expectClosing(Token::Kind::RightParen, open, "");
}

bool Parser::parseData(Item &item) {
  if (!tokens.expect(Token::Kind::Assign, " after `data " + item.name + "`"))
    return false;
  const Token form = tokens.current();
  item.isTable = form.isWord("table");
  if (!item.isTable && !form.isWord("array"))
    return tokens.failExpected("`table(\"FILE\")`, whose columns have names, or `array(\"FILE\")`",
                               form.is(Token::Kind::Word) ? suggestion(form.text, {"table", "array"}) : "");
  tokens.take();
  SMLoc open = tokens.current().loc();
  if (!tokens.expect(Token::Kind::LeftParen, " after `" + form.text + "`"))
    return false;
  item.path = tokens.current().text;
  item.pathLoc = tokens.current().loc();
  if (!tokens.expect(Token::Kind::String, ", the name of the file"))
    return false;
  if (item.path.empty())
    complain(item.pathLoc, "the name of the file is empty");
  return tokens.expectClosing(Token::Kind::RightParen, open, "");
}

bool parseSignedNumber(TokenStream &tokens, double &value, const Twine &what, bool *integral) {
  bool negative = tokens.accept(Token::Kind::Minus);
  if (!tokens.at(Token::Kind::Number))
    return tokens.failExpected(what);
  const Token number = tokens.take();
  value = negative ? -number.number : number.number;
  if (integral)
    *integral = number.integral;
  return true;
}

bool Parser::parseValue(Expr &result) {
  Nesting nesting(depth);
  const Token token = tokens.current();
  result.loc = token.loc();
  result.text = token.text;
  if (nesting.tooDeep())
    return tokens.fail(token.loc(), "nested more than " + Twine(maxNesting) + " levels deep");
  switch (token.kind) {
  case Token::Kind::Minus:
  case Token::Kind::Number:
    result.kind = Expr::Kind::Number;
    return parseSignedNumber(tokens, result.number, "a number after `-`", &result.integral);
  case Token::Kind::LeftBracket:
    result.kind = Expr::Kind::List;
    tokens.take();
    return parseArguments(result, Token::Kind::RightBracket, token.loc());
  case Token::Kind::Word: {
    tokens.take();
    result.kind = Expr::Kind::Word;
    SMLoc open = tokens.current().loc();
    if (!tokens.accept(Token::Kind::LeftParen))
      return true;
    result.kind = Expr::Kind::Call;
    return parseArguments(result, Token::Kind::RightParen, open);
  }
  default:
    return tokens.failExpected("a constructor, a name, a number or a list");
  }
}

bool Parser::parseArguments(Expr &result, Token::Kind close, SMLoc open) {
  bool isCall = result.kind == Expr::Kind::Call;
  bool anyNamed = false;
  while (!tokens.at(close) && !tokens.at(Token::Kind::EndOfFile)) {
    if (result.arguments.size() == maxElements)
      return tokens.fail(open, "a list has more than " + Twine(maxElements) + " elements");
    ast::Argument argument;
    argument.nameLoc = tokens.current().loc();
    if (!parseValue(argument.value))
      return false;
    if (isCall && argument.value.kind == Expr::Kind::Word && tokens.accept(Token::Kind::Assign)) {
      argument.name = argument.value.text;
      argument.value = Expr();
      if (!parseValue(argument.value))
        return false;
      anyNamed = true;
    } else if (anyNamed) {
      complain(argument.nameLoc, "arguments of `" + result.text + "` without a name come before those with one");
    }
    result.arguments.push_back(std::move(argument));
    if (!tokens.accept(Token::Kind::Comma))
      break;
  }
  return tokens.expectClosing(close, open, "`,` or ");
}

ast::File parseSource(Diagnostics &diagnostics) { return Parser(diagnostics).parse(); }

Expected<ast::File> parseSource(const SourceText &source) {
  Diagnostics diagnostics(source);
  ast::File file = parseSource(diagnostics);
  if (diagnostics.hasErrors())
    return diagnostics.makeError();
  return file;
}

} // namespace flowc
