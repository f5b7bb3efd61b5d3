//===- Server.cpp - Serves an editor over two streams ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Requests are answered where they are read, one after the other. Texts are checked by a
// thread beside that: what is typed while a check runs ends it, and is one change to the
// next.
//
//===----------------------------------------------------------------------===//

#include "flowc/LanguageServer/Server.h"

#include "Messages.h"

#include "flowc/LanguageServer/Services.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <stop_token>
#include <thread>

namespace flowc::editor {

namespace json = llvm::json;
namespace lsp = llvm::lsp;
using llvm::StringRef;

namespace {

/// A text that is open in the editor.
struct OpenText {
  std::shared_ptr<const Document> document;
  int64_t version = 0;
  /// Of `document`; null until it has been checked.
  std::shared_ptr<const Analysis> analysis;
};

class Server {
public:
  explicit Server(lsp::JSONTransport &transport);
  ~Server();

  int run();

private:
  using Reply = lsp::Callback<json::Value>;

  void initialize(const AnyParams &, Reply reply);
  void shutdown(const AnyParams &, Reply reply);
  void open(const OpenParams &params);
  void change(const ChangeParams &params);
  void close(const TextParams &params);
  void complete(const TextParams &params, Reply reply);
  void help(const TextParams &params, Reply reply);
  void hover(const TextParams &params, Reply reply);
  void define(const TextParams &params, Reply reply);
  void list(const TextParams &params, Reply reply);
  void format(const TextParams &params, Reply reply);

  /// Makes `text` that of `uri`, and has it checked.
  void set(const std::string &uri, std::string text, int64_t version);
  /// The text of `uri`; null after an answer that there is none.
  std::shared_ptr<const Document> get(const TextParams &params, Reply &reply);
  std::shared_ptr<const Analysis> getAnalysis(const std::string &uri, const Document &document);
  void checkTexts();
  void checkNext(std::unique_lock<std::mutex> &lock);
  void publish(const std::string &uri, int64_t version, const std::vector<lsp::Diagnostic> &diagnostics);

  lsp::JSONTransport &transport;
  lsp::MessageHandler handler;
  lsp::OutgoingNotification<json::Value> sendDiagnostics;
  bool hasShutDown = false;

  std::mutex mutex;
  std::map<std::string, OpenText> texts;
  /// Which of them have to be checked.
  std::deque<std::string> unchecked;
  /// The one that is being checked, and what ends that.
  std::string checked;
  std::stop_source checkStop;
  bool isEnding = false;
  std::condition_variable hasWork;
  std::thread checker;
};

} // namespace

Server::Server(lsp::JSONTransport &transport)
    : transport(transport), handler(transport),
      sendDiagnostics(handler.outgoingNotification<json::Value>("textDocument/publishDiagnostics")) {
  handler.method("initialize", this, &Server::initialize);
  handler.method("shutdown", this, &Server::shutdown);
  handler.notification("textDocument/didOpen", this, &Server::open);
  handler.notification("textDocument/didChange", this, &Server::change);
  handler.notification("textDocument/didClose", this, &Server::close);
  handler.method("textDocument/completion", this, &Server::complete);
  handler.method("textDocument/signatureHelp", this, &Server::help);
  handler.method("textDocument/hover", this, &Server::hover);
  handler.method("textDocument/definition", this, &Server::define);
  handler.method("textDocument/documentSymbol", this, &Server::list);
  handler.method("textDocument/formatting", this, &Server::format);
  checker = std::thread([this] { checkTexts(); });
}

Server::~Server() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isEnding = true;
    checkStop.request_stop();
  }
  hasWork.notify_all();
  checker.join();
}

int Server::run() {
  if (llvm::Error error = transport.run(handler))
    llvm::consumeError(std::move(error));
  return hasShutDown ? 0 : 1;
}

//===----------------------------------------------------------------------===//
// The session
//===----------------------------------------------------------------------===//

void Server::initialize(const AnyParams &, Reply reply) {
  json::Object capabilities{
      {"textDocumentSync", json::Object{{"openClose", true}, {"change", 2}}}, // Changes come as ranges.
      {"positionEncoding", "utf-16"},
      {"completionProvider", json::Object{{"triggerCharacters", {"(", ",", "=", "[", "."}}}},
      {"signatureHelpProvider", json::Object{{"triggerCharacters", {"(", ","}}}},
      {"hoverProvider", true},
      {"definitionProvider", true},
      {"documentSymbolProvider", true},
      {"documentFormattingProvider", true},
  };
  reply(json::Object{{"serverInfo", json::Object{{"name", "flowc-lsp-server"}}},
                     {"capabilities", std::move(capabilities)}});
}

