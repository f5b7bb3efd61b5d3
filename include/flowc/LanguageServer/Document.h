//===- Document.h - A text that an editor shows -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Editors count lines and UTF-16 code units from 0; the front end counts bytes.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LANGUAGESERVER_DOCUMENT_H
#define FLOWC_LANGUAGESERVER_DOCUMENT_H

#include "flowc/Frontend/CheckedText.h"

#include "llvm/Support/LSP/Protocol.h"

#include <string>
#include <vector>

namespace flowc::editor {

/// The text of one file as it is in an editor, saved or not.
class Document {
public:
  /// `path`: the file that paths in the text are relative to; may be empty.
  Document(std::string text, std::string path);

  llvm::StringRef text() const { return contents; }
  const std::string &path() const { return file; }

  /// The byte at a position; of one that is not in the text, the nearest one.
  size_t offsetOf(llvm::lsp::Position position) const;
  llvm::lsp::Position positionOf(size_t offset) const;
  llvm::lsp::Range rangeOf(size_t begin, size_t end) const { return {positionOf(begin), positionOf(end)}; }
  /// Of a part of a copy of the text, of which `source` is one.
  llvm::lsp::Range rangeOf(const SourceText &source, llvm::SMRange range) const;
  /// Of the place that the front end calls by line and column.
  size_t offsetOf(SourceLocation location) const;

  /// The text with `replacement` in place of a range.
  std::string replace(llvm::lsp::Range range, llvm::StringRef replacement) const;

private:
  llvm::StringRef line(size_t index) const;

  std::string contents;
  std::string file;
  std::vector<size_t> lineStarts;
};

/// What the front end says of a document.
struct Analysis {
  CheckedText checked;
  /// Mistakes, then what is valid but hardly meant.
  std::vector<llvm::lsp::Diagnostic> diagnostics;
};

Analysis analyze(const Document &document, std::stop_token stop = {});

} // namespace flowc::editor

#endif // FLOWC_LANGUAGESERVER_DOCUMENT_H
