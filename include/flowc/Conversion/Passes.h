//===- Passes.h - Registration of the conversion passes ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_CONVERSION_PASSES_H
#define FLOWC_CONVERSION_PASSES_H

#include "flowc/Conversion/ExpandMath.h"
#include "flowc/Conversion/SampleToTile.h"

namespace flowc {

/// `registerFlowConversionPasses()`, for tools with a pass pipeline option.
#define GEN_PASS_REGISTRATION
#include "flowc/Conversion/Passes.h.inc"

} // namespace flowc

#endif // FLOWC_CONVERSION_PASSES_H
