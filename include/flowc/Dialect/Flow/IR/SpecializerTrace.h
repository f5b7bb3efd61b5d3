//===- SpecializerTrace.h - How a sample program came about -----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which bijection, in which direction, emitted which ops: what an explanation of
// a program needs to know beside the program.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_SPECIALIZERTRACE_H
#define FLOWC_DIALECT_FLOW_IR_SPECIALIZERTRACE_H

#include "flowc/Dialect/Flow/IR/FlowInterfaces.h"

namespace flowc::flow {

/// Records what specializers of this thread do while it lives. Only one may live
/// at a time.
class SpecializerTrace {
public:
  /// One bijection, emitted in one direction, and the bijections of its regions
  /// that were emitted meanwhile.
  struct Step {
    mlir::Operation *bijection = nullptr;
    bool inverse = false;
    Step *parent = nullptr;
    Transformed result;
    std::vector<std::unique_ptr<Step>> steps;

  private:
    friend class SpecializerTrace;
    mlir::Block *block = nullptr;
    mlir::Operation *before = nullptr;
  };

  SpecializerTrace();
  ~SpecializerTrace();
  SpecializerTrace(const SpecializerTrace &) = delete;

  /// Records no more: what is specialised while the steps are read would move them.
  void stop();

  /// The steps that no other one is part of.
  const Step &getRoot() const { return root; }
  /// The innermost step that emitted `op`; the root if none did.
  const Step &getStep(mlir::Operation *op) const;

  // Called by Specializer.
  static void enter(mlir::Operation *bijection, bool inverse, mlir::ImplicitLocOpBuilder &builder);
  static void leave(const Transformed &result);

private:
  Step root;
  Step *current = &root;
  llvm::DenseMap<mlir::Operation *, Step *> steps;
};

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_IR_SPECIALIZERTRACE_H
