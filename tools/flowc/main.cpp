//===- main.cpp - The flowc tool ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Memory.h"
#include "Signals.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>

using namespace flowc;
using namespace flowc::tool;

/// Messages about the text of a flow already say where they come from.
static bool hasLocation(const std::string &message) { return message.find(": error: ") != std::string::npos; }

static int reportError(const std::string &message) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s%s\n", hasLocation(message) ? "" : "flowc: error: ", message.c_str());
  return 1;
}

/// What was printed has arrived, or an error says that it has not (on a full disk, say).
static int finishOutput(int status) {
  errno = 0;
  std::cout.flush();
  bool isWhole = std::fflush(stdout) == 0 && !std::ferror(stdout) && std::cout.good();
  if (isWhole || status != 0)
    return status;
  // What failed before the last bytes has left no reason.
  return reportError(std::string("cannot write standard output: ") +
                     (errno ? std::strerror(errno) : "a part of it is lost"));
}

int main(int argc, char **argv) {
  handleSignals();
  reportLackOfMemory();

  CLI::App app("flowc compiles normalizing flows: train them on data, score rows, draw samples.", "flowc");
  app.require_subcommand(1);
  app.set_version_flag("--version", "flowc " FLOWC_VERSION);
  app.get_formatter()->column_width(34);
  app.footer("Start with: flowc fit DATA.csv -o MODEL.safetensors\n"
             "then:       flowc report MODEL.safetensors DATA.csv -o report.html\n"
             "'flowc COMMAND --help' explains a command and shows examples.");
  Action action;
  addModelCommands(app, action);
  addFormatCommand(app, action);
  addTrainCommand(app, action);
  addFitCommand(app, action);
  addScoreCommands(app, action);
  addScoreRowsCommand(app, action);
  addSampleCommand(app, action);
  addQuantilesCommand(app, action);
  addEvaluateCommand(app, action);
  addVerifyCommand(app, action);
  addGradientCommands(app, action);
  addTangentCommands(app, action);
  addCompileCommands(app, action);
  addExplainCommand(app, action);
  addExportCommand(app, action);
  addPlotCommand(app, action);
  addReportCommand(app, action);
  addBenchCommand(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &request) { // --help, --version
    return finishOutput(app.exit(request));
  } catch (const CLI::ParseError &error) {
    std::string hint = "run 'flowc --help'";
    for (const CLI::App *command : app.get_subcommands())
      hint = "run 'flowc " + command->get_name() + " --help'";
    return reportError(std::string(error.what()) + " (" + hint + ")");
  }
  if (auto ok = checkArguments(app, {argv, static_cast<size_t>(argc)}); !ok)
    return reportError(ok.error().message);
  try {
    auto code = action();
    int status = code ? finishOutput(*code) : reportError(code.error().message);
    // Nothing is left to clean up: leaving now saves the teardown of LLVM.
    std::quick_exit(status);
  } catch (const std::length_error &) { // beyond what memory could ever hold
    return reportError("out of memory");
  }
}
