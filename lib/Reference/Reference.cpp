//===- Reference.cpp - Flows evaluated by obvious code --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Reference/Reference.h"

#include "Evaluator.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace flowc::reference {

template <typename T>
Interpreter<T>::Interpreter(const Model &model) : flow(model.flow()) {
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const ParameterInfo &info = model.parameters()[i];
    std::vector<double> values = model.values(i);
    parameters[info.path].assign(values.begin(), values.end());
    if (info.trainable)
      trainablePaths.push_back(info.path);
  }
}

template <typename T>
std::vector<T> Interpreter<T>::trainable() const {
  std::vector<T> values;
  for (const std::string &path : trainablePaths)
    values.insert(values.end(), parameters.at(path).begin(), parameters.at(path).end());
  return values;
}

template <typename T>
void Interpreter<T>::setTrainable(std::span<const T> values) {
  for (const std::string &path : trainablePaths) {
    std::vector<T> &own = parameters.at(path);
    std::copy_n(values.begin(), own.size(), own.begin());
    values = values.subspan(own.size());
  }
  assert(values.empty() && "more values than trainable parameters");
}

/// The bijection of an object: itself, or what a flow puts behind its base.
static std::optional<Place> bijectionOf(const Place &place) {
  if (place.node.category == Node::Category::Bijection)
    return place;
  return hasBase(place.node) ? std::optional(place.child("bijection")) : std::nullopt;
}

template <typename T>
static Mapped<T> applyRoot(const Evaluator<T> &evaluator, const Node &root, bool inverse, const Column<T> &event,
                           const Column<T> &condition) {
  std::optional<Place> place = bijectionOf({root, "", {}, {}});
  return place ? evaluator.apply(*place, inverse, event, condition) : Mapped<T>{event};
}

template <typename T>
Mapped<T> Interpreter<T>::transform(const Column<T> &x, const Column<T> &condition) const {
  return applyRoot<T>(Evaluator<T>(parameters), flow.root(), /*inverse=*/false, x, condition);
}

template <typename T>
Mapped<T> Interpreter<T>::inverse(const Column<T> &y, const Column<T> &condition) const {
  return applyRoot<T>(Evaluator<T>(parameters), flow.root(), /*inverse=*/true, y, condition);
}

template <typename T>
T Interpreter<T>::logProb(const Column<T> &x, const Column<T> &condition) const {
  assert((flow.isDistribution() || flow.isDensity()) && "a bijection has no density");
  if (x.hasNaN() || condition.hasNaN())
    return std::numeric_limits<T>::quiet_NaN();
  if (flow.isDensity())
    return evaluateDensity(flow.root(), x);
  return Evaluator<T>(parameters).logDensity({flow.root(), "", {}, {}}, x, condition);
}

/// Whether the evaluator has a rule for all parts of a flow.
template <typename T>
static bool knowsAll(const Node &node) {
  if (!Evaluator<T>::knows(node))
    return false;
  auto knowsChild = [](const Child &child) { return knowsAll<T>(*child.node); };
  for (const auto &field : node.fields)
    if (const Child *child = std::get_if<Child>(&field); child && !knowsChild(*child))
      return false;
  return std::ranges::all_of(node.hidden, knowsChild);
}

template <typename T>
std::optional<Fault> Interpreter<T>::firstFault(const Column<T> &x, const Column<T> &condition) const {
  std::optional<Fault> fault;
  if (flow.isDistribution() && knowsAll<T>(flow.root()))
    Evaluator<T>(parameters, &fault).logDensity({flow.root(), "", {}, {}}, x, condition);
  return fault;
}

template class Interpreter<float>;
template class Interpreter<double>;
template class Interpreter<long double>;

} // namespace flowc::reference
