//===- Formatter.cpp - The layout of texts --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Formatter.h"

#include "Layout.h"

#include "flowc/Frontend/CheckedText.h"
#include "flowc/Frontend/Lexer.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc {

using ast::Item;
using layout::Part;
using llvm::StringRef;
using Kind = Token::Kind;
using Parts = std::vector<Part>;

/// Characters of a line.
static constexpr size_t kColumns = 120;

namespace {

/// A token, and what stands between it and the one before it.
struct Piece {
  Token token;
  /// As it is written: of a string with its quotes.
  StringRef text;
  struct Comment {
    StringRef text;
    bool hasBlankBefore = false;
  };
  /// Comments on lines of their own before the token, and one behind it in its line.
  std::vector<Comment> before;
  StringRef behind;
  bool hasLineBefore = false, hasBlankBefore = false;
  /// Of an opening bracket: where it closes.
  size_t close = 0;

  bool is(Kind kind) const { return token.is(kind); }
  bool opens() const { return is(Kind::LeftParen) || is(Kind::LeftBracket); }
  bool closes() const { return is(Kind::RightParen) || is(Kind::RightBracket); }
  bool isWord(StringRef word) const { return token.isWord(word); }
  /// Whether a value can end with it, so that a sign behind it takes two operands.
  bool endsOperand() const { return is(Kind::Word) || is(Kind::Number) || is(Kind::String) || closes(); }
};

/// Makes the layout of one text.
class Formatter {
public:
  explicit Formatter(const CheckedText &checked) : checked(checked), source(*checked.source) { readPieces(); }

  std::string format();
  const std::vector<Piece> &getPieces() const { return pieces; }

private:
  void readPieces();
  void readGap(StringRef gap, Piece &next);
  void matchBrackets();

  Parts formatItem(const Item &item, size_t begin, size_t end);
  /// Pieces with no comma at their level.
  Part formatElement(size_t begin, size_t end);
  Part formatLets(size_t begin, size_t end);
  /// Terms of a sum.
  Part formatTerms(size_t begin, size_t end);
  void addTerm(size_t begin, size_t end, Parts &parts);
  Part formatBracket(size_t open);
  Part formatNumbers(size_t open);
  Parts formatElements(size_t open, bool asFill);
  void addComments(size_t index, Parts &parts);
  void addPiece(size_t index, Parts &parts);
  /// Whether `let` and the like are words of the grammar at this piece.
  bool isKeyword(size_t index) const;
  bool isBinary(size_t index) const { return index > 0 && pieces[index - 1].endsOperand() && !isKeyword(index - 1); }
  bool isSpaced(size_t index) const;
  /// Whether all elements of a list are numbers or single names.
  bool isPlainList(size_t open) const;
  /// The first piece from `begin` on, at the level of `begin`, for which `isFound` holds.
  template <typename Predicate>
  size_t find(size_t begin, size_t end, Predicate isFound) const;

