//===- Node.h - A constructed flow or bijection -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a constructor call of the language evaluates to. A node mirrors the
// FlowJAX object of the same name: its fields are the fields of FlowJAX's
// class, in FlowJAX's pytree order, so that flattening a node gives FlowJAX's
// leaves in FlowJAX's order (parameters, gradients and `.eqx` files agree).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_NODE_H
#define FLOWC_FRONTEND_NODE_H

#include "flowc/Support/Shape.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flowc {

/// Where in the source text something was written (1-based; 0 if unknown).
struct SourceLocation {
  unsigned line = 0, column = 0;
};

/// How the initial value of an array leaf is made.
struct Init {
  enum class Kind {
    Values,             ///< `values`, in row-major order.
    Uniform,            ///< offset + U(-scale, scale), each entry independent.
    Normal,             ///< scale * N(0, 1).
    TruncatedNormal,    ///< The same, without what is outside of +-2 scale.
    Shuffled,           ///< A random permutation of 0 ... n-1.
    InversePermutation, ///< Argsort of the leaf just before this one.
    Derived,            ///< `derive` of the leaf just before this one.
  };
  Kind kind = Kind::Values;
  /// One copy of the array, which all copies under enclosing scans share, or
  /// the copies of the innermost scans after each other (`scan([b1, b2])`):
  /// entry i of the stacked array is `values[i % values.size()]`.
  std::vector<double> values;
  double scale = 1.0, offset = 0.0;
  /// If given, what the diagonal of a random square matrix holds.
  std::optional<double> diagonal;
  /// Makes one copy from one copy of the other leaf.
  std::function<std::vector<double>(const std::vector<double> &)> derive;
};

/// One leaf of FlowJAX's pytree.
struct Leaf {
  enum class Kind {
    Trainable,   ///< Float array that training changes.
    Frozen,      ///< Float array inside `NonTrainable`.
    Permutation, ///< Integer array: data of the model, never trained.
    Constant,    ///< Array or number that follows from the text (masks, sizes).
  };
  enum class Type { Float, Int, Bool };
  Kind kind = Kind::Constant;
  Type type = Type::Float;
  /// Path below the field's owner as FlowJAX's keystr spells it without the
  /// leading dot, e.g. `loc`, `scale.args[0]`, `shape[0]`.
  std::string path;
  Shape shape;
  /// An array gets a leading axis under `scan` and stacked `vmap`; a Python
  /// number does not.
  bool isArray = true;
  Init init;
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;
struct Formula;

/// A child in pytree order, e.g. path `bijection`, `bijections[1]`.
struct Child {
  std::string path;
  NodePtr node;
};

/// A constant that describes a node but is no leaf.
using Attribute = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

/// A distribution, a bijection, a network, a density (a log-density that a
/// formula defines) or a method to find roots.
struct Node {
  enum class Category { Distribution, Bijection, Network, Density, Inverter };
  Category category = Category::Bijection;
  /// The constructor's name: `affine`, `scan`, `coupling`, `mlp`, `transformed`, ...
  std::string kind;
  SourceLocation location;
  /// Event shape; of a network: its output shape.
  Shape shape;
  /// Shape of the condition, if there is one.
  std::optional<Shape> condShape;
  /// Leaves and children in pytree order.
  std::vector<std::variant<Leaf, Child>> fields;
  /// Children that are not serialised: the transformer of a conditioner.
  std::vector<Child> hidden;
  /// Number of stacked copies that children's arrays hold (scan, vmap), or 0.
  int64_t stack = 0;
  /// E.g. `activation`, `untransformed_dim`, `knots`, `interval` (two doubles).
  std::map<std::string, Attribute> attributes;
  /// What the text asks for in vain, in words for a warning; empty if nothing.
  std::string note;
  /// What defines a node of kind `density` (see Frontend/Formula.h); else null.
  std::shared_ptr<const Formula> formula;

  /// The leaf / child with this path. It must exist. The `.tree` that
  /// `non_trainable` adds to the path of a leaf may be left out.
  const Leaf &leaf(const std::string &path) const;
  const Node &child(const std::string &path) const;
  template <typename T>
  const T &attribute(const std::string &name) const {
    return std::get<T>(attributes.at(name));
  }
};

/// A leaf where it occurs in a whole object.
struct PlacedLeaf {
  std::string path; ///< Full path, e.g. `.bijection.bijections[0].loc`.
  const Leaf *leaf;
  const Node *owner;
  Shape shape; ///< With the leading axes of enclosing scans and vmaps.
  /// Row-major values of a `Constant`; initial values of others if
  /// `Init::Kind::Values` (with stacked copies), else empty.
  std::vector<double> values;
};

/// All leaves of `root` in FlowJAX's order, `Constant` ones included. Masks are
/// large: without `withValues`, all `values` are left empty.
std::vector<PlacedLeaf> flattenLeaves(const Node &root, bool withValues = true);

} // namespace flowc

#endif // FLOWC_FRONTEND_NODE_H
