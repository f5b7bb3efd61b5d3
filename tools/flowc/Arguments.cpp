//===- Arguments.cpp - What holds of the arguments of any command ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include "flowc/IO/Rows.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sys/stat.h>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// What options were marked as.
std::set<const CLI::Option *> outputs, replaceable;

/// A file that the command line names.
struct NamedFile {
  std::string option, path;
  /// If there is such a file: which. Devices and pipes are no files here.
  bool exists = false, isSpecial = false;
  dev_t device = 0;
  ino_t number = 0;
  /// What is written where there is none.
  std::filesystem::path place;

  NamedFile(const CLI::Option &option, const std::string &value);
  bool isSameAs(const NamedFile &other) const {
    if (isSpecial || other.isSpecial)
      return false;
    return exists && other.exists ? device == other.device && number == other.number : place == other.place;
  }
};

} // namespace

NamedFile::NamedFile(const CLI::Option &option, const std::string &value) : option(option.get_name()), path(value) {
  path = getDataFile(path);
  struct stat info;
  exists = ::stat(path.c_str(), &info) == 0;
  if (exists) {
    isSpecial = !S_ISREG(info.st_mode);
    device = info.st_dev;
    number = info.st_ino;
  }
  std::filesystem::path given(path);
  std::error_code problem;
  place = std::filesystem::weakly_canonical(given.has_parent_path() ? given.parent_path() : ".", problem);
  place /= given.filename();
}

CLI::Option *tool::markOutput(CLI::Option *option) {
  outputs.insert(option);
  return option;
}

CLI::Option *tool::markReplaceable(CLI::Option *option) {
  replaceable.insert(option);
  return option;
}

static Expected<void> checkFiles(const std::vector<const CLI::Option *> &given) {
  std::vector<NamedFile> written, read;
  for (const CLI::Option *option : given)
    for (const std::string &value : option->results())
      if (outputs.count(option))
        written.emplace_back(*option, value);
      else if (option->get_type_name() == "TEXT" && !replaceable.count(option))
        read.emplace_back(*option, value);
  for (size_t i = 0; i < written.size(); ++i) {
    const NamedFile &output = written[i];
    for (const NamedFile &input : read)
      if (input.exists && output.exists && output.isSameAs(input))
        return Error{"'" + output.path + "' (" + output.option + ") would replace '" + input.path + "' (" +
                     input.option + "), which is read: give the output another name"};
    for (size_t j = 0; j < i; ++j)
      if (output.isSameAs(written[j]))
        return Error{"'" + output.path + "' (" + output.option + ") and '" + written[j].path + "' (" +
                     written[j].option + ") are one file, and both would be written: give them different names"};
  }
  return {};
}

/// Whether a list in `arguments` has an empty part, which the parser drops in silence.
static bool hasEmptyPart(const CLI::Option &option, std::span<const char *const> arguments) {
  std::string delimiter(1, option.get_delimiter());
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i], value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (size_t at = name.find('='); at != std::string::npos) {
      value = name.substr(at + 1);
      name.resize(at);
    }
    if (!name.starts_with("-") || !option.check_name(name))
      continue;
    std::string list = delimiter + value + delimiter;
    if (list.find(delimiter + delimiter) != std::string::npos)
      return true;
  }
  return false;
}

Expected<void> tool::checkArguments(const CLI::App &app, std::span<const char *const> arguments) {
  auto isEmpty = [](const std::string &value) { return value.empty(); };
  for (const CLI::App *command : app.get_subcommands()) {
    std::vector<const CLI::Option *> given = command->get_options([](const CLI::Option *option) {
      return option->count() > 0 && option->get_items_expected_max() > 0; // not a flag
    });
    for (const CLI::Option *option : command->get_options())
      if (std::ranges::any_of(option->results(), isEmpty) ||
          (option->get_delimiter() != 0 && hasEmptyPart(*option, arguments)))
        return Error{option->get_name() + " " + kEmptyValue};
    if (auto ok = checkFiles(given); !ok)
      return ok;
  }
  return {};
}
