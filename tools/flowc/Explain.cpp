//===- Explain.cpp - flowc explain ----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "flowc/Explain/Explain.h"

#include <cstdio>
#include <map>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct ExplainOptions {
  ModelOptions model;
  ExplainFormat format = ExplainFormat::Text;
};

const std::map<std::string, ExplainFormat> kFormats = {
    {"text", ExplainFormat::Text}, {"markdown", ExplainFormat::Markdown}, {"latex", ExplainFormat::Latex}};

Expected<int> runExplain(const ExplainOptions &options) {
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  auto text = explain(loaded->flow());
  if (!text)
    return text.takeError();
  std::fputs(typeset(*text, options.format).c_str(), stdout);
  return 0;
}

} // namespace

void tool::addExplainCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "explain", "The derived inverse, log-determinant and gradient, as mathematics",
                 "  flowc explain galaxies.flow\n"
                 "  flowc explain densities.flow --name banana\n"
                 "  flowc explain galaxies.flow --format latex\n\n"
                 "Every formula is read off the program that flowc compiles.",
                 runExplain);
  options->model.add(*command, "FILE");
  command->add_option("--format", options->format, "text, markdown or latex (the body of a document with amsmath)")
      ->transform(CLI::CheckedTransformer(kFormats))
      ->default_str("text");
}
