//===- Frontend.h - From text to a flow -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The door to the front end: text of a `.flow` file in, a checked tree of
// nodes out.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_FRONTEND_H
#define FLOWC_FRONTEND_FRONTEND_H

#include "flowc/Frontend/Node.h"
#include "flowc/Support/Expected.h"

#include <string>
#include <string_view>
#include <vector>

namespace flowc {

/// One item of a text, constructed and checked.
struct ParsedItem {
  NodePtr root;
  std::string name;
  /// `Distribution` for a `flow` item, `Density` for a `density`, else `Bijection`.
  Node::Category category = Node::Category::Bijection;
  /// Names of all items of the text, in order.
  std::vector<std::string> itemNames;
  /// Of an objective: the names of its terms beside `log_prob`.
  std::vector<std::string> terms;
};

/// Parses and checks all of `text` and returns the item called `name`; without
/// a name the last `flow`, else the last `bijection`, else the last `density`. The
/// message of an error has the form `FILE:LINE:COL: error: ...`, followed by
/// the line and a caret.
Expected<ParsedItem> parseFlow(std::string_view text, std::string_view file = "<text>", std::string_view name = {});

/// The same for a `density` (without a name the last one); anything else is an error.
Expected<ParsedItem> parseDensity(std::string_view text, std::string_view file = "<text>", std::string_view name = {});

/// An `objective` (without a name the last one) for a batch of `rows` rows: a density over
/// the log-densities of all rows, then each of `ParsedItem::terms` for all rows.
Expected<ParsedItem> parseObjective(std::string_view text, int64_t rows, std::string_view file = "<text>",
                                    std::string_view name = {});

/// Whether what `name` selects is an `objective`: so called or, without a name, the last
/// item of a text that has none of the others. Not if there is a mistake in the text.
bool selectsObjective(std::string_view text, std::string_view name = {});

/// The density over (x, h) that is `density` but for its detached parts, which are those
/// at h; null if nothing is detached.
Expected<NodePtr> splitDetached(const Node &density);

} // namespace flowc

#endif // FLOWC_FRONTEND_FRONTEND_H
