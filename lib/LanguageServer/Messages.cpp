//===- Messages.cpp - What editors send -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Messages.h"

namespace flowc::editor {

namespace json = llvm::json;
namespace lsp = llvm::lsp;
using llvm::StringRef;

/// The part `name` of a message that is an object.
static const json::Value *getField(const json::Value &value, StringRef name, json::Path path) {
  const json::Object *object = value.getAsObject();
  const json::Value *field = object ? object->get(name) : nullptr;
  if (!field)
    path.report("expected an object with this part");
  return field;
}

template <typename T>
static bool read(const json::Value &value, StringRef name, T &result, json::Path path) {
  const json::Value *field = getField(value, name, path.field(name));
  return field && fromJSON(*field, result, path.field(name));
}

/// `textDocument.uri` and, if there is one, `textDocument.version`.
static bool readDocument(const json::Value &value, std::string &uri, int64_t &version, json::Path path) {
  const json::Value *document = getField(value, "textDocument", path);
  if (!document || !read(*document, "uri", uri, path.field("textDocument")))
    return false;
  const json::Object *object = document->getAsObject();
  version = object->getInteger("version").value_or(0);
  return true;
}

bool fromJSON(const json::Value &, AnyParams &, json::Path) { return true; }

bool fromJSON(const json::Value &value, TextParams &result, json::Path path) {
  int64_t version = 0;
  if (!readDocument(value, result.uri, version, path))
    return false;
  const json::Value *position = value.getAsObject()->get("position");
  return !position || lsp::fromJSON(*position, result.position, path.field("position"));
}

bool fromJSON(const json::Value &value, OpenParams &result, json::Path path) {
  return readDocument(value, result.uri, result.version, path) &&
         read(*value.getAsObject()->get("textDocument"), "text", result.text, path.field("textDocument"));
}

bool fromJSON(const json::Value &value, ChangeParams::Change &result, json::Path path) {
  if (!read(value, "text", result.text, path))
    return false;
  const json::Value *range = value.getAsObject()->get("range");
  return !range || lsp::fromJSON(*range, result.range.emplace(), path.field("range"));
}

bool fromJSON(const json::Value &value, ChangeParams &result, json::Path path) {
  return readDocument(value, result.uri, result.version, path) && read(value, "contentChanges", result.changes, path);
}

std::string pathOf(StringRef uri) {
  if (!uri.starts_with("file:"))
    return {};
  llvm::Expected<lsp::URIForFile> file = lsp::URIForFile::fromURI(uri);
  if (file)
    return file->file().str();
  llvm::consumeError(file.takeError());
  return {};
}

/// How deep objects and arrays of a message are nested.
static size_t measureDepth(StringRef text) {
  size_t depth = 0, deepest = 0;
  bool isQuoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      isQuoted = !isQuoted;
    else if (isQuoted)
      i += text[i] == '\\';
    else if (text[i] == '[' || text[i] == '{')
      deepest = std::max(deepest, ++depth);
    else if ((text[i] == ']' || text[i] == '}') && depth > 0)
      --depth;
  }
  return deepest;
}

/// Whether a text is a message, be it about nothing that is known.
static bool isMessage(const std::string &text) {
  constexpr size_t deepest = 200;
  if (measureDepth(text) > deepest)
    return false;
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return false;
  }
  const json::Object *object = value->getAsObject();
  return object && object->getString("jsonrpc") == std::optional<StringRef>("2.0") &&
         (object->getString("method") || object->get("id"));
}

llvm::LogicalResult MessageReader::readStandardMessage(std::string &json) {
  if (failed(file.readStandardMessage(json)))
    return llvm::failure();
  if (isMessage(json))
    return llvm::success();
  lsp::Logger::error("what is no message was left out: {0}", StringRef(json).take_front(60));
  return llvm::failure();
}

} // namespace flowc::editor
