//===- Combinators.cpp - Bijections of parts of events --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parts are found element by element: where an element of a part lies in the
// flattened event.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

namespace flowc::reference {

/// The indices along each axis of element `flat` of an array of this shape.
static Shape unravel(int64_t flat, const Shape &shape) {
  Shape indices(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    indices[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return indices;
}

static int64_t ravel(const Shape &indices, const Shape &shape) {
  int64_t flat = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    flat = flat * shape[axis] + indices[axis];
  return flat;
}

/// Applies the bijection at `part` to the elements of `result` that lie at `places`.
template <typename T>
void Evaluator<T>::applyToPart(const Place &part, bool inverse, const Shape &places, const Column<T> &condition,
                               Mapped<T> &result) const {
  Column<T> elements(places.size());
  for (size_t i = 0; i < places.size(); ++i)
    elements[i] = result.value[places[i]];
  Mapped<T> mapped = apply(part, inverse, elements, condition);
  for (size_t i = 0; i < places.size(); ++i)
    result.value[places[i]] = mapped.value[i];
  result.logDet += mapped.logDet;
}

template <typename T>
Mapped<T> Evaluator<T>::concatenateParts(const Place &place, bool inverse, const Column<T> &event,
                                         const Column<T> &condition) const {
  auto axis = place.node.attribute<int64_t>("axis");
  Mapped<T> result{event};
  int64_t first = 0;
  for (const auto &field : place.node.fields) {
    const Child *child = std::get_if<Child>(&field);
    if (!child)
      continue;
    Place part = place.child(child->path);
    Shape places;
    for (int64_t i = 0; i < numElements(part.node.shape); ++i) {
      Shape indices = unravel(i, part.node.shape);
      indices[axis] += first;
      places.push_back(ravel(indices, place.node.shape));
    }
    applyToPart(part, inverse, places, condition, result);
    first += part.node.shape[axis];
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::stackParts(const Place &place, bool inverse, const Column<T> &event,
                                   const Column<T> &condition) const {
  auto axis = place.node.attribute<int64_t>("axis");
  Mapped<T> result{event};
  for (int64_t number = 0; number < place.node.shape[axis]; ++number) {
    Place part = place.child("bijections[" + std::to_string(number) + "]");
    Shape places;
    for (int64_t i = 0; i < numElements(part.node.shape); ++i) {
      Shape indices = unravel(i, part.node.shape);
      indices.insert(indices.begin() + axis, number);
      places.push_back(ravel(indices, place.node.shape));
    }
    applyToPart(part, inverse, places, condition, result);
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::indexed(const Place &place, bool inverse, const Column<T> &event,
                                const Column<T> &condition) const {
  Mapped<T> result{event};
  applyToPart(place.child("bijection"), inverse, place.node.attribute<std::vector<int64_t>>("indices"), condition,
              result);
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::reshape(const Place &place, bool inverse, const Column<T> &event,
                                const Column<T> &condition) const {
  return apply(place.child("bijection"), inverse, event, condition);
}

template <typename T>
Mapped<T> Evaluator<T>::sandwich(const Place &place, bool inverse, const Column<T> &event,
                                 const Column<T> &condition) const {
  Place outer = place.child("outer");
  Mapped<T> before = apply(outer, /*inverse=*/false, event, condition);
  Mapped<T> inside = apply(place.child("inner"), inverse, before.value, condition);
  Mapped<T> after = apply(outer, /*inverse=*/true, inside.value, condition);
  return {after.value, before.logDet + inside.logDet + after.logDet};
}

template <typename T>
Mapped<T> Evaluator<T>::vmap(const Place &place, bool inverse, const Column<T> &event,
                             const Column<T> &condition) const {
  auto size = place.node.attribute<int64_t>("axis_size");
  auto axis = place.node.attributes.find("in_axes_condition");
  Mapped<T> result{event};
  for (int64_t number = 0; number < size; ++number) {
    Place copy = place.child("bijection");
    if (place.node.stack > 0) {
      copy.indices.push_back(number);
      copy.extents.push_back(size);
    }
    Column<T> own = condition;
    if (axis != place.node.attributes.end()) {
      const Shape &shape = *copy.node.condShape;
      own.resize(numElements(shape));
      for (int64_t i = 0; i < own.size(); ++i) {
        Shape indices = unravel(i, shape);
        indices.insert(indices.begin() + std::get<int64_t>(axis->second), number);
        own[i] = condition[ravel(indices, *place.node.condShape)];
      }
    }
    Shape places;
    int64_t elements = numElements(copy.node.shape);
    for (int64_t i = 0; i < elements; ++i)
      places.push_back(number * elements + i);
    applyToPart(copy, inverse, places, own, result);
  }
  return result;
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