  const CheckedText &checked;
  const SourceText &source;
  std::vector<Piece> pieces;
  /// Whether the current item is a formula.
  bool isFormula = false;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tokens and comments
//===----------------------------------------------------------------------===//

void Formatter::readGap(StringRef gap, Piece &next) {
  bool isFirstLine = !pieces.empty(), hasBlank = false;
  while (true) {
    auto [line, rest] = gap.split('\n');
    StringRef text = line.trim();
    bool isLast = line.size() == gap.size();
    if (text.starts_with("#") && isFirstLine)
      pieces.back().behind = text;
    else if (text.starts_with("#"))
      next.before.push_back({text, std::exchange(hasBlank, false)});
    else if (text.empty() && !isFirstLine && !isLast)
      hasBlank = true;
    if (isLast)
      break;
    isFirstLine = false;
    next.hasLineBefore = true;
    gap = rest;
  }
  next.hasBlankBefore = hasBlank;
}

void Formatter::readPieces() {
  Lexer lexer(source);
  StringRef buffer = source.buffer();
  const char *last = buffer.starts_with("\xEF\xBB\xBF") ? buffer.begin() + 3 : buffer.begin();
  do {
    Piece piece;
    piece.token = lexer.next();
    bool isString = piece.is(Kind::String);
    piece.text = StringRef(piece.token.text.begin() - isString, piece.token.text.size() + 2 * size_t(isString));
    readGap(StringRef(last, piece.text.begin() - last), piece);
    last = piece.text.end();
    pieces.push_back(std::move(piece));
  } while (!pieces.back().is(Kind::EndOfFile));
  matchBrackets();
}

void Formatter::matchBrackets() {
  std::vector<size_t> open;
  for (auto [index, piece] : llvm::enumerate(pieces)) {
    if (piece.opens())
      open.push_back(index);
    if (piece.closes()) {
      pieces[open.back()].close = index;
      open.pop_back();
    }
  }
}

template <typename Predicate>
size_t Formatter::find(size_t begin, size_t end, Predicate isFound) const {
  for (size_t i = begin; i < end; ++i) {
    if (isFound(i))
      return i;
    if (pieces[i].opens())
      i = pieces[i].close;
  }
  return end;
}

bool Formatter::isKeyword(size_t index) const {
  const Piece &piece = pieces[index];
  if (!isFormula || !piece.is(Kind::Word))
    return false;
  if (piece.isWord("let") || piece.isWord("in"))
    return true;
  if (piece.isWord("scan"))
    return pieces[index + 1].is(Kind::Word);
  return piece.isWord("over") && index > 0 && pieces[index - 1].endsOperand();
}

bool Formatter::isSpaced(size_t index) const {
  const Piece &before = pieces[index - 1], &piece = pieces[index];
  switch (piece.token.kind) {
  case Kind::Comma:
  case Kind::Semicolon:
  case Kind::Colon:
  case Kind::Dot:
  case Kind::Star:
  case Kind::Slash:
  case Kind::Caret:
  case Kind::RightParen:
  case Kind::RightBracket:
    return false;
  case Kind::LeftParen:
  case Kind::LeftBracket:
    if (before.endsOperand())
      return isKeyword(index - 1);
    break;
  case Kind::Assign:
  case Kind::Less:
  case Kind::LessEqual:
  case Kind::Greater:
  case Kind::GreaterEqual:
  case Kind::Equal:
  case Kind::NotEqual:
    return true;
  case Kind::Plus:
  case Kind::Minus:
    if (isBinary(index))
      return true;
    break;
  default:
    break;
  }
  switch (before.token.kind) {
  case Kind::LeftParen:
  case Kind::LeftBracket:
  case Kind::Colon:
  case Kind::Dot:
  case Kind::Star:
  case Kind::Slash:
  case Kind::Caret:
    return false;
  case Kind::Plus:
  case Kind::Minus:
    return isBinary(index - 1);
  default:
    return true;
  }
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

void Formatter::addComments(size_t index, Parts &parts) {
  for (const Piece::Comment &comment : pieces[index].before)
    parts.push_back(layout::comment(comment.text, /*isTrailing=*/false, comment.hasBlankBefore));
}

void Formatter::addPiece(size_t index, Parts &parts) {
  const Piece &piece = pieces[index];
  // Those before a closing bracket belong to what is inside.
  if (!piece.closes())
    addComments(index, parts);
  bool isApart = !piece.before.empty() || (index > 0 && pieces[index - 1].is(Kind::Comma));
  parts.push_back(layout::text(piece.text, piece.hasBlankBefore && isApart));
  if (!piece.behind.empty())
    parts.push_back(layout::comment(piece.behind, /*isTrailing=*/true, false));
}

bool Formatter::isPlainList(size_t open) const {
  for (size_t i = open + 1; i < pieces[open].close; ++i)
    if (pieces[i].opens() || pieces[i].is(Kind::Assign))
      return false;
  return pieces[open].is(Kind::LeftBracket) && pieces[open].close > open + 1;
}

Parts Formatter::formatElements(size_t open, bool asFill) {
  Parts parts;
  size_t close = pieces[open].close;
  auto isSeparator = [&](size_t i) { return pieces[i].is(Kind::Comma) || pieces[i].is(Kind::Semicolon); };
  for (size_t begin = open + 1; begin < close;) {
    size_t end = find(begin, close, isSeparator);
    Parts element = {formatElement(begin, end)};
    if (end < close)
      addPiece(end, element);
    begin = end + 1;
    if (asFill)
      element = {layout::collect(Part::Kind::Group, std::move(element))};
    llvm::append_range(parts, std::move(element));
    if (begin < close)
      parts.push_back(layout::lineBreak(" "));
  }
  return parts;
}

Part Formatter::formatNumbers(size_t open) {
  Parts parts;
  addPiece(open, parts);
  Part fill = layout::collect(Part::Kind::Fill, formatElements(open, /*asFill=*/true));
  parts.push_back(layout::collect(Part::Kind::Indent, {std::move(fill)}));
  addPiece(pieces[open].close, parts);
  return layout::collect(Part::Kind::Group, std::move(parts));
}

Part Formatter::formatBracket(size_t open) {
  size_t close = pieces[open].close;
  bool hasComment = !pieces[open].behind.empty() || !pieces[open + 1].before.empty() || !pieces[close].before.empty();
  bool isBroken = close > open + 1 && pieces[open + 1].hasLineBefore;
  if (isPlainList(open) && !isBroken && !hasComment)
    return formatNumbers(open);
  Parts parts;
  addPiece(open, parts);
  // A list that is all of a call begins in the call's line.
  bool isHugged =
      pieces[open + 1].is(Kind::LeftBracket) && pieces[open + 1].close + 1 == close && !isBroken && !hasComment;
  if (isHugged) {
    parts.push_back(formatBracket(open + 1));
  } else if (close > open + 1 || hasComment) {
    Parts inside = {layout::lineBreak("")};
    llvm::append_range(inside, formatElements(open, /*asFill=*/false));
    addComments(close, inside);
    parts.push_back(layout::collect(Part::Kind::Indent, std::move(inside)));
    if (pieces[close - 1].is(Kind::Comma))
      parts.push_back(layout::lineBreak(""));
  }
  addPiece(close, parts);
  return layout::collect(Part::Kind::Group, std::move(parts), isBroken);
}

void Formatter::addTerm(size_t begin, size_t end, Parts &parts) {
  for (size_t i = begin; i < end; ++i) {
    if (i > begin && isSpaced(i))
      parts.push_back(layout::text(" "));
    if (!pieces[i].opens()) {
      addPiece(i, parts);
      continue;
    }
    parts.push_back(formatBracket(i));
    i = pieces[i].close;
  }
}

Part Formatter::formatTerms(size_t begin, size_t end) {
  auto isSign = [&](size_t i) {
    return isFormula && i > begin && (pieces[i].is(Kind::Plus) || pieces[i].is(Kind::Minus)) && isBinary(i);
  };
  Parts fill;
  for (size_t term = begin; term < end;) {
    size_t next = find(term + (isSign(term) ? 1 : 0), end, isSign);
    Parts parts;
    addTerm(term, next, parts);
    // What follows the first line of `let a = ...` stands further right.
    bool isIndented = term > begin && isKeyword(begin);
    fill.push_back(layout::collect(isIndented ? Part::Kind::Indent : Part::Kind::Group, std::move(parts)));
    if (next < end)
      fill.push_back(layout::lineBreak(" "));
    term = next;
  }
  if (fill.size() == 1)
    return std::move(fill.front());
  return layout::collect(Part::Kind::Fill, std::move(fill));
}

Part Formatter::formatLets(size_t begin, size_t end) {
  // Behind the `in` of a `let` that is in no other, a line may end; not behind that of a scan.
  Parts parts;
  std::vector<bool> isLet;
  bool isBroken = false;
  size_t start = begin;
  find(begin, end, [&](size_t i) {
    if (!isKeyword(i) || pieces[i].isWord("over"))
      return false;
    if (!pieces[i].isWord("in")) {
      isLet.push_back(pieces[i].isWord("let"));
      return false;
    }
    bool endsLet = isLet.size() == 1 && isLet.back();
    if (!isLet.empty())
      isLet.pop_back();
    if (endsLet) {
      parts.push_back(formatTerms(start, i + 1));
      parts.push_back(layout::lineBreak(" "));
      isBroken |= pieces[i + 1].hasLineBefore;
      start = i + 1;
    }
    return false;
  });
  parts.push_back(formatTerms(start, end));
  return layout::collect(Part::Kind::Group, std::move(parts), isBroken);
}

Part Formatter::formatElement(size_t begin, size_t end) {
  return isFormula ? formatLets(begin, end) : formatTerms(begin, end);
}

Parts Formatter::formatItem(const Item &item, size_t begin, size_t end) {
  bool isConstructor =
      item.kind == Item::Kind::Flow || item.kind == Item::Kind::Bijection || item.kind == Item::Kind::Data;
  isFormula = false; // The head of a formula is none.
  size_t body = find(begin, end, [&](size_t i) { return pieces[i].is(Kind::Assign); }) + 1;
  Parts parts;
  addTerm(begin, body, parts);
  isFormula = !isConstructor;
  if (isConstructor) {
    parts.push_back(layout::text(" "));
    parts.push_back(formatElement(body, end));
    return parts;
  }
  Part value = layout::collect(Part::Kind::Indent, {layout::lineBreak(" "), formatElement(body, end)});
  parts.push_back(layout::collect(Part::Kind::Group, {std::move(value)}, pieces[body].hasLineBefore));
  return parts;
}

std::string Formatter::format() {
  std::string result;
  size_t next = 0;
  for (const Item &item : checked.file.items) {
    size_t begin = next;
    while (pieces[next].text.begin() < item.range.End.getPointer() && !pieces[next].is(Kind::EndOfFile))
      ++next;
    // An item begins a line; that an empty one stands before it is the first piece's affair.
    Parts parts = formatItem(item, begin, next);
    const Piece &first = pieces[begin];
    bool hasBlank = first.before.empty() ? first.hasBlankBefore : first.before.front().hasBlankBefore;
    result += (hasBlank && !result.empty() ? "\n" : "") + layout::print(parts, kColumns);
  }
  Parts rest;
  addPiece(next, rest);
  bool hasBlank = !pieces[next].before.empty() && pieces[next].before.front().hasBlankBefore;
  return result + (hasBlank && !result.empty() ? "\n" : "") + layout::print(rest, kColumns);
}

/// Whether two texts have the same tokens and comments.
static bool areSame(const std::vector<Piece> &a, const std::vector<Piece> &b) {
  auto commentsOf = [](const std::vector<Piece> &pieces) {
    std::vector<StringRef> comments;
    for (const Piece &piece : pieces) {
      for (const Piece::Comment &comment : piece.before)
        comments.push_back(comment.text);
      if (!piece.behind.empty())
        comments.push_back(piece.behind);
    }
    return comments;
  };
  return llvm::equal(a, b, [](const Piece &x, const Piece &y) { return x.text == y.text; }) &&
         commentsOf(a) == commentsOf(b);
}

Expected<std::string> formatText(std::string_view text, std::string_view file) {
  CheckedText checked = checkText(text, file);
  if (!checked.mistakes.empty())
    return checked.error;
  Formatter formatter(checked);
  std::string result = formatter.format();
  // A layout that changes more than blanks would be worse than none.
  CheckedText again = checkText(result, file);
  if (!again.mistakes.empty() || !areSame(formatter.getPieces(), Formatter(again).getPieces()))
    return Error{std::string(file) + ": error: the formatter would change the meaning of this text, and leaves it as "
                                     "it is; this is a mistake in flowc"};
  return result;
}

} // namespace flowc
