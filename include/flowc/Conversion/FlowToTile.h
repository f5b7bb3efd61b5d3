//===- FlowToTile.h - Sample program to tile program ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_CONVERSION_FLOWTOTILE_H
#define FLOWC_CONVERSION_FLOWTOTILE_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace flowc {

#define GEN_PASS_DECL_CONVERTFLOWTOTILE
#define GEN_PASS_DECL_LOWERTILETOLLVM
#include "flowc/Conversion/Passes.h.inc"

} // namespace flowc

#endif // FLOWC_CONVERSION_FLOWTOTILE_H
