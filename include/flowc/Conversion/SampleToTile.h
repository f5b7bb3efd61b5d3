//===- SampleToTile.h - Sample program to tile program ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_CONVERSION_SAMPLETOTILE_H
#define FLOWC_CONVERSION_SAMPLETOTILE_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace flowc {

#define GEN_PASS_DECL_CONVERTSAMPLETOTILE
#define GEN_PASS_DECL_CONVERTTILETOLLVM
#define GEN_PASS_DECL_LOWERTOLLVM
#include "flowc/Conversion/Passes.h.inc"

} // namespace flowc

#endif // FLOWC_CONVERSION_SAMPLETOTILE_H
