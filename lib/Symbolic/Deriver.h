//===- Deriver.h - How formulas are differentiated and inverted -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_SYMBOLIC_DERIVER_H
#define FLOWC_LIB_SYMBOLIC_DERIVER_H

#include "Forms.h"

namespace flowc::symbolic {

/// Derives one formula, step by step.
class Deriver {
public:
  Deriver(Algebra &algebra, Derivation &result, Expr condition)
      : algebra(algebra), result(result), x(algebra.getVariable()), condition(condition) {}

  /// f, f' and log|f'|; false after an error.
  bool differentiate();
  void invert();

private:
  Expr simplifyAgain(Expr e);
  /// Leaves the pieces on which the formula is defined, and their domains; false after an error.
  bool findDomains();
  /// The `end` of a piece on whose other side the formula is undefined; `isBeyond`: outside
  /// of the piece's domain.
  void dropEnd(Expr &end, bool isBeyond);
  /// Whether the formula may be undefined between pieces: what it does there is not proven,
  /// and at both ends of the gap it may have one value.
  bool hasGap(const Piece &left, const Piece &right) const;
  /// Gives the formula one slope where it has a kink.
  void chooseSlopes();
  bool unwind();
  /// Solves y = h(g(x)) for an h that unwound and a g that is proven to rise or to fall; false
  /// if g is none.
  bool solvePart();
  /// Derives everything in a linear expression of x, for which the ends of the domain are
  /// numbers: log(x - m) + x begins at x - m = 0. False if there is none.
  bool solveShifted();
  bool solveIn(const Composite &composite);
  /// Proves that all pieces rise or all fall, and that they meet.
  bool proveMonotone();
  bool proveMeeting(const Piece &left, const Piece &right);
  /// Whether the formula is made of continuous functions, and bounded about `at`.
  bool isContinuousAt(Expr at);
  /// The condition of a `where` that no piece decides, null if there is none: at its
  /// switch the formula can jump, whatever its slope.
  Expr findUndecided(Expr e) const;
  bool unwindPieces();
  void fail(std::string why) {
    if (result.error.empty())
      result.error = std::move(why);
  }
  void failSign(Expr slope, const Interval &domain);
  /// " for x > 0 and x < 1": where a piece is, if not everywhere.
  std::string describe(const Piece &piece) const;
  /// Whether a formula has a kink or a jump.
  bool isSmooth(Expr e) const;

  /// The part of `condition` that `value` does not see to, whatever x is.
  Expr findLost(Expr value);

  Algebra &algebra;
  Derivation &result;
  Expr x;
  /// Where the formula is defined as it was written; null: everywhere.
  Expr condition;
  std::vector<Piece> pieces;
  /// That of the last piece.
  SignProof proof;
  /// Why the domain is not an interval, and why the formula does not unwind.
  std::string trouble, reason;
  bool isParameterAtFault = false;
  /// Whether x stands for something else already.
  bool isShifted = false;
  /// Steps of the unwinding, up to where it ended.
  std::vector<Step> unwound;
};

} // namespace flowc::symbolic

#endif // FLOWC_LIB_SYMBOLIC_DERIVER_H
