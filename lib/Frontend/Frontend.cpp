//===- Frontend.cpp - From text to a flow ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Frontend.h"

#include "Evaluator.h"
#include "Objectives.h"
#include "ShapeChecker.h"

#include "flowc/Frontend/CheckedText.h"
#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/Parser.h"
#include "flowc/Support/Format.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc {

using ast::Item;
using llvm::StringRef;
using llvm::Twine;

/// The item that was asked for, or an error that lists what there is. Without a
/// name, the last item of the first of `kinds` that there is.
static Expected<const Item *> selectItem(const ast::File &file, StringRef fileName, StringRef name,
                                         llvm::ArrayRef<Item::Kind> kinds, const Twine &expected) {
  auto error = [&](const Twine &message) {
    return Error{(fileName + ": error: " + abbreviate(message.str(), 2000)).str()};
  };
  if (!name.empty()) {
    auto named = llvm::find_if(file.items, [&](const Item &item) { return item.name == name; });
    if (named != file.items.end() && named->kind == Item::Kind::Data)
      return error("`" + name + "` is data, expected " + expected);
    if (named != file.items.end() &&
        (named->kind == Item::Kind::Objective) != llvm::is_contained(kinds, Item::Kind::Objective))
      return error("`" + name + "` is " + (named->kind == Item::Kind::Objective ? "an" : "no") +
                   " objective, expected " + expected);
    if (named != file.items.end())
      return &*named;
    std::vector<StringRef> names;
    for (const Item &item : file.items)
      names.push_back(item.name);
    return error("there is no item `" + name + "`" + suggestion(name, names) +
                 (names.empty() ? "" : " (items: " + llvm::join(names, ", ") + ")"));
  }
  auto items = llvm::reverse(file.items);
  for (Item::Kind kind : kinds) {
    // A bijection is one however it is defined.
    auto isOfKind = [&](const Item &item) {
      return item.kind == kind || (kind == Item::Kind::Bijection && item.kind == Item::Kind::Formula);
    };
    if (auto selected = llvm::find_if(items, isOfKind); selected != items.end())
      return &*selected;
  }
  return error("expected " + expected + ", found " + Twine(file.items.empty() ? "no item" : "other items only"));
}

/// The node of a `density` item.
static NodePtr makeDensity(const std::shared_ptr<const SourceText> &source, const Item &item) {
  auto node = std::make_shared<Node>();
  node->category = Node::Category::Density;
  node->kind = "density";
  node->location = source->locate(item.nameLoc);
  node->shape = {item.dim};
  node->formula = std::make_shared<Formula>(Formula{source, item});
  return node;
}

/// Whether a formula may read data (a name in it may be that of something else).
static bool readsData(const ast::MathExpr &part, const DataReader &reader) {
  if (part.kind == ast::MathExpr::Kind::Name && reader.find(part.text))
    return true;
  return llvm::any_of(part.operands, [&](const ast::MathExpr &operand) { return readsData(operand, reader); });
}

namespace {
/// Checks the items of one text, in order.
class ItemChecker {
public:
  ItemChecker(Diagnostics &diagnostics, std::shared_ptr<const SourceText> source, const ast::File &file,
              std::string_view fileName)
      : diagnostics(diagnostics), source(std::move(source)), evaluator(diagnostics, file),
        reader(diagnostics, file, fileName) {}

  /// What `item` defines, null if it has a mistake. A density that needs data is checked
  /// `withData` only.
  NodePtr check(Item &item, bool withData);

private:
  Diagnostics &diagnostics;
  std::shared_ptr<const SourceText> source;
  Evaluator evaluator;
  DataReader reader;
};
} // namespace

NodePtr ItemChecker::check(Item &item, bool withData) {
  if (item.isBroken || diagnostics.isFull())
    return nullptr;
  switch (item.kind) {
  case Item::Kind::Flow:
  case Item::Kind::Bijection:
    return evaluator.evaluateItem(item);
  case Item::Kind::Formula:
    return evaluator.defineFormula(source, item);
  case Item::Kind::Density:
    if (!withData && readsData(item.formula, reader))
      return nullptr;
    return checkDensity(diagnostics, item, reader) ? makeDensity(source, item) : nullptr;
  case Item::Kind::Data:
  case Item::Kind::Objective: // A density for every number of rows.
    break;
  }
  return nullptr;
}

