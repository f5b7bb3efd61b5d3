//===- Traits.h - Marks of ops ----------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What passes ask of an op that is nothing but yes or no. Ops of other dialects can
// carry the marks, too.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_TRAITS_H
#define FLOWC_DIALECT_SAMPLE_IR_TRAITS_H

#include "mlir/IR/OpDefinition.h"

namespace flowc::sample {

/// Linear in all of the float operands together.
template <typename ConcreteType>
class Linear : public mlir::OpTrait::TraitBase<ConcreteType, Linear> {};

/// Gives every row something of its own: a draw, a weight.
template <typename ConcreteType>
class PerRow : public mlir::OpTrait::TraitBase<ConcreteType, PerRow> {};

/// Reads or makes a small tensor as a whole, which only bodies of maps do.
template <typename ConcreteType>
class InBodies : public mlir::OpTrait::TraitBase<ConcreteType, InBodies> {};

/// Its loops write the result wherever they are told to: into a part of a concatenation,
/// for example.
template <typename ConcreteType>
class WritesInto : public mlir::OpTrait::TraitBase<ConcreteType, WritesInto> {};

/// A function or a search: in the body of a map, loading its result costs less than computing
/// it again.
template <typename ConcreteType>
class Costly : public mlir::OpTrait::TraitBase<ConcreteType, Costly> {};

/// A product with a network's weights or a search: of a layer, storing its results in the
/// tile's workspace costs far less than computing them again.
template <typename ConcreteType>
class WorthStoring : public mlir::OpTrait::TraitBase<ConcreteType, WorthStoring> {};

/// Its results are its operands' numbers under other names: in the body of a map, no code.
template <typename ConcreteType>
class Renames : public mlir::OpTrait::TraitBase<ConcreteType, Renames> {};

/// Takes an operand apart: goes through its elements or layers, or reads a piece of it.
template <typename ConcreteType>
class TakesApart : public mlir::OpTrait::TraitBase<ConcreteType, TakesApart> {};

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_TRAITS_H
