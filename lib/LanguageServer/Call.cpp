//===- Call.cpp - How what is being called is called ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cursor.h"

#include "flowc/Frontend/Parser.h"
#include "flowc/Frontend/Vocabulary.h"
#include "flowc/LanguageServer/Services.h"

#include "llvm/ADT/STLExtras.h"

namespace flowc::editor {

namespace lsp = llvm::lsp;
using llvm::StringRef;

/// UTF-16 code units of a signature, which is ASCII but for names that users choose: those
/// are, too.
static lsp::SignatureInformation describe(const Signature &signature) {
  lsp::SignatureInformation information;
  information.label = signature.describe();
  information.documentation = signature.documentation;
  size_t begin = signature.name.size() + 1;
  for (const Signature::Argument &argument : signature.arguments) {
    size_t end = begin + argument.describe().size();
    lsp::ParameterInformation parameter;
    parameter.labelOffsets = {static_cast<unsigned>(begin), static_cast<unsigned>(end)};
    information.parameters.push_back(std::move(parameter));
    begin = end + 2;
  }
  return information;
}

/// The item of this name with a formula, if there is one.
static std::optional<Signature> findFormula(const Cursor &cursor, StringRef name) {
  for (size_t i = 0; i + 2 < cursor.tokens.size(); ++i) {
    if (!cursor.tokens[i].isWord("bijection") || cursor.tokens[i + 1].text != name ||
        !cursor.tokens[i + 2].is(Token::Kind::LeftParen))
      continue;
    ast::Item item;
    item.name = name;
    return describeFormula(item);
  }
  return std::nullopt;
}

lsp::SignatureHelp helpWithCall(const Document &document, lsp::Position position) {
  lsp::SignatureHelp help;
  Cursor cursor(document, document.offsetOf(position));
  if (!cursor.isInText)
    return help;
  // A list is part of an argument.
  auto call =
      llvm::find_if(llvm::reverse(cursor.brackets), [](const OpenBracket &open) { return !open.callee.empty(); });
  if (call == cursor.brackets.rend() || !cursor.assign)
    return help;
  std::optional<Signature> signature =
      cursor.isInFormula() ? describeFunction(call->callee) : describeConstructor(call->callee);
  if (!signature && !cursor.isInFormula())
    signature = findFormula(cursor, call->callee);
  if (!signature)
    return help;
  size_t active = call->position;
  if (!call->name.empty())
    active = llvm::find_if(signature->arguments,
                           [&](const Signature::Argument &argument) { return argument.name == call->name; }) -
             signature->arguments.begin();
  help.activeParameter = static_cast<int>(std::min(active, signature->arguments.size()));
  help.signatures.push_back(describe(*signature));
  return help;
}

} // namespace flowc::editor
