//===- Services.h - What editors ask about a text ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Answers of the language to an editor's questions. A text that is being written is seldom
// right: most of them look at the tokens before the cursor only.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LANGUAGESERVER_SERVICES_H
#define FLOWC_LANGUAGESERVER_SERVICES_H

#include "flowc/LanguageServer/Document.h"

#include <optional>

namespace flowc::editor {

/// What can be written at `position`.
llvm::lsp::CompletionList complete(const Document &document, llvm::lsp::Position position);

/// How what is being called at `position` is called, and for which argument that is.
llvm::lsp::SignatureHelp helpWithCall(const Document &document, llvm::lsp::Position position);

/// What the name at `position` is: signature, documentation, and of an object its shapes,
/// parameters and what its two directions take.
std::optional<llvm::lsp::Hover> explain(const Document &document, const Analysis &analysis,
                                        llvm::lsp::Position position);

/// Where the name at `position` is defined.
std::optional<llvm::lsp::Range> findDefinition(const Document &document, llvm::lsp::Position position);

/// The items of the text.
std::vector<llvm::lsp::DocumentSymbol> listItems(const Document &document);

/// What to change so that the text has its layout: nothing if it has mistakes.
std::vector<llvm::lsp::TextEdit> format(const Document &document);

} // namespace flowc::editor

#endif // FLOWC_LANGUAGESERVER_SERVICES_H
