//===- Explain.h - A flow as mathematics ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `flowc explain` prints. Nothing here knows a bijection: every formula is
// read off the ops that the bijection emits, every rule off how it emits them.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXPLAIN_EXPLAIN_H
#define FLOWC_EXPLAIN_EXPLAIN_H

#include "flowc/flowc.h"

#include <string>

namespace flowc {

/// The derived transform, inverse, log-determinants and gradients of `flow`, as
/// text with Unicode's mathematical signs.
Expected<std::string> explain(const Flow &flow);

/// How an explanation is written.
enum class ExplainFormat { Text, Markdown, Latex };

/// What `explain` gave, in another format: the body of a LaTeX document (with amsmath), or
/// Markdown with TeX's formulas between dollar signs.
std::string typeset(const std::string &explanation, ExplainFormat format);

} // namespace flowc

#endif // FLOWC_EXPLAIN_EXPLAIN_H
