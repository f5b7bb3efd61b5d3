//===- flowc-mlir-lsp-server.cpp - Serves editors of flowc's IR -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Pipelines/Pipelines.h"

#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  flowc::registerPipelineDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