/// `rows`: of what batch an objective is.
static Expected<ParsedItem> parseItem(std::string_view text, std::string_view file, std::string_view name,
                                      llvm::ArrayRef<Item::Kind> kinds, const Twine &expected, int64_t rows = 2) {
  auto source = std::make_shared<const SourceText>(text, file);
  Diagnostics diagnostics(*source);
  ast::File parsed = parseSource(diagnostics);
  Expected<const Item *> selected = selectItem(parsed, file, name, kinds, expected);

  ParsedItem result;
  ItemChecker checker(diagnostics, source, parsed, file);
  for (Item &item : parsed.items) {
    bool isSelected = selected && &item == *selected;
    if (item.kind == Item::Kind::Data)
      continue;
    result.itemNames.push_back(item.name.str());
    if (item.kind == Item::Kind::Objective && !item.isBroken) {
      if (isSelected)
        llvm::append_range(result.terms, llvm::map_range(item.terms, [](StringRef term) { return term.str(); }));
      item = instantiate(item, rows);
    }
    // A flow does not need the data of a density beside it: models have only the text.
    NodePtr node = checker.check(item, /*withData=*/isSelected);
    if (isSelected)
      result.root = node;
  }
  if (diagnostics.hasErrors())
    return diagnostics.makeError();
  if (!selected)
    return selected.takeError();
  result.name = (*selected)->name.str();
  result.category = result.root->category;
  return result;
}

CheckedText checkText(std::string_view text, std::string_view file, std::stop_token stop) {
  CheckedText result;
  result.source = std::make_shared<const SourceText>(text, file);
  Diagnostics diagnostics(*result.source);
  result.file = parseSource(diagnostics);
  ItemChecker checker(diagnostics, result.source, result.file, file);
  for (Item &item : result.file.items) {
    bool isObjective = item.kind == Item::Kind::Objective && !item.isBroken;
    Item density = isObjective ? instantiate(item, /*rows=*/2) : Item();
    NodePtr node = stop.stop_requested() ? nullptr : checker.check(isObjective ? density : item, /*withData=*/false);
    result.roots.push_back(isObjective ? nullptr : node);
  }
  result.mistakes = diagnostics.take();
  if (diagnostics.hasErrors())
    result.error = diagnostics.makeError();
  return result;
}

/// What a text is mostly about.
static constexpr Item::Kind flowKinds[] = {Item::Kind::Flow, Item::Kind::Bijection, Item::Kind::Density};

Expected<ParsedItem> parseFlow(std::string_view text, std::string_view file, std::string_view name) {
  return parseItem(text, file, name, flowKinds,
                   "a `flow` or a `bijection`, as in `flow f = coupling_flow(standard_normal([2]))`");
}

Expected<ParsedItem> parseDensity(std::string_view text, std::string_view file, std::string_view name) {
  Expected<ParsedItem> item =
      parseItem(text, file, name, Item::Kind::Density, "a `density`, as in `density target(x[2]) = -0.5*sum(x^2)`");
  if (item && item->category != Node::Category::Density)
    return Error{(StringRef(file) + ": error: expected a `density`, but `" + item->name + "` is a " +
                  (item->category == Node::Category::Distribution ? "flow" : "bijection"))
                     .str()};
  return item;
}

Expected<ParsedItem> parseObjective(std::string_view text, int64_t rows, std::string_view file, std::string_view name) {
  return parseItem(text, file, name, Item::Kind::Objective,
                   "an `objective`, as in `objective nll(q, x) = -mean(log_prob(q, x))`", rows);
}

bool selectsObjective(std::string_view text, std::string_view name) {
  SourceText source(text, "<text>");
  Expected<ast::File> parsed = parseSource(source);
  return parsed && !selectItem(*parsed, "", name, flowKinds, "") &&
         selectItem(*parsed, "", name, Item::Kind::Objective, "");
}

} // namespace flowc
