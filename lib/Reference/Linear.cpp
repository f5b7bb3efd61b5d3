//===- Linear.cpp - Linear bijections and shifts --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <numbers>

namespace flowc::reference {

template <typename T>
Mapped<T> Evaluator<T>::triangularAffine(const Place &place, bool inverse, const Column<T> &event,
                                         const Column<T> &) const {
  bool lower = place.node.attribute<bool>("lower"), normalized = place.node.attribute<bool>("weight_normalized");
  int64_t size = event.size();
  Column<T> raw = leaf(place, normalized ? "triangular.weight.args[0]" : "triangular.args[0]");
  Rows<T> matrix = Eigen::Map<Rows<T>>(raw.data(), size, size);
  for (int64_t row = 0; row < size; ++row) {
    for (int64_t column = 0; column < size; ++column)
      if (lower ? column > row : column < row)
        matrix(row, column) = 0;
    matrix(row, row) = reference::softplus(matrix(row, row));
    if (normalized)
      matrix.row(row) *= positiveLeaf(place, "triangular.scale.args[0]", 0)[row] / matrix.row(row).norm();
  }
  Column<T> loc = leaf(place, "loc");
  T logDet = 0;
  for (int64_t i = 0; i < size; ++i)
    logDet += std::log(std::abs(matrix(i, i)));
  if (!inverse)
    return {matrix * event + loc, logDet};
  // Substitution, from the row that has one entry on.
  Column<T> x = event - loc;
  for (int64_t step = 0; step < size; ++step) {
    int64_t row = lower ? step : size - 1 - step;
    for (int64_t column = lower ? 0 : row + 1; column < (lower ? row : size); ++column)
      x[row] -= matrix(row, column) * x[column];
    x[row] /= matrix(row, row);
  }
  return {x, -logDet};
}

template <typename T>
Mapped<T> Evaluator<T>::householder(const Place &place, bool, const Column<T> &event, const Column<T> &) const {
  Column<T> normal = leaf(place, "unit_vec.args[0]");
  return {event - 2 * normal * (normal.dot(event) / normal.squaredNorm())};
}

template <typename T>
Mapped<T> Evaluator<T>::discreteCosine(const Place &place, bool inverse, const Column<T> &event,
                                       const Column<T> &) const {
  const Shape &shape = place.node.shape;
  int64_t axis = place.node.attribute<int64_t>("axis"), size = shape[axis], stride = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i)
    stride *= shape[i];
  Mapped<T> result{Column<T>::Zero(event.size())};
  for (int64_t i = 0; i < event.size(); ++i) {
    int64_t here = i / stride % size;
    for (int64_t other = 0; other < size; ++other) {
      int64_t frequency = inverse ? other : here, position = inverse ? here : other;
      T factor = std::sqrt(T(frequency == 0 ? 1 : 2) / T(size));
      T angle = std::numbers::pi_v<T> * T((2 * position + 1) * frequency % (4 * size)) / T(2 * size);
      result.value[i] += factor * std::cos(angle) * event[i + (other - here) * stride];
    }
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::additiveCondition(const Place &place, bool inverse, const Column<T> &event,
                                          const Column<T> &condition) const {
  Column<T> shift = network(place.child("module"), condition);
  Mapped<T> result{event};
  for (int64_t i = 0; i < event.size(); ++i)
    result.value[i] += (inverse ? -1 : 1) * shift[i % shift.size()];
  return result;
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
