//===- Inverses.cpp - Bijections that are inverted numerically ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <limits>

namespace flowc::reference {

template <typename T>
Mapped<T> Evaluator<T>::planar(const Place &place, bool inverse, const Column<T> &event,
                               const Column<T> &condition) const {
  int64_t dim = event.size();
  Column<T> parameters = place.node.condShape ? network(place.child("conditioner"), condition) : leaf(place, "params");
  Column<T> w = parameters.head(dim), u = parameters.segment(dim, dim);
  T product = w.dot(u), m = std::log1p(reference::softplus(product)) - 1, squared = w.squaredNorm();
  // Where FlowJAX divides 0 by 0, at w = 0, u is as good a direction as any.
  Column<T> v = squared > 0 ? Column<T>(u + (m - product) / squared * w) : u;
  if (!(squared > 0))
    m = 0;
  T a = w.dot(event) + parameters[2 * dim];

  T h, slope;
  if (place.node.attributes.count("negative_slope")) {
    slope = a < 0 ? T(place.node.attribute<double>("negative_slope")) : T(1);
    h = inverse ? slope * a / (1 + slope * m) : slope * a;
  } else {
    T s = inverse ? bisect(a - std::abs(m), a + std::abs(m), [&](T t) { return t + m * std::tanh(t) - a; }) : a;
    h = std::tanh(s);
    slope = 1 / (std::cosh(s) * std::cosh(s));
  }
  T logDet = std::log(std::abs(1 + slope * m));
  if (inverse)
    return {event - v * h, -logDet};
  return {event + v * h, logDet};
}

template <typename T>
Mapped<T> Evaluator<T>::numericalInverse(const Place &place, bool inverse, const Column<T> &event,
                                         const Column<T> &condition) const {
  return apply(place.child("bijection"), inverse, event, condition);
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
