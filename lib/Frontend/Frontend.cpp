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

/// `rows`: of what batch an objective is.
static Expected<ParsedItem> parseItem(std::string_view text, std::string_view file, std::string_view name,
                                      llvm::ArrayRef<Item::Kind> kinds, const Twine &expected, int64_t rows = 2) {
  auto shared = std::make_shared<const SourceText>(text, file);
  const SourceText &source = *shared;
  Expected<ast::File> parsed = parseSource(source);
  if (!parsed)
    return parsed.takeError();
  Expected<const Item *> selected = selectItem(*parsed, file, name, kinds, expected);
  if (!selected)
    return selected.takeError();

  ParsedItem result;
  Evaluator evaluator(source, *parsed);
  DataReader reader(source, *parsed, file);
  for (Item &item : parsed->items) {
    if (item.kind == Item::Kind::Data)
      continue;
    result.itemNames.push_back(item.name.str());
    if (item.kind == Item::Kind::Objective) {
      if (&item == *selected)
        llvm::append_range(result.terms, llvm::map_range(item.terms, [](StringRef term) { return term.str(); }));
      item = instantiate(item, rows);
    }
    if (item.kind == Item::Kind::Density) {
      // A flow does not need the data of a density beside it: models have only the text.
      bool isChecked = &item == *selected || !readsData(item.formula, reader);
      Expected<void> valid = isChecked ? checkDensity(source, item, reader) : Expected<void>();
      if (!valid)
        return valid.takeError();
      if (&item == *selected)
        result.root = makeDensity(shared, item);
    } else {
      bool isFormula = item.kind == Item::Kind::Formula;
      NodePtr node = isFormula ? evaluator.defineFormula(shared, item) : evaluator.evaluateItem(item);
      if (&item == *selected)
        result.root = node;
    }
    if (evaluator.error())
      return *evaluator.error();
  }
  result.name = (*selected)->name.str();
  result.category = result.root->category;
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
