//===- FrontendTesting.h - What tests of the front end share ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_FRONTENDTESTING_H
#define FLOWC_TEST_UNIT_FRONTENDTESTING_H

#include "flowc/Frontend/Frontend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

namespace flowc::test {

using Texts = std::vector<std::string>;

/// The node of an item. If there is an error, the test fails and goes on with an
/// empty node.
inline NodePtr parseNode(const std::string &text) {
  Expected<ParsedItem> item = parseFlow(text, "test.flow");
  if (item)
    return item->root;
  ADD_FAILURE() << item.error().message;
  return std::make_shared<Node>();
}

inline NodePtr parseBijection(const std::string &constructor) { return parseNode("bijection b = " + constructor); }
inline NodePtr parseDistribution(const std::string &constructor) { return parseNode("flow f = " + constructor); }

/// The error of a text, with its place and an excerpt, or "no error".
inline std::string messageFor(const std::string &text) {
  Expected<ParsedItem> item = parseFlow(text, "test.flow");
  return item ? "no error" : item.error().message;
}

/// What the error says, without its place and the excerpt.
inline std::string plainMessageFor(const std::string &text) {
  std::string message = messageFor(text);
  size_t start = message.find("error: ");
  return start == std::string::npos ? message : message.substr(start + 7, message.find('\n') - start - 7);
}

/// A wrong text, where it is wrong, and how the message begins.
struct Mistake {
  std::string text;
  unsigned line, column;
  std::string message;
};

/// Such texts behind `bijection b = ` and `flow f = `; columns are those of `text`.
inline Mistake inBijection(const std::string &text, unsigned column, const std::string &message) {
  return {"bijection b = " + text, 1, column + 14, message};
}
inline Mistake inFlow(const std::string &text, unsigned column, const std::string &message) {
  return {"flow f = " + text, 1, column + 9, message};
}

inline void expectMistake(const Mistake &mistake) {
  std::string message = messageFor(mistake.text);
  std::string start = "test.flow:" + std::to_string(mistake.line) + ":" + std::to_string(mistake.column) +
                      ": error: " + mistake.message;
  EXPECT_EQ(message.substr(0, start.size()), start) << "for: " << mistake.text << "\nfound: " << message;
}

/// Expects mistakes in bijections, each with its column and message.
inline void expectMistakesInBijections(const std::vector<std::tuple<std::string, unsigned, std::string>> &mistakes) {
  for (const auto &[text, column, message] : mistakes)
    expectMistake(inBijection(text, column, message));
}

/// Paths of all leaves, in FlowJAX's order.
inline Texts leafPaths(const Node &root) {
  Texts paths;
  for (const PlacedLeaf &leaf : flattenLeaves(root))
    paths.push_back(leaf.path);
  return paths;
}

/// The values of the leaf at `path`.
inline std::vector<double> leafValues(const Node &root, const std::string &path) {
  for (const PlacedLeaf &leaf : flattenLeaves(root))
    if (leaf.path == path)
      return leaf.values;
  ADD_FAILURE() << "no leaf " << path;
  return {};
}

inline double softplus(double x) { return std::log1p(std::exp(x)); }

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_FRONTENDTESTING_H
