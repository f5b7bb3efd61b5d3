//===- Base.h - What a distribution starts from -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_BASE_H
#define FLOWC_FRONTEND_BASE_H

#include "flowc/Frontend/Node.h"

namespace flowc {

/// The distribution that the bijections of `distribution` transform; null if it has none.
const Node *findBase(const Node &distribution);

/// The one that no bijection was applied to: what the kernels `to_base` and `push` call z.
const Node &getInnermostBase(const Node &distribution);

/// Whether that is a standard normal distribution.
bool hasStandardNormalBase(const Node &distribution);

/// Whether the coordinates of such a base are independent: all but mixtures, which are made
/// of other distributions.
bool hasIndependentCoordinates(const Node &innermostBase);

} // namespace flowc

#endif // FLOWC_FRONTEND_BASE_H
