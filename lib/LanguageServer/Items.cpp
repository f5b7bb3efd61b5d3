//===- Items.cpp - The items of a text, and its layout --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Formatter.h"
#include "flowc/Frontend/Parser.h"
#include "flowc/LanguageServer/Services.h"

#include "llvm/ADT/StringExtras.h"

namespace flowc::editor {

namespace lsp = llvm::lsp;
using ast::Item;
using llvm::StringRef;

static lsp::SymbolKind symbolOf(Item::Kind kind) {
  switch (kind) {
  case Item::Kind::Flow:
    return lsp::SymbolKind::Class;
  case Item::Kind::Data:
    return lsp::SymbolKind::Array;
  case Item::Kind::Bijection:
    return lsp::SymbolKind::Object;
  case Item::Kind::Formula:
  case Item::Kind::Density:
  case Item::Kind::Objective:
    break;
  }
  return lsp::SymbolKind::Function;
}

std::vector<lsp::DocumentSymbol> listItems(const Document &document) {
  SourceText source(document.text(), document.path());
  Diagnostics diagnostics(source);
  ast::File file = parseSource(diagnostics);
  std::vector<lsp::DocumentSymbol> symbols;
  for (const Item &item : file.items) {
    const char *end = item.name.end();
    // What has no name yet is nothing to find.
    if (item.name.empty() || (!llvm::isAlpha(item.name.front()) && item.name.front() != '_'))
      continue;
    lsp::Range name = document.rangeOf(source, {item.nameLoc, llvm::SMLoc::getFromPointer(end)});
    lsp::DocumentSymbol symbol(item.name, symbolOf(item.kind), document.rangeOf(source, item.range), name);
    StringRef keyword(item.range.Start.getPointer(), item.name.begin() - item.range.Start.getPointer());
    symbol.detail = keyword.rtrim().str();
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

/// Characters that `a` and `b` begin with, up to the end of a line.
static size_t countEqualLines(StringRef a, StringRef b) {
  size_t equal = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i)
    if (a[i] == '\n')
      equal = i + 1;
  return equal;
}

std::vector<lsp::TextEdit> format(const Document &document) {
  Expected<std::string> formatted = formatText(document.text(), document.path());
  if (!formatted || *formatted == document.text())
    return {};
  // Lines before and behind all changes stay, and with them the cursor of the editor.
  size_t begin = countEqualLines(document.text(), *formatted);
  StringRef before = document.text().drop_front(begin), after = StringRef(*formatted).drop_front(begin);
  size_t end = 0;
  for (size_t i = 1; i <= std::min(before.size(), after.size()); ++i) {
    if (before[before.size() - i] != after[after.size() - i])
      break;
    if (i == before.size() || before[before.size() - i - 1] == '\n')
      end = i;
  }
  lsp::TextEdit edit;
  edit.range = document.rangeOf(begin, document.text().size() - end);
  edit.newText = after.drop_back(end).str();
  return {std::move(edit)};
}

} // namespace flowc::editor
