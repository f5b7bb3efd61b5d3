//===- Server.h - Serves an editor over two streams -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LANGUAGESERVER_SERVER_H
#define FLOWC_LANGUAGESERVER_SERVER_H

#include "llvm/Support/LSP/Transport.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdio>

namespace flowc::editor {

/// Serves the language server protocol until the editor says goodbye or closes `in`. The
/// exit code: 0 if it asked for a shutdown before.
int serve(std::FILE *in, llvm::raw_ostream &out);

} // namespace flowc::editor

#endif // FLOWC_LANGUAGESERVER_SERVER_H
