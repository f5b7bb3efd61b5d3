//===- Initialise.h - Initial parameters of a flow --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Initial values are drawn from a counter-based generator: an entry depends on
// the seed, on which random leaf it is in and on where it is in it, so results
// are the same on every machine and do not depend on the order of evaluation.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_INITIALISE_H
#define FLOWC_FRONTEND_INITIALISE_H

#include "flowc/Frontend/Node.h"

#include <cstdint>
#include <vector>

namespace flowc {

/// The leaves of `root` that are data of a model (all but `Constant` ones), in
/// leaf order, with all their `values` drawn or copied: every copy under a scan
/// has its own random values.
std::vector<PlacedLeaf> initialParameters(const Node &root, uint64_t seed);

/// The number that a standard normal variable is below with probability `p`, which is
/// in (0, 1): algorithm AS 241 (M. J. Wichura, Applied Statistics 37, 1988), accurate to
/// 1e-15 of the result or of 1, and the same bits on every machine.
double normalQuantile(double p);

} // namespace flowc

#endif // FLOWC_FRONTEND_INITIALISE_H
