//===- ParameterOps.h - Matrices of parameters ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_PARAMETEROPS_H
#define FLOWC_DIALECT_SAMPLE_IR_PARAMETEROPS_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/ParameterOps.h.inc"

#endif // FLOWC_DIALECT_SAMPLE_IR_PARAMETEROPS_H
