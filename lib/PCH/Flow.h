//===- Flow.h - Precompiled header of code with ops of the flow dialect ---===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The generated ops cost as much as MLIR's own headers. Only headers that nearly
// all of that code includes: a change of one rebuilds it all. Files still include
// what they use.
//
//===----------------------------------------------------------------------===//

#include "MLIR.h"
#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
