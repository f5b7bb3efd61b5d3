//===- SpecializerChain.h - The bijections of a block -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_FLOW_IR_SPECIALIZERCHAIN_H
#define FLOWC_LIB_DIALECT_FLOW_IR_SPECIALIZERCHAIN_H

#include "flowc/Dialect/Flow/IR/FlowInterfaces.h"

namespace flowc::flow {

/// The bijections that take the block's event to what it yields, in forward order; the
/// computations of their parameters are cloned.
mlir::FailureOr<llvm::SmallVector<mlir::Operation *>> enterBlock(Specializer &specializer, mlir::Block &block);

} // namespace flowc::flow

#endif // FLOWC_LIB_DIALECT_FLOW_IR_SPECIALIZERCHAIN_H
