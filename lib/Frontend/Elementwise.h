//===- Elementwise.h - Classes of elementwise bijections --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the definition of an elementwise bijection's op (FlowElementwise.td) says
// about its constructor: FlowJAX's class of the same name, field by field in
// FlowJAX's order. TableGen turns the definitions into the table of all classes,
// from which calls are read and ops are made; nothing here knows MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_ELEMENTWISE_H
#define FLOWC_LIB_FRONTEND_ELEMENTWISE_H

#include "NodeKinds.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <limits>
#include <optional>

namespace flowc::elementwise {

/// Which numbers a field may hold.
enum class Domain : uint8_t {
  Real,
  Positive,
  NonZero,
  Exponent, ///< (0, 80]: e to the power of it is a normal number in float32, and so is its inverse.
};

/// The numbers of one object, in the order of its fields.
using Numbers = llvm::ArrayRef<double>;

/// A field of a class.
struct Field {
  enum class Kind : uint8_t {
    None,    ///< Behind the last one.
    Shape,   ///< FlowJAX's `shape`: an argument, unless trained fields have it.
    Number,  ///< An argument that is not trained; an attribute of the op.
    Derived, ///< A number that follows from the others; FlowJAX keeps it.
    Trained, ///< An array of the event's shape; an operand of the op.
  };
  Kind kind = Kind::None;
  llvm::StringRef name = "";
  Domain domain = Domain::Real;
  double (*derive)(Numbers) = nullptr;
  /// What an argument is if it is left out; without it must be given.
  std::optional<double> fallback = std::nullopt;
};

constexpr Field shape() { return {Field::Kind::Shape, "shape"}; }
constexpr Field number(llvm::StringRef name, Domain domain, std::optional<double> fallback = std::nullopt) {
  return {Field::Kind::Number, name, domain, nullptr, fallback};
}
constexpr Field derived(llvm::StringRef name, double (*derive)(Numbers)) {
  return {Field::Kind::Derived, name, Domain::Real, derive};
}
/// A positive array is the softplus of its leaf `NAME.args[0]`, a real one is its
/// leaf `NAME`.
constexpr Field trained(llvm::StringRef name, Domain domain, std::optional<double> fallback = std::nullopt) {
  return {Field::Kind::Trained, name, domain, nullptr, fallback};
}

/// What supports, warnings and checks need to know of a class; what is left out holds for one
/// that takes all real numbers onto themselves, in a way that depends on its numbers.
struct Behaviour {
  IncreasingMap map = {};
  /// Whether it multiplies by a trained scale.
  bool isAffine = false;
  /// Whether numbers of any size come out in a known range, or nearly so.
  bool squashes = false;
  bool keepsValues = false;
  /// Whether an object with these numbers falls; null: none does.
  bool (*falls)(Numbers) = nullptr;
};

// Ranges for `map`.
inline constexpr Range line, positive = {0, std::numeric_limits<double>::infinity()}, unit = {0, 1},
                             symmetric = {-1, 1};

/// A class: the name of its op and its constructor, what it computes, its fields, and how it
/// behaves.
struct ElementwiseClass {
  static constexpr size_t maxFields = 8;
  llvm::StringRef name, summary;
  Field allFields[maxFields];
  Behaviour behaviour;

  llvm::ArrayRef<Field> fields() const {
    return llvm::ArrayRef<Field>(allFields).take_while(
        [](const Field &field) { return field.kind != Field::Kind::None; });
  }
};

/// All classes.
llvm::ArrayRef<ElementwiseClass> getClasses();

/// The class of this name, or null.
const ElementwiseClass *findClass(llvm::StringRef name);

} // namespace flowc::elementwise

#endif // FLOWC_LIB_FRONTEND_ELEMENTWISE_H
