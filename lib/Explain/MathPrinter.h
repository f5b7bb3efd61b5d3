//===- MathPrinter.h - Sample programs as mathematics -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EXPLAIN_MATHPRINTER_H
#define FLOWC_LIB_EXPLAIN_MATHPRINTER_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Flow/IR/SpecializerTrace.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/Root.h"

#include "llvm/Support/raw_ostream.h"

#include <map>
#include <string>

namespace flowc {

/// How tightly the outermost operator of an expression binds.
enum class Binding { Choice, Comparison, Sum, Product, Sign, Power, Atom };

/// An expression in mathematical notation.
struct MathText {
  std::string text;
  Binding binding = Binding::Atom;

  /// The text, in brackets if it binds less tightly than `least`.
  std::string at(Binding least) const { return binding < least ? "(" + text + ")" : text; }
};

/// A number as mathematics writes it: `0.5`, `log 2`, `−∞`.
MathText formatConstant(double value);

/// The expression that `op`, an op of one result without regions, computes from
/// its operands' expressions.
MathText formatOp(mlir::Operation *op, llvm::ArrayRef<MathText> operands);

/// The expression of piece `number` of a split.
MathText formatPiece(sample::SplitOp split, unsigned number, const MathText &whole);

/// Prints programs as equations: what is used once and short goes into the
/// expression that uses it, everything else gets a name and a line.
class MathPrinter {
public:
  /// `trace`, if given, says which bijection emitted what: its steps become
  /// headings.
  MathPrinter(llvm::raw_ostream &os, const flow::SpecializerTrace *trace = nullptr) : os(os), trace(trace) {}

  void setIndent(unsigned spaces) { indent = spaces; }
  /// What an argument or an earlier result is called.
  void setName(mlir::Value value, const std::string &name) { names[value] = {name, Binding::Atom}; }
  /// What a result is to be called once it is computed.
  void setTarget(mlir::Value value, const std::string &name) { targets.try_emplace(value, name); }

  /// Prints the equations of the ops of `block`, those between `first` and its
  /// end.
  void printBlock(mlir::Block &block) { printOps(block.begin(), block.end()); }
  void printOps(mlir::Block::iterator begin, mlir::Block::iterator end);
  /// Prints `name = value`, unless the value's own line has said so.
  void printResult(mlir::Value value, const std::string &name);
  void printLine(const llvm::Twine &line);
  /// The expression or the name of a value.
  MathText getText(mlir::Value value);

private:
  // MathPrinter.cpp
  bool needsLine(mlir::Operation *op);
  void printOp(mlir::Operation *op);
  void printHeadings(mlir::Operation *op);
  void define(mlir::Value value, const MathText &expression);
  std::string takeName(mlir::Value value, llvm::StringRef stem);
  MathText computeText(mlir::Value value);

  // MathPrinterStructured.cpp
  void printMap(sample::MapOp map);
  void printScan(sample::ScanOp scan);
  void printSweep(sample::SweepOp sweep);
  void printRoot(sample::RootOp root);
  void printBlockSweep(sample::BlockSweepOp sweep);
  void printOuter(sample::OuterOp outer);
  MathText formatDense(sample::DenseOp dense);
  MathText formatWeight(mlir::Value weight, std::optional<sample::RankMaskAttr> mask, bool transposed);
  std::string getElement(mlir::Value whole, const std::string &index);

  llvm::raw_ostream &os;
  const flow::SpecializerTrace *trace;
  const flow::SpecializerTrace::Step *current = nullptr;
  unsigned indent = 0;
  llvm::DenseMap<mlir::Value, MathText> names;
  llvm::DenseMap<mlir::Value, std::string> targets;
  std::map<std::string, unsigned> counters;
};

/// Short names of leaves, in the order of their paths: what tells them apart, and
/// W₁, b₁, ... for the layers of networks. Raw numbers behind a transform, such as
/// that of a positive scale, get a prime.
std::vector<std::string> getLeafNames(llvm::ArrayRef<std::string> paths);

} // namespace flowc

#endif // FLOWC_LIB_EXPLAIN_MATHPRINTER_H
