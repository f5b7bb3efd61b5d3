//===- Completion.cpp - What can be written at a cursor -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cursor.h"

#include "flowc/Frontend/Data.h"
#include "flowc/Frontend/Parser.h"
#include "flowc/Frontend/Vocabulary.h"
#include "flowc/LanguageServer/Services.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc::editor {

namespace lsp = llvm::lsp;
using llvm::StringRef;
using Kind = Token::Kind;
using ItemKind = lsp::CompletionItemKind;

namespace {

class Completer {
public:
  Completer(const Document &document, const Cursor &cursor) : document(document), cursor(cursor) {}

  lsp::CompletionList complete();

private:
  void add(StringRef label, ItemKind kind, StringRef detail = "", StringRef documentation = "");
  void add(const std::optional<Signature> &signature, ItemKind kind);
  void addAll(llvm::ArrayRef<StringRef> labels, ItemKind kind, StringRef detail = "");
  void addKeywords();
  void addArgumentNames(const OpenBracket &call);
  void addValues();
  void addItems();
  void addFormulaParts();
  void addLocalNames();
  void addData(bool isTable);
  void addColumns(StringRef table);
  /// Calls `visit(i)` for the tokens that begin the items before the cursor.
  void forEachItem(llvm::function_ref<void(size_t)> visit) const;

  const Document &document;
  const Cursor &cursor;
  lsp::CompletionList list;
};

} // namespace

void Completer::add(StringRef label, ItemKind kind, StringRef detail, StringRef documentation) {
  // What comes first in the list is the nearest.
  std::string order = std::to_string(10000 + list.items.size());
  lsp::CompletionItem item(label, kind, order);
  item.detail = detail.str();
  if (!documentation.empty())
    item.documentation = lsp::MarkupContent{lsp::MarkupKind::Markdown, documentation.str()};
  list.items.push_back(std::move(item));
}

void Completer::add(const std::optional<Signature> &signature, ItemKind kind) {
  add(signature->name, kind, signature->describe(), signature->documentation);
}

void Completer::addAll(llvm::ArrayRef<StringRef> labels, ItemKind kind, StringRef detail) {
  for (StringRef label : labels)
    add(label, kind, detail);
}

void Completer::addKeywords() { addAll(itemKeywords(), ItemKind::Keyword); }

void Completer::forEachItem(llvm::function_ref<void(size_t)> visit) const {
  llvm::ArrayRef<Token> tokens = cursor.tokens;
  size_t current = tokens.size() - cursor.item.size();
  for (size_t i = 0; i + 2 < current; ++i)
    if (beginsItem(tokens[i], &tokens[i + 1]) && (i == 0 || !tokens[i - 1].is(Kind::Dot)))
      visit(i);
}

void Completer::addItems() {
  llvm::ArrayRef<Token> tokens = cursor.tokens;
  forEachItem([&](size_t i) {
    bool isObject = tokens[i + 2].is(Kind::Assign);
    if (tokens[i].isWord("bijection") && !isObject)
      add(tokens[i + 1].text, ItemKind::Constructor, "bijection, a formula");
    else if (tokens[i].isWord("flow") || tokens[i].isWord("bijection"))
      add(tokens[i + 1].text, ItemKind::Variable, tokens[i].text);
  });
}

void Completer::addArgumentNames(const OpenBracket &call) {
  std::optional<Signature> signature = describeConstructor(call.callee);
  if (!signature)
    return;
  for (auto [position, argument] : llvm::enumerate(signature->arguments)) {
    bool isGiven = position < call.position && call.names.empty();
    if (isGiven || llvm::is_contained(call.names, argument.name))
      continue;
    add(argument.name, ItemKind::Property, argument.fallback ? "default: " + *argument.fallback : "required");
    list.items.back().insertText = argument.name + " = ";
  }
}

void Completer::addValues() {
  addItems();
  for (StringRef name : constructorNames())
    add(describeConstructor(name), ItemKind::Constructor);
  addAll(activationNames(), ItemKind::EnumMember, "activation");
  addAll({"none", "true", "false"}, ItemKind::Constant);
}

void Completer::addLocalNames() {
  std::vector<StringRef> names;
  llvm::ArrayRef<Token> item = cursor.item;
  for (size_t i = 3; i < item.size(); ++i) {
    if (!item[i].is(Kind::Word))
      continue;
    bool isBound = item[i - 1].isWord("let") || item[i - 1].isWord("scan") ||
                   (i + 1 < item.size() && item[i + 1].is(Kind::Assign));
    bool isDomain = item[i].isWord("positive") || item[i].isWord("interval");
    if ((i < *cursor.assign ? !isDomain : isBound) && !llvm::is_contained(names, item[i].text))
      names.push_back(item[i].text);
  }
  for (StringRef name : llvm::reverse(names))
    add(name, ItemKind::Variable);
}

void Completer::addData(bool isTable) {
  forEachItem([&](size_t i) {
    if (cursor.tokens[i].isWord("data"))
      add(cursor.tokens[i + 1].text, ItemKind::Variable, isTable ? "data" : "");
  });
}

void Completer::addColumns(StringRef table) {
  llvm::ArrayRef<Token> tokens = cursor.tokens;
  forEachItem([&](size_t i) {
    // data NAME = table("FILE")
    if (!tokens[i].isWord("data") || tokens[i + 1].text != table || i + 5 >= tokens.size() ||
        !tokens[i + 3].isWord("table") || !tokens[i + 5].is(Kind::String))
      return;
    Expected<std::vector<std::string>> names = readDataColumns(tokens[i + 5].text, document.path());
    for (const std::string &name : names ? *names : std::vector<std::string>())
      add(name, ItemKind::Field, "column of " + table.str());
  });
}

void Completer::addFormulaParts() {
  addLocalNames();
  if (cursor.item.front().isWord("density"))
    addData(/*isTable=*/true);
  add("pi", ItemKind::Constant);
  for (StringRef name : functionNames())
    add(describeFunction(name), ItemKind::Function);
  addAll({"let", "scan"}, ItemKind::Keyword);
}

lsp::CompletionList Completer::complete() {
  const Token before = cursor.before();
  bool startsItem = before.is(Kind::EndOfFile) || (cursor.brackets.empty() && cursor.assign && !cursor.expectsValue());
  if (startsItem) {
    if (cursor.isInFormula())
      add("in", ItemKind::Keyword);
    addKeywords();
  } else if (cursor.isInFormula()) {
    if (before.is(Kind::Dot) && cursor.item.size() > 1)
      addColumns(cursor.item[cursor.item.size() - 2].text);
    else if (cursor.expectsValue())
      addFormulaParts();
  } else if (cursor.item.empty()) {
    addKeywords();
  } else if (cursor.item.front().isWord("data")) {
    if (before.is(Kind::Assign))
      addAll({"table", "array"}, ItemKind::Function);
  } else if (!cursor.assign) {
    // In the head of an item with a formula.
    if (before.is(Kind::Assign))
      addAll({"positive", "interval"}, ItemKind::Function, "domain of a parameter");
    if (cursor.item.front().isWord("objective") && before.is(Kind::Semicolon))
      add("target", ItemKind::Variable, "log-density of the target");
  } else if (cursor.expectsValue()) {
    if (!before.is(Kind::Assign) && !cursor.brackets.empty())
      addArgumentNames(cursor.brackets.back());
    addValues();
  }
  return std::move(list);
}

lsp::CompletionList complete(const Document &document, lsp::Position position) {
  Cursor cursor(document, document.offsetOf(position));
  return cursor.isInText ? Completer(document, cursor).complete() : lsp::CompletionList();
}

} // namespace flowc::editor
