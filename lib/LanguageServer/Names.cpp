//===- Names.cpp - What names in a text stand for -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cursor.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Explain/Summary.h"
#include "flowc/Frontend/Vocabulary.h"
#include "flowc/LanguageServer/Services.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

namespace flowc::editor {

namespace lsp = llvm::lsp;
using ast::Item;
using llvm::StringRef;
using Kind = Token::Kind;

namespace {

/// A word of a text with all that stands before it.
struct Name {
  size_t begin, end;
  Cursor cursor;

  StringRef text() const { return cursor.word; }
  bool isColumn() const { return cursor.before().is(Kind::Dot); }
};

} // namespace

static std::optional<Name> findName(const Document &document, lsp::Position position) {
  SourceText source(document.text(), document.path());
  std::optional<llvm::SMRange> word = findWord(source, document.offsetOf(position));
  if (!word)
    return std::nullopt;
  size_t begin = word->Start.getPointer() - source.buffer().begin();
  size_t end = word->End.getPointer() - source.buffer().begin();
  Name name{begin, end, Cursor(document, end)};
  if (!name.cursor.isInText || name.text().empty())
    return std::nullopt;
  return name;
}

/// Whether the first token behind `end` is `=`, as behind the name of an argument.
static bool isBeforeAssign(const Document &document, size_t end) {
  return document.text().drop_front(end).ltrim().starts_with("=") &&
         !document.text().drop_front(end).ltrim().starts_with("==");
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

/// Where the formula around `name` binds it: the nearest `let`, state or element before it,
/// or its head.
static const Token *findBinding(const Name &name) {
  llvm::ArrayRef<Token> item = name.cursor.item;
  for (size_t i = item.size(); i-- > 3;) {
    if (!item[i].is(Kind::Word) || item[i].text != name.text())
      continue;
    bool isBound = item[i - 1].isWord("let") || item[i - 1].isWord("scan") ||
                   (i + 1 < item.size() && item[i + 1].is(Kind::Assign));
    if (isBound || i < *name.cursor.assign)
      return &item[i];
  }
  return nullptr;
}

/// The name of the item of this name that begins first.
static const Token *findItem(const Cursor &cursor, StringRef name) {
  for (size_t i = 0; i + 1 < cursor.tokens.size(); ++i)
    if (beginsItem(cursor.tokens[i], &cursor.tokens[i + 1]) && cursor.tokens[i + 1].text == name)
      return &cursor.tokens[i + 1];
  return nullptr;
}

std::optional<lsp::Range> findDefinition(const Document &document, lsp::Position position) {
  std::optional<Name> name = findName(document, position);
  if (!name || name->isColumn())
    return std::nullopt;
  const Cursor &cursor = name->cursor;
  bool isArgument = !cursor.isInFormula() && !cursor.brackets.empty() && isBeforeAssign(document, name->end);
  if (isArgument)
    return std::nullopt;
  const Token *definition = cursor.isInFormula() ? findBinding(*name) : nullptr;
  if (!definition)
    definition = findItem(cursor, name->text());
  bool isItsOwn = cursor.item.size() == 1 && beginsItem(cursor.before(), nullptr);
  if (!definition)
    return isItsOwn ? std::optional(document.rangeOf(name->begin, name->end)) : std::nullopt;
  size_t begin = definition->text.begin() - cursor.tokensBegin();
  return document.rangeOf(begin, begin + definition->text.size());
}

//===----------------------------------------------------------------------===//
// Hover
//===----------------------------------------------------------------------===//

/// The node that was written at `location`, in `root` or inside of it.
static NodePtr findNode(const NodePtr &root, SourceLocation location, llvm::DenseSet<const Node *> &seen) {
  if (!root || !seen.insert(root.get()).second)
    return nullptr;
  if (root->location.line == location.line && root->location.column == location.column)
    return root;
  for (const auto &field : root->fields)
    if (const auto *child = std::get_if<Child>(&field))
      if (NodePtr found = findNode(child->node, location, seen))
        return found;
  for (const Child &child : root->hidden)
    if (NodePtr found = findNode(child.node, location, seen))
      return found;
  return nullptr;
}

/// Shapes, parameters and efforts of an object.
static std::string describe(const NodePtr &node, StringRef name, const Document &document) {
  if (!node)
    return {};
  std::string text = "\n\nevent `" + formatShape(node->shape) + "`";
  if (node->condShape)
    text += ", condition `" + formatShape(*node->condShape) + "`";
  bool isDistribution = node->category == Node::Category::Distribution;
  if (!isDistribution && node->category != Node::Category::Bijection)
    return text;
  ParsedItem item;
  item.root = node;
  item.name = name.str();
  item.category = node->category;
  Flow flow = Flow::Impl::make(item, document.text());
  text += "  \nparameters: " + describeParameters(flow);
  Expected<FlowSummary> summary = summarize(flow);
  if (!summary)
    return text;
  text += "  \ntransform: " + std::string(describe(summary->transform)) + (isDistribution ? ", used by `sample`" : "");
  text += "  \ninverse: " + std::string(describe(summary->inverse)) + (isDistribution ? ", used by `log_prob`" : "");
  return text + "  \ncost: " + formatCount(summary->macsPerRow) + " multiply-adds a row";
}

static std::string asCode(const std::string &text) { return "```flow\n" + text + "\n```"; }

static std::string describe(const Signature &signature) {
  return asCode(signature.describe()) + (signature.documentation.empty() ? "" : "\n" + signature.documentation);
}

static std::string describeItem(const Item &item, const NodePtr &root, const Document &document) {
  StringRef keyword = StringRef(item.range.Start.getPointer(), item.name.begin() - item.range.Start.getPointer());
  std::string name = item.kind == Item::Kind::Formula ? describeFormula(item).describe() : item.name.str();
  return asCode(keyword.rtrim().str() + " " + name) + describe(root, item.name, document);
}

/// What is at `name`, in words; empty if there is nothing to say.
static std::string describe(const Name &name, const Document &document, const Analysis &analysis) {
  const Cursor &cursor = name.cursor;
  if (cursor.isInFormula()) {
    if (const Token *binding = findBinding(name)) {
      size_t at = binding->text.begin() - cursor.tokensBegin();
      StringRef line = document.text().drop_front(document.text().take_front(at).rfind('\n') + 1);
      return asCode(line.take_front(line.find('\n')).trim().str());
    }
    if (std::optional<Signature> function = describeFunction(name.text()))
      return describe(*function);
  }
  const auto &items = analysis.checked.file.items;
  auto item = llvm::find_if(items, [&](const Item &item) { return item.name == name.text() && !item.isNameless; });
  if (item != items.end())
    return describeItem(*item, analysis.checked.roots[item - items.begin()], document);
  if (cursor.isInFormula())
    return {};
  // The name of an argument is explained by the call that it is in.
  bool isArgument = !cursor.brackets.empty() && isBeforeAssign(document, name.end);
  std::optional<Signature> signature = describeConstructor(isArgument ? cursor.brackets.back().callee : name.text());
  if (!signature)
    return {};
  if (isArgument)
    return describe(*signature);
  SourceLocation location = analysis.checked.source->locate(
      llvm::SMLoc::getFromPointer(analysis.checked.source->buffer().begin() + name.begin));
  llvm::DenseSet<const Node *> seen;
  NodePtr node;
  for (const NodePtr &root : analysis.checked.roots)
    if (!node)
      node = findNode(root, location, seen);
  return describe(*signature) + describe(node, name.text(), document);
}

std::optional<lsp::Hover> explain(const Document &document, const Analysis &analysis, lsp::Position position) {
  std::optional<Name> name = findName(document, position);
  if (!name || name->isColumn())
    return std::nullopt;
  std::string text = describe(*name, document, analysis);
  if (text.empty())
    return std::nullopt;
  lsp::Hover hover(document.rangeOf(name->begin, name->end));
  hover.contents.value = std::move(text);
  return hover;
}

} // namespace flowc::editor
