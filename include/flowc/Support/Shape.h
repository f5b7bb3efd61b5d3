//===- Shape.h - Extents of arrays ------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_SHAPE_H
#define FLOWC_SUPPORT_SHAPE_H

#include <cstdint>
#include <string>
#include <vector>

namespace flowc {

/// Extents of an event, a condition, a parameter or data; `{}` is a scalar.
using Shape = std::vector<int64_t>;

/// Number of elements of an array of this shape (1 for a scalar).
int64_t numElements(const Shape &shape);

/// A shape as the language writes it: `[2, 3]`, `[]`.
std::string formatShape(const Shape &shape);

} // namespace flowc

#endif // FLOWC_SUPPORT_SHAPE_H
