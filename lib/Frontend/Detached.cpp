//===- Detached.cpp - Detached parts at an input of their own -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `detach(v)` is v, whose derivative is 0: the gradient of f at x is that of the function
// f(x, h) in x at h = x whose detached parts are computed from h. To have that function,
// the names that a detached part may use are bound again inside of it, from h on.
//
//===----------------------------------------------------------------------===//

#include "Objectives.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/Frontend.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc {

using ast::Item;
using ast::MathExpr;
using Kind = MathExpr::Kind;
using llvm::StringRef;

namespace {
class Splitter {
public:
  /// `held`: x in terms of both inputs, inside of detached parts.
  Splitter(const SourceText &source, StringRef variable, MathExpr held) : source(source) {
    outer.push_back({variable, std::move(held)});
  }

  Expected<void> split(MathExpr &part);
  bool hasFound() const { return found; }

private:
  Expected<void> splitDetached(MathExpr &operand);
  Expected<void> splitLet(MathExpr &let);
  Expected<void> splitScan(MathExpr &scan);
  /// Whether `part` uses the state or an element of a scan around it.
  bool usesScan(const MathExpr &part) const;

  const SourceText &source;
  /// The names around a part and what they stand for.
  std::vector<std::pair<StringRef, MathExpr>> outer;
  std::vector<StringRef> scanned;
  bool found = false;
};
} // namespace

bool Splitter::usesScan(const MathExpr &part) const {
  return (part.kind == Kind::Name && llvm::is_contained(scanned, part.text)) ||
         llvm::any_of(part.operands, [&](const MathExpr &operand) { return usesScan(operand); });
}

Expected<void> Splitter::splitDetached(MathExpr &operand) {
  found = true;
  if (usesScan(operand))
    return source.error(operand.loc, "differences cannot hold what a scan changes from step to step: "
                                     "expected `detach` outside of the scan");
  for (const auto &[name, value] : llvm::reverse(outer))
    operand = makeLet(name, value, std::move(operand));
  return {};
}

Expected<void> Splitter::splitLet(MathExpr &let) {
  MathExpr value = let.operands[0];
  if (auto ok = split(let.operands[0]); !ok)
    return ok;
  outer.push_back({let.text, std::move(value)});
  auto ok = split(let.operands[1]);
  outer.pop_back();
  return ok;
}

Expected<void> Splitter::splitScan(MathExpr &scan) {
  for (MathExpr &operand : llvm::MutableArrayRef(scan.operands).drop_back())
    if (auto ok = split(operand); !ok)
      return ok;
  size_t before = scanned.size();
  scanned.push_back(scan.text);
  for (const MathExpr &operand : scan.operands)
    if (operand.kind == Kind::Over)
      scanned.push_back(operand.text);
  auto ok = split(scan.operands.back());
  scanned.resize(before);
  return ok;
}

Expected<void> Splitter::split(MathExpr &part) {
  if (part.kind == Kind::Call && part.text == "detach")
    return splitDetached(part.operands.front());
  if (part.kind == Kind::Let)
    return splitLet(part);
  if (part.kind == Kind::Scan)
    return splitScan(part);
  for (MathExpr &operand : part.operands)
    if (auto ok = split(operand); !ok)
      return ok;
  return {};
}

/// What formulas call the vector of both inputs: no name that a text can have.
static constexpr StringRef kBoth = "both()";

Expected<NodePtr> splitDetached(const Node &density) {
  auto node = std::make_shared<Node>(density);
  auto formula = std::make_shared<Formula>(*density.formula);
  Item &item = formula->item;
  llvm::SMLoc loc = item.formula.loc;
  Splitter splitter(*formula->source, item.variable, makeSlice(kBoth, item.dim, 2 * item.dim, loc));
  if (auto ok = splitter.split(item.formula); !ok)
    return ok.takeError();
  if (!splitter.hasFound())
    return NodePtr();
  item.formula = makeLet(item.variable, makeSlice(kBoth, 0, item.dim, loc), std::move(item.formula));
  item.variable = kBoth;
  item.dim *= 2;
  node->shape = {item.dim};
  node->formula = std::move(formula);
  return NodePtr(std::move(node));
}

} // namespace flowc
