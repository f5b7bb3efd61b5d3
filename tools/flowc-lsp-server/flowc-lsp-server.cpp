//===- flowc-lsp-server.cpp - Serves editors of texts of flows ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/LanguageServer/Server.h"

#include "llvm/Support/Program.h"

int main(int argc, char **argv) {
  // Some editors ask for this way by name.
  if (argc > 1 && llvm::StringRef(argv[1]) != "--stdio") {
    bool isHelp = llvm::StringRef(argv[1]) == "--help";
    (isHelp ? llvm::outs() : llvm::errs())
        << "flowc-lsp-server speaks the language server protocol on standard input and output, for editors: see "
           "docs/Editors.md\n";
    return isHelp ? 0 : 1;
  }
  if (std::error_code error = llvm::sys::ChangeStdinToBinary()) {
    llvm::errs() << "flowc-lsp-server: error: cannot read standard input: " << error.message() << "\n";
    return 1;
  }
  llvm::lsp::Logger::setLogLevel(llvm::lsp::Logger::Level::Error);
  int status = flowc::editor::serve(stdin, llvm::outs());
  llvm::outs().flush();
  return status;
}