void Server::shutdown(const AnyParams &, Reply reply) {
  hasShutDown = true;
  reply(nullptr);
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

void Server::set(const std::string &uri, std::string text, int64_t version) {
  std::lock_guard<std::mutex> lock(mutex);
  texts[uri] = {std::make_shared<const Document>(std::move(text), pathOf(uri)), version, nullptr};
  if (checked == uri)
    checkStop.request_stop();
  if (!llvm::is_contained(unchecked, uri))
    unchecked.push_back(uri);
  hasWork.notify_all();
}

void Server::open(const OpenParams &params) { set(params.uri, params.text, params.version); }

void Server::change(const ChangeParams &params) {
  std::shared_ptr<const Document> document;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto it = texts.find(params.uri); it != texts.end())
      document = it->second.document;
  }
  if (!document)
    return;
  std::string text = document->text().str();
  for (const ChangeParams::Change &change : params.changes)
    text = change.range ? Document(std::move(text), {}).replace(*change.range, change.text) : change.text;
  set(params.uri, std::move(text), params.version);
}

void Server::close(const TextParams &params) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    texts.erase(params.uri);
    if (checked == params.uri)
      checkStop.request_stop();
  }
  publish(params.uri, 0, {});
}

void Server::checkTexts() {
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    hasWork.wait(lock, [&] { return isEnding || !unchecked.empty(); });
    if (isEnding)
      return;
    checkNext(lock);
  }
}

void Server::checkNext(std::unique_lock<std::mutex> &lock) {
  std::string uri = unchecked.front();
  unchecked.pop_front();
  auto it = texts.find(uri);
  if (it == texts.end())
    return;
  std::shared_ptr<const Document> document = it->second.document;
  int64_t version = it->second.version;
  checked = uri;
  checkStop = std::stop_source();
  std::stop_token stop = checkStop.get_token();
  lock.unlock();
  auto analysis = std::make_shared<const Analysis>(analyze(*document, stop));
  lock.lock();
  checked.clear();
  // What has been changed in the meantime waits to be checked again.
  it = texts.find(uri);
  if (it == texts.end() || it->second.document != document)
    return;
  it->second.analysis = analysis;
  publish(uri, version, analysis->diagnostics);
}

void Server::publish(const std::string &uri, int64_t version, const std::vector<lsp::Diagnostic> &diagnostics) {
  json::Array list;
  for (const lsp::Diagnostic &diagnostic : diagnostics)
    list.push_back(toJSON(diagnostic));
  sendDiagnostics(json::Object{{"uri", uri}, {"version", version}, {"diagnostics", std::move(list)}});
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

std::shared_ptr<const Document> Server::get(const TextParams &params, Reply &reply) {
  if (hasShutDown) {
    reply(llvm::make_error<lsp::LSPError>("the server has been shut down", lsp::ErrorCode::InvalidRequest));
    return nullptr;
  }
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto it = texts.find(params.uri); it != texts.end())
      return it->second.document;
  }
  reply(llvm::make_error<lsp::LSPError>("'" + params.uri + "' is not open", lsp::ErrorCode::InvalidParams));
  return nullptr;
}

std::shared_ptr<const Analysis> Server::getAnalysis(const std::string &uri, const Document &document) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto it = texts.find(uri);
    if (it != texts.end() && it->second.document.get() == &document && it->second.analysis)
      return it->second.analysis;
  }
  return std::make_shared<const Analysis>(analyze(document));
}

void Server::complete(const TextParams &params, Reply reply) {
  if (auto document = get(params, reply))
    reply(toJSON(editor::complete(*document, params.position)));
}

void Server::help(const TextParams &params, Reply reply) {
  auto document = get(params, reply);
  if (!document)
    return;
  lsp::SignatureHelp help = helpWithCall(*document, params.position);
  reply(help.signatures.empty() ? json::Value(nullptr) : toJSON(help));
}

void Server::hover(const TextParams &params, Reply reply) {
  auto document = get(params, reply);
  if (!document)
    return;
  std::optional<lsp::Hover> hover = explain(*document, *getAnalysis(params.uri, *document), params.position);
  reply(hover ? toJSON(*hover) : json::Value(nullptr));
}

void Server::define(const TextParams &params, Reply reply) {
  auto document = get(params, reply);
  if (!document)
    return;
  std::optional<lsp::Range> range = findDefinition(*document, params.position);
  reply(range ? json::Value(json::Object{{"uri", params.uri}, {"range", toJSON(*range)}}) : json::Value(nullptr));
}

void Server::list(const TextParams &params, Reply reply) {
  auto document = get(params, reply);
  if (!document)
    return;
  json::Array symbols;
  for (const lsp::DocumentSymbol &symbol : listItems(*document))
    symbols.push_back(toJSON(symbol));
  reply(std::move(symbols));
}

void Server::format(const TextParams &params, Reply reply) {
  auto document = get(params, reply);
  if (!document)
    return;
  json::Array edits;
  for (const lsp::TextEdit &edit : editor::format(*document))
    edits.push_back(toJSON(edit));
  reply(std::move(edits));
}

int serve(std::FILE *in, llvm::raw_ostream &out) {
  lsp::JSONTransport transport(std::make_unique<MessageReader>(in), out);
  return Server(transport).run();
}

} // namespace flowc::editor
