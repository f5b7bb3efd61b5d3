//===- Flow.cpp - Parsed flows --------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/API/ModelImpl.h"
#include "flowc/Frontend/Frontend.h"

using namespace flowc;

Flow Flow::Impl::make(const ParsedItem &item, std::string_view text) {
  auto impl = std::make_shared<Flow::Impl>();
  impl->root = item.root;
  impl->name = item.name;
  impl->text = text;
  impl->isDistribution = item.category == Node::Category::Distribution;
  impl->dim = numElements(item.root->shape);
  impl->condDim = item.root->condShape ? numElements(*item.root->condShape) : 0;
  impl->terms = item.terms;
  impl->leaves = flattenLeaves(*item.root);
  return make(std::move(impl));
}

Expected<Flow> Flow::parse(std::string_view text, std::string_view name, std::string_view file) {
  auto item = parseFlow(text, file, name);
  if (!item)
    return item.takeError();
  return Impl::make(*item, text);
}

Expected<Flow> Flow::parseDensity(std::string_view text, std::string_view name, std::string_view file) {
  auto item = flowc::parseDensity(text, file, name);
  if (!item)
    return item.takeError();
  return Impl::make(*item, text);
}

Expected<Flow> Flow::parseObjective(std::string_view text, int64_t rows, std::string_view name, std::string_view file) {
  if (rows < 1 || rows > maxObjectiveRows)
    return Error{"an objective takes 1 to " + std::to_string(maxObjectiveRows) + " rows, got " + std::to_string(rows)};
  auto item = flowc::parseObjective(text, rows, file, name);
  if (!item)
    return item.takeError();
  // The text alone does not say what is computed; names of kernels and keys rely on it.
  return Impl::make(*item, std::string(text) + "\n# for " + std::to_string(rows) + " rows\n");
}

Expected<std::optional<Flow>> Flow::splitDetached() const {
  if (!isDensity())
    return Error{"'" + name() + "' is no density, and detaches nothing"};
  auto root = flowc::splitDetached(this->root());
  if (!root)
    return root.takeError();
  if (!*root)
    return std::optional<Flow>();
  ParsedItem item;
  item.root = *root;
  item.name = name();
  item.category = Node::Category::Density;
  return std::optional<Flow>(Impl::make(item, text() + "\n# detached parts at a second input\n"));
}

bool Flow::isDistribution() const { return impl->isDistribution; }
bool Flow::isDensity() const { return impl->root->category == Node::Category::Density; }
const std::string &Flow::name() const { return impl->name; }
const std::vector<std::string> &Flow::terms() const { return impl->terms; }
const std::string &Flow::text() const { return impl->text; }
const std::vector<int64_t> &Flow::shape() const { return impl->root->shape; }
int64_t Flow::dim() const { return impl->dim; }
const std::optional<std::vector<int64_t>> &Flow::condShape() const { return impl->root->condShape; }
int64_t Flow::condDim() const { return impl->condDim; }
const Node &Flow::root() const { return *impl->root; }
