//===- ShapeChecker.h - Shapes in formulas of densities ------- -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value in a formula is a number or a vector, of numbers or of conditions, or a
// matrix of data. Names and numbers of arguments have been checked (MathCheck.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_SHAPECHECKER_H
#define FLOWC_LIB_FRONTEND_SHAPECHECKER_H

#include "DataReader.h"

#include <optional>

namespace flowc {

/// What a part of a formula is: `length` elements (0: a single one), of `columns`
/// numbers each if it is a matrix.
struct PartShape {
  int64_t length = 0;
  bool isCondition = false;
  int64_t columns = 0;

  bool isVector() const { return length > 0 && columns == 0; }
  bool isMatrix() const { return columns > 0; }
  std::string describe() const;
};

/// The value of a part that depends on numbers and data only: one number, or those of
/// a vector.
struct ConstantPart {
  bool isVector = false;
  std::vector<double> values;

  double at(size_t i) const { return values[isVector ? i : 0]; }
};

/// Checks the parts of one formula, and writes into the tree what follows from data:
/// which array a name stands for, and positions as plain numbers.
class ShapeChecker {
public:
  ShapeChecker(Diagnostics &diagnostics, ast::Item &item, DataReader &reader)
      : diagnostics(diagnostics), item(item), reader(reader) {
    names.push_back({item.variable, PartShape{item.dim}, nullptr, std::nullopt});
  }

  /// The shape of `part`; nothing after a mistake in it.
  std::optional<PartShape> check(ast::MathExpr &part);

private:
  /// The variable, a `let` or an element or state of a scan.
  struct Name {
    llvm::StringRef text;
    /// Nothing if what it stands for has a mistake.
    std::optional<PartShape> shape;
    /// Of a `let`: what it stands for, and its value once that has been asked for.
    const ast::MathExpr *definition;
    std::optional<ConstantPart> constant;
  };

  // MathShapes.cpp
  std::optional<PartShape> checkCall(ast::MathExpr &call);
  std::optional<PartShape> checkLet(ast::MathExpr &let);
  std::optional<PartShape> checkNumbers(ast::MathExpr &part, llvm::StringRef name, PartShape start = {});
  bool checkNumbersOnly(const ast::MathExpr &part, const PartShape &shape, llvm::StringRef name);
  // MathArrays.cpp
  std::optional<PartShape> checkName(ast::MathExpr &name);
  std::optional<PartShape> checkColumn(ast::MathExpr &column);
  std::optional<PartShape> checkArray(ast::MathExpr &array);
  std::optional<PartShape> checkDot(ast::MathExpr &dot);
  std::optional<PartShape> checkAccess(ast::MathExpr &access);
  std::optional<PartShape> checkGather(ast::MathExpr &access, const PartShape &vector, const PartShape &positions);
  std::optional<PartShape> checkScan(ast::MathExpr &scan);
  /// The position that `bound` names in a vector; nothing after an error.
  std::optional<int64_t> checkPosition(const ast::MathExpr &bound, int64_t length, bool isEnd);
  /// Records that the formula reads `array`, of which `part` is an occurrence.
  PartShape useData(ast::MathExpr &part, DataReader::Array array);
  /// The value of a checked part where the first `numNames` names are known; nothing
  /// if it depends on more than numbers and data.
  std::optional<ConstantPart> evaluate(const ast::MathExpr &part, size_t numNames);
  std::optional<ConstantPart> evaluateName(const ast::MathExpr &name, size_t numNames);
  std::optional<ConstantPart> evaluateArithmetic(const ast::MathExpr &part, size_t numNames);

  std::nullopt_t fail(llvm::SMLoc where, const llvm::Twine &message) {
    diagnostics.report(where, message);
    return std::nullopt;
  }
  Name *findName(llvm::StringRef text, size_t numNames);

  Diagnostics &diagnostics;
  ast::Item &item;
  DataReader &reader;
  std::vector<Name> names;
};

/// Checks the shapes of all parts of a density's formula: what is added has
/// equal lengths, or one of them is a number; the whole is a number. Reads the data
/// that it uses. False after a mistake.
bool checkDensity(Diagnostics &diagnostics, ast::Item &item, DataReader &reader);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_SHAPECHECKER_H
