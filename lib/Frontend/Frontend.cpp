//===- Frontend.cpp - From text to a flow ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Frontend.h"

#include "Evaluator.h"

#include "flowc/Frontend/Parser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc {

using ast::Item;
using llvm::StringRef;
using llvm::Twine;

/// The item that was asked for, or an error that lists what there is.
static Expected<const Item *> selectItem(const ast::File &file, StringRef fileName, StringRef name) {
  auto error = [&](const Twine &message) { return Error{(fileName + ": error: " + message).str()}; };
  if (!name.empty()) {
    auto named = llvm::find_if(file.items, [&](const Item &item) { return item.name == name; });
    if (named != file.items.end())
      return &*named;
    std::vector<StringRef> names;
    for (const Item &item : file.items)
      names.push_back(item.name);
    return error("there is no item `" + name + "`" + suggestion(name, names) +
                 (names.empty() ? "" : " (items: " + llvm::join(names, ", ") + ")"));
  }
  auto isFlow = [](const Item &item) { return item.kind == Item::Kind::Flow; };
  auto isBijection = [](const Item &item) {
    return item.kind == Item::Kind::Bijection || item.kind == Item::Kind::Formula;
  };
  auto items = llvm::reverse(file.items);
  auto selected = llvm::find_if(items, isFlow);
  if (selected == items.end())
    selected = llvm::find_if(items, isBijection);
  if (selected != items.end())
    return &*selected;
  return error("expected a `flow` or a `bijection`, as in `flow f = coupling_flow(standard_normal([2]))`, found " +
               Twine(file.items.empty() ? "no item" : "densities only"));
}

Expected<ParsedItem> parseFlow(std::string_view text, std::string_view file, std::string_view name) {
  SourceText source(text, file);
  Expected<ast::File> parsed = parseSource(source);
  if (!parsed)
    return parsed.takeError();
  Expected<const Item *> selected = selectItem(*parsed, file, name);
  if (!selected)
    return selected.takeError();

  ParsedItem result;
  Evaluator evaluator(source, *parsed);
  for (const Item &item : parsed->items) {
    result.itemNames.push_back(item.name.str());
    if (item.kind == Item::Kind::Formula || item.kind == Item::Kind::Density) {
      if (&item == *selected)
        evaluator.fail(item.nameLoc, "not supported yet: " + item.name + " (an item defined by a formula)");
    } else {
      NodePtr node = evaluator.evaluateItem(item);
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

} // namespace flowc
