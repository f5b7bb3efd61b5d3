//===- Evaluator.h - Evaluation of nodes ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REFERENCE_EVALUATOR_H
#define FLOWC_LIB_REFERENCE_EVALUATOR_H

#include "flowc/Frontend/Node.h"
#include "flowc/Reference/Reference.h"

#include <cmath>

namespace flowc::reference {

/// Values of leaves by their full paths; a leaf under scans has the layers'
/// values after each other.
template <typename T>
using ParameterMap = std::map<std::string, std::vector<T>>;

/// A node where it occurs in the whole object.
struct Place {
  const Node &node;
  std::string path;
  /// The layer of each enclosing scan, outermost first, and their numbers.
  Shape indices, extents;

  Place child(const std::string &childPath) const {
    return {node.child(childPath), path + "." + childPath, indices, extents};
  }
};

/// Whether a distribution is another one behind a bijection.
bool hasBase(const Node &distribution);

/// The log-density that a formula defines, at x without NaN: -inf where the formula
/// is undefined.
template <typename T>
T evaluateDensity(const Node &density, const Column<T> &x);

/// log(1 + e^x), for every x.
template <typename T>
T softplus(T x) {
  return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
}

/// The inverse of softplus: NaN for negative numbers.
template <typename T>
T inverseSoftplus(T y) {
  return std::log(-std::expm1(-y)) + y;
}

/// The root of the increasing function `f` in [lower, upper], by bisection until
/// no number lies between.
template <typename T, typename Function>
T bisect(T lower, T upper, Function f) {
  for (T middle = lower; (middle = lower + (upper - lower) / 2) > lower && middle < upper;)
    (f(middle) > 0 ? upper : lower) = middle;
  return lower;
}

/// The activation function `name` of the language.
template <typename T>
T activate(const std::string &name, T x);

/// A layer of a block autoregressive network: its weight, logarithms of the positive
/// weights in the blocks on the diagonal, and biases.
template <typename T>
struct BlockLayer {
  Rows<T> weight, logOwn;
  Column<T> bias;
};

/// Evaluates bijections given the values of all leaves.
template <typename T>
class Evaluator {
public:
  /// `fault`, if given, gets the innermost part with finite arguments and a result that
  /// is not, unless what it is a part of comes out finite.
  explicit Evaluator(const ParameterMap<T> &parameters, std::optional<Fault> *fault = nullptr)
      : parameters(parameters), fault(fault) {}

  /// Whether there is a rule for a node (but not for its children).
  static bool knows(const Node &node);

  /// The bijection at `place`, or its inverse, with the log-determinant of that
  /// direction.
  Mapped<T> apply(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;

  /// The log-density of the distribution at `place`; -inf where it is not defined.
  T logDensity(const Place &place, const Column<T> &event, const Column<T> &condition) const;

private:
  /// Notes a fault of `place`, if it is the first: `what` names an entry of the results.
  void note(const Place &place, const Column<T> &arguments, const Column<T> &results, const char *what) const;
  T density(const Place &place, const Column<T> &event, const Column<T> &condition) const;
  static bool knowsElement(const std::string &kind);
  static bool knowsDistribution(const Node &node);

  using Rule = Mapped<T> (Evaluator::*)(const Place &, bool, const Column<T> &, const Column<T> &) const;
  static const std::map<std::string, Rule> &rules();

  Mapped<T> affine(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> boundedAffine(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> loc(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> scale(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> tanh(const Place &, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> softplus(const Place &, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> identity(const Place &, bool, const Column<T> &event, const Column<T> &) const;
  Mapped<T> flip(const Place &, bool, const Column<T> &event, const Column<T> &) const;
  Mapped<T> ordered(const Place &, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> permute(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> spline(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> planar(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> numericalInverse(const Place &place, bool inverse, const Column<T> &event,
                             const Column<T> &condition) const;
  /// Elementwise bijections without trained parameters.
  Mapped<T> elementwise(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> triangularAffine(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> householder(const Place &place, bool, const Column<T> &event, const Column<T> &) const;
  Mapped<T> discreteCosine(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> additiveCondition(const Place &place, bool inverse, const Column<T> &event,
                              const Column<T> &condition) const;
  Mapped<T> blockAutoregressiveNetwork(const Place &place, bool inverse, const Column<T> &event,
                                       const Column<T> &condition) const;
  Mapped<T> chain(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> scan(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> invert(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> concatenateParts(const Place &place, bool inverse, const Column<T> &event,
                             const Column<T> &condition) const;
  Mapped<T> stackParts(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> indexed(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> reshape(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> sandwich(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> vmap(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> embedCondition(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> formula(const Place &place, bool inverse, const Column<T> &event, const Column<T> &) const;
  Mapped<T> coupling(const Place &place, bool inverse, const Column<T> &event, const Column<T> &condition) const;
  Mapped<T> maskedAutoregressive(const Place &place, bool inverse, const Column<T> &event,
                                 const Column<T> &condition) const;

  /// Applies the bijection at `part` to the elements of `result` at `places`.
  void applyToPart(const Place &part, bool inverse, const Shape &places, const Column<T> &condition,
                   Mapped<T> &result) const;
  T mixture(const Place &place, const Column<T> &event, const Column<T> &condition) const;
  /// A block autoregressive network: its layers, and what they compute.
  std::vector<BlockLayer<T>> blockLayers(const Place &place) const;
  Mapped<T> blockNetwork(const Place &place, const std::vector<BlockLayer<T>> &layers, const Column<T> &event,
                         const Column<T> &condition) const;
  /// A leaf of the node at `place`, flattened, of the layer `place` is in.
  Column<T> leaf(const Place &place, const std::string &path) const;
  bool hasLeaf(const Place &place, const std::string &path) const;
  /// softplus(raw) + minimum.
  Column<T> positiveLeaf(const Place &place, const std::string &path, double minimum) const;
  /// A network; masks follow from `ranks` if there are any.
  struct Ranks {
    Shape in, hidden, out;
  };
  Column<T> network(const Place &place, const Column<T> &input, const Ranks *ranks = nullptr) const;
  /// Positions of a spline's knots from their raw values.
  Column<T> knots(const Place &place, const std::string &path) const;
  /// The slopes at all of its knots.
  Column<T> knotSlopes(const Place &place) const;
  /// The scalar transformer with a coordinate's share of the network's output.
  Mapped<T> transformer(const Node &node, const Column<T> &offsets, bool inverse, T value) const;

  const ParameterMap<T> &parameters;
  std::optional<Fault> *fault;
};

extern template class Evaluator<float>;
extern template class Evaluator<double>;
extern template class Evaluator<long double>;

} // namespace flowc::reference

#endif // FLOWC_LIB_REFERENCE_EVALUATOR_H
