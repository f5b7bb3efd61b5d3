//===- Evaluator.h - From syntax trees to nodes -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_EVALUATOR_H
#define FLOWC_LIB_FRONTEND_EVALUATOR_H

#include "Constructors.h"

#include "flowc/Frontend/AST.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace flowc {

/// A bijection that a formula defines.
struct FormulaItem {
  std::shared_ptr<const Formula> definition;
  /// Whether the inverse is a formula, too.
  bool isAnalytic = true;
};

/// Evaluates the items of one file in order.
class Evaluator {
public:
  Evaluator(const SourceText &source, const ast::File &file) : source(source), file(file) {}

  /// The object that an item with a constructor defines; null after an error.
  NodePtr evaluateItem(const ast::Item &item);
  /// Makes `NAME(shape)` construct the bijection that the formula of `item`, a part of
  /// `text`, defines; returns the scalar one, or null after an error.
  NodePtr defineFormula(std::shared_ptr<const SourceText> text, const ast::Item &item);

  void fail(llvm::SMLoc where, const llvm::Twine &message) {
    if (!failure)
      failure = source.error(where, message);
  }
  const std::optional<Error> &error() const { return failure; }

  SourceLocation locate(llvm::SMLoc where) const { return source.locate(where); }
  /// Explains a word that stands where an object is needed.
  void failUnknownName(llvm::StringRef word, llvm::SMLoc where);
  /// Records the size of a node whose children are known, and checks it.
  bool checkSize(const Node &node, llvm::SMLoc where);

private:
  /// How large a node is when it is written out in full: names let a short
  /// text describe an exponentially large object.
  struct Size {
    int64_t depth = 1, fields = 1;
    double elements = 0;
  };

  /// Counts elements of arrays, which a short text can have many of; false after an error.
  bool addElements(size_t count, llvm::SMLoc where);
  Value evaluate(const ast::Expr &expr);
  Value::Data evaluateWord(const ast::Expr &expr);
  Value::Data evaluateList(const ast::Expr &expr);
  Value::Data evaluateCall(const ast::Expr &expr);
  Value::Data callFormula(const ast::Expr &expr);
  bool checkScalar(const ast::MathExpr &part);
  const Constructor *resolve(const ast::Expr &expr);
  bool bindArguments(const Constructor &constructor, const ast::Expr &expr, std::vector<Value> &values);
  Value::Data stackArrays(const std::vector<Value> &elements);
  std::vector<llvm::StringRef> knownNames() const;

  const SourceText &source;
  const ast::File &file;
  llvm::StringMap<NodePtr> objects;
  llvm::StringMap<FormulaItem> formulas;
  llvm::DenseMap<const Node *, Size> sizes;
  size_t arrayElements = 0;
  std::optional<Error> failure;
};

/// What a value is, for messages: "the number 3", "an array of shape [2]".
std::string describe(const Value::Data &data);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_EVALUATOR_H
