//===- Format.cpp - flowc format ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "flowc/Frontend/Formatter.h"
#include "flowc/IO/File.h"

#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct FormatOptions {
  std::vector<std::string> paths;
  bool isCheck = false;
};

Expected<void> write(const std::string &path, const std::string &text) {
  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (auto ok = file->write(text.data(), text.size()); !ok)
    return ok;
  return file->commit();
}

Expected<std::string> readText(const std::string &path) {
  if (path != "-")
    return loadText(path);
  std::string text;
  auto file = InputFile::standardInput();
  if (!file)
    return file.takeError();
  char buffer[1 << 16];
  while (true) {
    auto count = file->readSome(buffer, sizeof(buffer));
    if (!count)
      return count.takeError();
    if (*count == 0)
      return text;
    text.append(buffer, *count);
  }
}

/// Formats one file; whether it was in that layout.
Expected<bool> format(const std::string &path, bool isCheck) {
  auto text = readText(path);
  if (!text)
    return text.takeError();
  auto formatted = formatText(*text, path);
  if (!formatted)
    return formatted.takeError();
  bool isSame = *formatted == *text;
  if (isCheck) {
    if (!isSame)
      std::printf("%s\n", path.c_str());
    return isSame;
  }
  if (path == "-")
    std::fwrite(formatted->data(), 1, formatted->size(), stdout);
  else if (!isSame)
    if (auto ok = write(path, *formatted); !ok)
      return ok.takeError();
  return true;
}

Expected<int> runFormat(const FormatOptions &options) {
  // One file with a mistake keeps no other from being formatted.
  Error mistakes;
  bool areSame = true;
  for (const std::string &path : options.paths) {
    auto isSame = format(path, options.isCheck);
    if (!isSame)
      mistakes.message += (mistakes.message.empty() ? "" : "\n") + isSame.error().message;
    else
      areSame &= *isSame;
  }
  if (!mistakes.message.empty())
    return mistakes;
  return areSame ? 0 : 1;
}

} // namespace

void tool::addFormatCommand(CLI::App &app, Action &action) {
  auto [command, options] = addCommand(app, action, "format", "Bring texts of flows into one layout",
                                       "  flowc format galaxies.flow\n"
                                       "  flowc format --check galaxies.flow\n"
                                       "  flowc format - < galaxies.flow\n\n"
                                       "Files are changed in place. Comments stay, and so does the meaning: a text\n"
                                       "with errors is left alone.",
                                       runFormat);
  command->add_option("FILE", options->paths, "Texts to format; - is standard input, and goes to standard output")
      ->required();
  command->add_flag("--check", options->isCheck,
                    "Change nothing: print the files that are in another layout, and exit "
                    "with 1 if there are any");
}
