//===- Document.cpp - A text that an editor shows -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/LanguageServer/Document.h"

#include "flowc/Frontend/Warnings.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

namespace flowc::editor {

namespace lsp = llvm::lsp;
using llvm::StringRef;

static bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// UTF-16 code units of the character that begins with this byte: two for those that take
/// four bytes.
static int unitsOf(char first) { return static_cast<unsigned char>(first) >= 0xF0 ? 2 : 1; }

Document::Document(std::string text, std::string path) : contents(std::move(text)), file(std::move(path)) {
  lineStarts.push_back(0);
  for (auto [i, c] : llvm::enumerate(contents))
    if (c == '\n')
      lineStarts.push_back(i + 1);
}

StringRef Document::line(size_t index) const {
  size_t end = index + 1 < lineStarts.size() ? lineStarts[index + 1] - 1 : contents.size();
  return text().slice(lineStarts[index], end);
}

size_t Document::offsetOf(lsp::Position position) const {
  if (position.line < 0)
    return 0;
  if (static_cast<size_t>(position.line) >= lineStarts.size())
    return contents.size();
  StringRef line = this->line(position.line);
  size_t byte = 0;
  for (int unit = 0; byte < line.size() && unit < position.character;) {
    unit += unitsOf(line[byte++]);
    // In the middle of a character is before it.
    if (unit > position.character) {
      --byte;
      break;
    }
    while (byte < line.size() && isContinuation(line[byte]))
      ++byte;
  }
  return lineStarts[position.line] + byte;
}

lsp::Position Document::positionOf(size_t offset) const {
  offset = std::min(offset, contents.size());
  size_t index = llvm::upper_bound(lineStarts, offset) - lineStarts.begin() - 1;
  int units = 0;
  for (char c : text().slice(lineStarts[index], offset))
    if (!isContinuation(c))
      units += unitsOf(c);
  return {static_cast<int>(index), units};
}

lsp::Range Document::rangeOf(const SourceText &source, llvm::SMRange range) const {
  const char *begin = source.buffer().begin();
  return rangeOf(range.Start.getPointer() - begin, range.End.getPointer() - begin);
}

size_t Document::offsetOf(SourceLocation location) const {
  if (location.line == 0 || location.line > lineStarts.size())
    return 0;
  StringRef line = this->line(location.line - 1);
  size_t byte = 0;
  for (unsigned column = 1; byte < line.size() && column < location.column; ++column)
    do
      ++byte;
    while (byte < line.size() && isContinuation(line[byte]));
  return lineStarts[location.line - 1] + byte;
}

std::string Document::replace(lsp::Range range, StringRef replacement) const {
  size_t begin = offsetOf(range.start), end = std::max(begin, offsetOf(range.end));
  return (text().take_front(begin) + replacement + text().drop_front(end)).str();
}

static lsp::Diagnostic makeDiagnostic(lsp::Range range, lsp::DiagnosticSeverity severity, std::string message) {
  lsp::Diagnostic diagnostic;
  diagnostic.range = range;
  diagnostic.severity = severity;
  diagnostic.source = "flowc";
  diagnostic.message = std::move(message);
  return diagnostic;
}

Analysis analyze(const Document &document, std::stop_token stop) {
  Analysis analysis{checkText(document.text(), document.path(), std::move(stop)), {}};
  const SourceText &source = *analysis.checked.source;
  auto add = [&](llvm::SMLoc where, lsp::DiagnosticSeverity severity, const std::string &message) {
    lsp::Diagnostic diagnostic =
        makeDiagnostic(document.rangeOf(source, findRange(source, where)), severity, abbreviate(message, 2000));
    // Two items that use a third are warned about it once.
    bool isKnown = llvm::any_of(analysis.diagnostics, [&](const lsp::Diagnostic &known) {
      return known.range == diagnostic.range && known.message == diagnostic.message;
    });
    if (!isKnown)
      analysis.diagnostics.push_back(std::move(diagnostic));
  };
  for (const Diagnostic &mistake : analysis.checked.mistakes)
    add(mistake.where, lsp::DiagnosticSeverity::Error, mistake.message);
  for (const NodePtr &root : analysis.checked.roots) {
    if (!root || analysis.diagnostics.size() >= Diagnostics::kMost)
      continue;
    for (const Warning &warning : findWarnings(*root))
      add(llvm::SMLoc::getFromPointer(source.buffer().begin() + document.offsetOf(warning.location)),
          lsp::DiagnosticSeverity::Warning, warning.message);
  }
  return analysis;
}

} // namespace flowc::editor
