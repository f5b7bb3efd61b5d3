//===- Objectives.cpp - Losses in the language ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `objective NAME(q, x, c; terms) = MATH` is a formula of vectors that have a number for
// each row of a batch: `log_prob(q, x, c)`, then the named terms. For a given number of
// rows it is a density over all these numbers, one vector behind the other, and so has
// kernels and a gradient as any density has.
//
//===----------------------------------------------------------------------===//

#include "Objectives.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>

namespace flowc {

using ast::Item;
using ast::MathExpr;
using llvm::StringRef;
using llvm::Twine;

/// What formulas call the vector of all terms and that of log-densities: no names that a
/// text can have.
static constexpr StringRef kAllTerms = "terms()", kLogProb = "log_prob()";

static bool bindTerms(Diagnostics &diagnostics, const Item &item, MathExpr &part) {
  if (part.kind == MathExpr::Kind::Call && part.text == "log_prob") {
    auto isInput = [&](size_t i) {
      return part.operands[i].kind == MathExpr::Kind::Name && part.operands[i].text == item.inputs[i];
    };
    bool fits = part.operands.size() == item.inputs.size();
    for (size_t i = 0; fits && i < item.inputs.size(); ++i)
      fits = isInput(i);
    if (!fits)
      diagnostics.report(part.loc, "expected `log_prob(" + llvm::join(item.inputs, ", ") +
                                       ")`, the log-density of each row, as in the head of `" + item.name + "`");
    part.kind = MathExpr::Kind::Name;
    part.text = kLogProb;
    part.operands.clear();
    return fits;
  }
  bool isRight = true;
  for (MathExpr &operand : part.operands)
    isRight &= bindTerms(diagnostics, item, operand);
  return isRight;
}

bool bindTerms(Diagnostics &diagnostics, Item &item) {
  item.variable = kLogProb;
  return bindTerms(diagnostics, item, item.formula);
}

MathExpr makeLet(StringRef name, MathExpr value, MathExpr body) {
  MathExpr let;
  let.kind = MathExpr::Kind::Let;
  let.loc = body.loc;
  let.text = name;
  let.height = std::max(value.height, body.height) + 1;
  let.operands.push_back(std::move(value));
  let.operands.push_back(std::move(body));
  return let;
}

static MathExpr makeNumber(int64_t number, llvm::SMLoc loc) {
  MathExpr result;
  result.kind = MathExpr::Kind::Number;
  result.number = static_cast<double>(number);
  result.loc = loc;
  return result;
}

MathExpr makeSlice(StringRef name, int64_t begin, int64_t end, llvm::SMLoc loc) {
  MathExpr whole, slice;
  whole.kind = MathExpr::Kind::Name;
  whole.text = name;
  whole.loc = slice.loc = loc;
  slice.kind = MathExpr::Kind::Slice;
  slice.height = 2;
  slice.operands = {whole, makeNumber(begin, loc), makeNumber(end, loc)};
  return slice;
}

Item instantiate(const Item &objective, int64_t rows) {
  Item density = objective;
  density.kind = Item::Kind::Density;
  density.variable = kAllTerms;
  density.dim = rows * static_cast<int64_t>(1 + objective.terms.size());
  llvm::SMLoc loc = objective.formula.loc;
  std::vector<StringRef> names{kLogProb};
  llvm::append_range(names, objective.terms);
  for (auto [i, name] : llvm::enumerate(names)) {
    auto begin = static_cast<int64_t>(i) * rows;
    density.formula = makeLet(name, makeSlice(kAllTerms, begin, begin + rows, loc), std::move(density.formula));
  }
  density.formula = makeLet("rows", makeNumber(rows, loc), std::move(density.formula));
  density.terms.clear();
  return density;
}

} // namespace flowc
