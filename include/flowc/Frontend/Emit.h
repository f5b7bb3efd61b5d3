//===- Emit.h - From nodes to the flow dialect ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place where the front end meets MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_EMIT_H
#define FLOWC_FRONTEND_EMIT_H

#include "flowc/Frontend/Node.h"
#include "flowc/flowc.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace flowc {

/// Emits the flow graph of `root`: a module with the function
///
///     @flow(condition?, leaves...) -> event        of a distribution,
///     @bijection(event, condition?, leaves...) -> event   of a bijection,
///     @density(event) -> float                            of a density.
///
/// `leaves` are all leaves but the constant ones, in FlowJAX's order, with
/// `flow.name` and `flow.trainable`; event and condition have `flow.row`, the
/// condition also has `flow.condition`. Locations point into `file`. Returns
/// null and sets `error` if `root` cannot be expressed.
mlir::OwningOpRef<mlir::ModuleOp> emitFlowGraph(mlir::MLIRContext &context, const Node &root, DType dtype,
                                                llvm::StringRef file, std::string &error);

/// Adds the function
///
///     @density(event) -> float
///
/// of `density`, a node of that category, to `module`.
void emitDensity(mlir::ModuleOp module, const Node &density, DType dtype, llvm::StringRef file);

} // namespace flowc

#endif // FLOWC_FRONTEND_EMIT_H
