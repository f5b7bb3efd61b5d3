//===- AST.h - Syntax trees of the flow language ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What was written, before any meaning is given to it. Trees point into the
// `SourceText` they were parsed from.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_AST_H
#define FLOWC_FRONTEND_AST_H

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace flowc {
struct DataArray;
} // namespace flowc

namespace flowc::ast {

struct Argument;

/// The right-hand side of `flow NAME =`: a call, or something inside one.
struct Expr {
  enum class Kind : uint8_t { Number, Word, List, Call };
  Kind kind = Kind::Word;
  /// Of a number: written without `.` and exponent.
  bool integral = false;
  double number = 0;
  llvm::SMLoc loc;
  /// A word, or the name of what is called.
  llvm::StringRef text;
  /// Arguments of a call; elements of a list (without names).
  std::vector<Argument> arguments;
};

/// `VALUE` or `NAME = VALUE`.
struct Argument {
  llvm::StringRef name;
  llvm::SMLoc nameLoc;
  Expr value;
};

/// A formula.
struct MathExpr {
  enum class Kind : uint8_t {
    Absent, ///< A bound that was left out, as in `x[:2]`.
    Number,
    Name,
    Array,
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    Call,
    Index,  ///< operands: object, index
    Slice,  ///< operands: object, begin, end
    Let,    ///< `text` is the name; operands: value, body
    Column, ///< `text` is the name of a column; operand: the name of a table
    Gather, ///< elements of a vector at the positions that `data` holds; operand: vector
    Scan,   ///< `text` is the name of the state; operands: start, any number of `Over`, next state
    Over,   ///< `text` is the name of an element in a scan; operand: the vector
  };
  Kind kind = Kind::Absent;
  double number = 0;
  /// Which array of the item's `data` this is, or a `Gather` takes its positions from;
  /// set by the check of shapes.
  int64_t data = -1;
  llvm::SMLoc loc;
  llvm::StringRef text;
  std::vector<MathExpr> operands;
  /// Height of the tree, which the parser limits.
  unsigned height = 1;
};

/// Where a trainable parameter of a formula lives, and its start value.
struct FormulaParameter {
  enum class Domain : uint8_t { Real, Positive, Interval };
  llvm::StringRef name;
  llvm::SMLoc loc;
  Domain domain = Domain::Real;
  double start = 0, low = 0, high = 0;
};

/// A definition.
struct Item {
  enum class Kind : uint8_t {
    Flow,      ///< `flow NAME = CONSTRUCTOR`
    Bijection, ///< `bijection NAME = CONSTRUCTOR`
    Formula,   ///< `bijection NAME(x; parameters) = MATH`
    Density,   ///< `density NAME(x[D]) = MATH`
    Data,      ///< `data NAME = table("FILE")` or `array("FILE")`
    Objective, ///< `objective NAME(q, x, c; terms) = MATH`
  };
  Kind kind = Kind::Flow;
  llvm::StringRef name;
  llvm::SMLoc nameLoc;
  /// From the keyword to the last token.
  llvm::SMRange range;
  /// Has a mistake that leaves nothing to evaluate.
  bool isBroken = false;
  /// Has a name that is taken, so that it defines nothing.
  bool isNameless = false;
  Expr constructor;
  llvm::StringRef variable;
  int64_t dim = 0;
  /// Of an objective: what it calls the flow, its event and its condition, and the names
  /// of the other terms of a row.
  std::vector<llvm::StringRef> inputs, terms;
  std::vector<FormulaParameter> parameters;
  MathExpr formula;
  /// Of data: the file as it is written, and whether its columns have names.
  llvm::StringRef path;
  llvm::SMLoc pathLoc;
  bool isTable = false;
  /// The arrays that a density reads: what its function takes after the event.
  std::vector<std::shared_ptr<const DataArray>> data;
  /// Arrays from which positions were computed, and nothing else: its function does not
  /// take them.
  std::vector<std::shared_ptr<const DataArray>> positionData;
  /// Positions in its formula that follow from the numbers in data: these are part of
  /// the code, as the text is.
  std::vector<int64_t> dataPositions;
};

/// A text: its items, in order.
struct File {
  std::vector<Item> items;
  /// What items with mistakes define, or would have defined.
  llvm::DenseSet<llvm::StringRef> brokenNames;
};

} // namespace flowc::ast

#endif // FLOWC_FRONTEND_AST_H
