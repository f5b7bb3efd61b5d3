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
#include "flowc/Frontend/Diagnostics.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace flowc {

/// A bijection that a formula defines.
struct FormulaItem {
  std::shared_ptr<const Formula> definition;
  /// Whether the inverse is a formula, too.
  bool isAnalytic = true;
};

/// Evaluates the items of one file in order. What uses an item with a mistake is not
/// judged.
class Evaluator {
public:
  Evaluator(Diagnostics &diagnostics, const ast::File &file)
      : diagnostics(diagnostics), source(diagnostics.text()), file(file), brokenNames(file.brokenNames) {}

  /// The object that an item with a constructor defines; null after an error.
  NodePtr evaluateItem(const ast::Item &item);
  /// Makes `NAME(shape)` construct the bijection that the formula of `item`, a part of
  /// `text`, defines; returns the scalar one, or null after an error.
  NodePtr defineFormula(std::shared_ptr<const SourceText> text, const ast::Item &item);

  void fail(llvm::SMLoc where, const llvm::Twine &message) { diagnostics.report(where, message); }

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
  /// Notes what an item defines, null after an error.
  NodePtr define(const ast::Item &item, NodePtr node);
  NodePtr checkCategory(const ast::Item &item, const Value &value);
  Value evaluate(const ast::Expr &expr);
  Value::Data evaluateWord(const ast::Expr &expr);
  Value::Data evaluateList(const ast::Expr &expr);
  Value::Data evaluateCall(const ast::Expr &expr);
  // Formulas.cpp
  bool checkFormula(const ast::Item &item);
  bool checkScalar(const ast::MathExpr &part);
  void checkScalarPart(const ast::MathExpr &part);
  NodePtr deriveFormula(std::shared_ptr<const SourceText> text, const ast::Item &item);
  const Constructor *resolve(const ast::Expr &expr);
  /// The values of the arguments that are written, in order.
  std::vector<Value> evaluateArguments(const ast::Expr &expr);
  bool bindArguments(const Constructor &constructor, const ast::Expr &expr, std::vector<Value> &values);
  /// Which parameter an argument is for; nothing after an error.
  std::optional<size_t> findParameter(const Constructor &constructor, const ast::Expr &expr, size_t position);
  /// Makes the call; nothing is made of arguments with mistakes.
  template <typename Build>
  Value::Data makeCall(const Constructor &constructor, const ast::Expr &expr, Build build);
  Value::Data stackArrays(const std::vector<Value> &elements);
  std::vector<llvm::StringRef> knownNames() const;

  Diagnostics &diagnostics;
  const SourceText &source;
  const ast::File &file;
  /// Of items with a mistake.
  llvm::DenseSet<llvm::StringRef> brokenNames;
  llvm::StringMap<NodePtr> objects;
  llvm::StringMap<FormulaItem> formulas;
  llvm::DenseMap<const Node *, Size> sizes;
  size_t arrayElements = 0;
  bool hasTooManyElements = false;
};

/// Of `NAME(shape)`, which constructs a bijection that a formula defines.
Constructor getFormulaConstructor(llvm::StringRef name);
NodePtr makeFormula(Call &call, const FormulaItem &formula, const Shape &shape);

/// What a value is, for messages: "the number 3", "an array of shape [2]".
std::string describe(const Value::Data &data);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_EVALUATOR_H
