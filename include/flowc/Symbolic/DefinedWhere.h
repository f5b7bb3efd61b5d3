//===- DefinedWhere.h - Where formulas are defined as written ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Simplified formulas can be defined where what was written is not: exp(log(x)) is x for
// x > 0 only. Who reads a formula keeps the conditions of what it reads, and gives the
// simplified one back its domain.
//
// Conditions are expressions that are 1 where they hold and 0 where they do not;
// null holds everywhere. Single points, as in x/x, do not count.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SYMBOLIC_DEFINEDWHERE_H
#define FLOWC_SYMBOLIC_DEFINEDWHERE_H

#include "flowc/Symbolic/Expression.h"

#include <span>

namespace flowc::symbolic {

/// What has the sign of `e`, written in one way only: u of exp(v)*u^3, 2*u, sinh(u) and exp(u) - 1.
Expr reduceSign(Algebra &algebra, Expr e);

Expr bothHold(Algebra &algebra, Expr a, Expr b);

/// Where the value of a `where` is defined whose arms are defined under `yes` and `no`.
Expr holdsInArms(Algebra &algebra, Expr condition, Expr yes, Expr no);

/// Where `function` is defined, for arguments that are.
Expr getCondition(Algebra &algebra, Function function, std::span<const Expr> arguments);

/// Where base ^ exponent is defined. If the exponent is no number, a base must not be
/// negative: whole exponents are points among others, and what held for them only could
/// not be inverted or trained.
Expr getPowerCondition(Algebra &algebra, Expr base, Expr exponent);

/// Who makes sure of a condition of base ^ exponent for exponents that are no numbers.
enum class Powers : uint8_t {
  Checked, ///< a condition: bijections
  Ieee,    ///< what is computed, which is defined for negative bases and whole exponents: densities
};

/// What is left of `condition` where `value`, when it is computed, is a number only if the
/// rest of it holds: log(x) is NaN by itself for x < 0.
Expr findLostCondition(Algebra &algebra, Expr value, Expr condition, Powers powers);

/// `value` where `condition` holds, undefined elsewhere.
Expr restrict(Algebra &algebra, Expr value, Expr condition);

} // namespace flowc::symbolic

#endif // FLOWC_SYMBOLIC_DEFINEDWHERE_H
