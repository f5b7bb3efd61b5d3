//===- Layout.cpp - Text that breaks where it must ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

namespace flowc::layout {

using llvm::StringRef;
using Kind = Part::Kind;

static size_t countCharacters(StringRef text) {
  return llvm::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Part text(StringRef text, bool hasBlankBefore) {
  Part part;
  part.text = text;
  part.hasBlankBefore = hasBlankBefore;
  part.width = countCharacters(text);
  return part;
}

Part comment(StringRef text, bool isTrailing, bool hasBlankBefore) {
  Part part;
  part.kind = Kind::Comment;
  part.text = text;
  part.isTrailing = isTrailing;
  part.hasBlankBefore = hasBlankBefore;
  part.width = Part::kNever;
  return part;
}

Part lineBreak(StringRef instead) {
  Part part;
  part.kind = Kind::Break;
  part.text = instead;
  part.width = instead.size();
  return part;
}

Part collect(Kind kind, std::vector<Part> parts, bool isBroken) {
  Part part;
  part.kind = kind;
  part.isBroken = isBroken;
  for (const Part &inner : parts)
    part.width = std::min(part.width + inner.width, Part::kNever);
  if (isBroken)
    part.width = Part::kNever;
  part.parts = std::move(parts);
  return part;
}

namespace {

class Printer {
public:
  explicit Printer(size_t columns) : columns(columns) {}

  /// `rest`: what has to stand in the same line behind the parts.
  void print(const std::vector<Part> &parts, bool isFlat, size_t rest);
  std::string take() {
    endLine();
    return std::move(result);
  }

private:
  void print(const Part &part, bool isFlat, size_t rest);
  void printFill(const Part &fill, size_t rest);
  void write(StringRef text, bool hasBlankBefore);
  void writeComment(const Part &comment);
  void endLine();
  bool fits(size_t width, size_t rest) const { return column + width + rest <= columns; }

  const size_t columns;
  std::string result;
  /// Characters of the current line; indentation is written with the first of them.
  size_t column = 0, indent = 0;
  bool isLineEmpty = true, endsWithComment = false;
};

} // namespace

/// Adds to `width` what has to stand in one line with what is before `part`; true if a line
/// can end in it.
static bool addUntilBreak(const Part &part, bool isFlat, size_t &width) {
  if (part.kind == Kind::Comment || (part.kind == Kind::Break && !isFlat))
    return true;
  if (!part.parts.empty())
    return llvm::any_of(part.parts, [&](const Part &inner) { return addUntilBreak(inner, isFlat, width); });
  width += part.width;
  return false;
}

void Printer::endLine() {
  if (!isLineEmpty)
    result += '\n';
  isLineEmpty = true;
  endsWithComment = false;
  column = indent;
}

void Printer::write(StringRef text, bool hasBlankBefore) {
  if (endsWithComment)
    endLine();
  if (isLineEmpty) {
    text = text.ltrim(' ');
    if (text.empty())
      return;
    if (hasBlankBefore && !result.empty())
      result += '\n';
    result.append(indent, ' ');
    column = indent;
  }
  result += text;
  column += countCharacters(text);
  isLineEmpty = false;
}

void Printer::writeComment(const Part &comment) {
  if (!comment.isTrailing || endsWithComment)
    endLine();
  if (!isLineEmpty)
    write("  ", false);
  write(comment.text, comment.hasBlankBefore);
  endsWithComment = true;
}

void Printer::printFill(const Part &fill, size_t rest) {
  for (size_t i = 0; i < fill.parts.size(); i += 2) {
    bool isLast = i + 1 == fill.parts.size();
    const Part &content = fill.parts[i];
    size_t behind = isLast ? rest : 0;
    if (i > 0) {
      const Part &separator = fill.parts[i - 1];
      print(separator, !endsWithComment && fits(separator.width + content.width, behind), 0);
    }
    print(content, false, behind);
  }
}

void Printer::print(const Part &part, bool isFlat, size_t rest) {
  switch (part.kind) {
  case Kind::Text:
    return write(part.text, part.hasBlankBefore);
  case Kind::Comment:
    return writeComment(part);
  case Kind::Break:
    return isFlat ? write(part.text, false) : endLine();
  case Kind::Group:
    return print(part.parts, isFlat || fits(part.width, rest), rest);
  case Kind::Fill:
    return isFlat ? print(part.parts, true, rest) : printFill(part, rest);
  case Kind::Indent:
    indent += 4;
    if (isLineEmpty)
      column = indent;
    print(part.parts, isFlat, rest);
    indent -= 4;
    return;
  }
}

void Printer::print(const std::vector<Part> &parts, bool isFlat, size_t rest) {
  std::vector<size_t> behind(parts.size(), rest);
  for (size_t i = parts.size(); !isFlat && i-- > 1;) {
    size_t width = 0;
    behind[i - 1] = addUntilBreak(parts[i], isFlat, width) ? width : width + behind[i];
  }
  for (auto [part, restOfPart] : llvm::zip(parts, behind))
    print(part, isFlat, restOfPart);
}

std::string print(const std::vector<Part> &parts, size_t columns) {
  Printer printer(columns);
  printer.print(parts, /*isFlat=*/false, 0);
  return printer.take();
}

} // namespace flowc::layout
