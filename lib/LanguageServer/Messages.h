//===- Messages.h - What editors send ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's own structures know names of files only: a text that was never saved has a URI of
// another scheme.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_LANGUAGESERVER_MESSAGES_H
#define FLOWC_LIB_LANGUAGESERVER_MESSAGES_H

#include "llvm/Support/JSON.h"
#include "llvm/Support/LSP/Protocol.h"
#include "llvm/Support/LSP/Transport.h"

#include <optional>
#include <string>
#include <vector>

namespace flowc::editor {

/// The parameters of a message that need no reading.
struct AnyParams {};

/// A message about a text; those about a position in it have one.
struct TextParams {
  std::string uri;
  llvm::lsp::Position position;
};

/// `textDocument/didOpen`.
struct OpenParams {
  std::string uri, text;
  int64_t version = 0;
};

/// `textDocument/didChange`.
struct ChangeParams {
  struct Change {
    /// Nothing: the text is all of the new one.
    std::optional<llvm::lsp::Range> range;
    std::string text;
  };
  std::string uri;
  int64_t version = 0;
  std::vector<Change> changes;
};

bool fromJSON(const llvm::json::Value &value, AnyParams &result, llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, TextParams &result, llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, OpenParams &result, llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, ChangeParams &result, llvm::json::Path path);
bool fromJSON(const llvm::json::Value &value, ChangeParams::Change &result, llvm::json::Path path);

/// The path of the file that `uri` names; empty if it names none.
std::string pathOf(llvm::StringRef uri);

/// Reads messages from a file. What is none is left out: LLVM's transport would end the
/// session, and its parser of JSON, which is recursive, the process.
class MessageReader : public llvm::lsp::JSONTransportInput {
public:
  explicit MessageReader(std::FILE *in) : file(in) {}

  bool hasError() const override { return file.hasError(); }
  bool isEndOfInput() const override { return file.isEndOfInput(); }
  llvm::LogicalResult readStandardMessage(std::string &json) override;
  llvm::LogicalResult readDelimitedMessage(std::string &json) override { return file.readDelimitedMessage(json); }

private:
  llvm::lsp::JSONTransportInputOverFile file;
};

} // namespace flowc::editor

#endif // FLOWC_LIB_LANGUAGESERVER_MESSAGES_H
