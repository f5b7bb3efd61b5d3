//===- Explain.cpp - flowc explain ----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "flowc/Explain/Explain.h"

#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct ExplainOptions {
  ModelOptions model;
};

Expected<int> runExplain(const ExplainOptions &options) {
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  auto text = explain(loaded->flow());
  if (!text)
    return text.takeError();
  std::fputs(text->c_str(), stdout);
  return 0;
}

} // namespace

void tool::addExplainCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "explain", "The derived inverse, log-determinant and gradient, as mathematics",
                 "  flowc explain galaxies.flow\n"
                 "  flowc explain densities.flow --name banana\n\n"
                 "Every formula is read off the program that flowc compiles.",
                 runExplain);
  options->model.add(*command, "FILE");
}
