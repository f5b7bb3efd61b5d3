//===- Warnings.h - What is valid but hardly meant --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_WARNINGS_H
#define FLOWC_FRONTEND_WARNINGS_H

#include "flowc/Frontend/Node.h"

#include <string>
#include <string_view>
#include <vector>

namespace flowc {

/// One sentence about the place where something was written.
struct Warning {
  SourceLocation location;
  std::string message;
};

/// What bites users of `root`: a trainable base under a trainable affine map, a
/// bounded base under layers that move its ends, an inverse outside of its domain,
/// masked layers without inputs. In the order of the text.
std::vector<Warning> findWarnings(const Node &root);

/// A spline that events of a flow, or of a bijection, meet as they are: no affine
/// map and none onto an interval comes before it.
struct ExposedSpline {
  SourceLocation location;
  double lower, upper;
};
/// All such splines of `root`.
std::vector<ExposedSpline> findExposedSplines(const Node &root);

/// `FILE:LINE:COL: warning: message`, the line and a caret below the place.
std::string formatWarning(const Warning &warning, std::string_view text, std::string_view file);

} // namespace flowc

#endif // FLOWC_FRONTEND_WARNINGS_H
