//===- Report.cpp - flowc report ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Progress.h"

#include "flowc/IO/File.h"
#include "flowc/Report.h"
#include "flowc/Support/Hash.h"

using namespace flowc;
using namespace flowc::tool;

namespace {

struct ReportCommandOptions {
  ModelOptions model;
  DataOptions data;
  std::string output;
  int64_t rows = 20000;
  uint64_t seed = 0;
};

/// A file of a report; none without a name.
Expected<ReportSource::File> examineFile(const std::string &name, const std::string &path) {
  constexpr size_t block = size_t(1) << 20; // Of whole words.
  if (name.empty())
    return ReportSource::File();
  auto file = path == "-" ? InputFile::standardInput() : InputFile::open(path);
  if (!file)
    return file.takeError();
  ReportSource::File result{.name = name, .bytes = 0, .hash = kHashStart};
  std::vector<char> buffer(block);
  for (size_t filled = 0;;) {
    auto count = file->readSome(buffer.data() + filled, block - filled);
    if (!count)
      return count.takeError();
    filled += *count;
    if (*count > 0 && filled < block)
      continue;
    result.hash = hashBytes(buffer.data(), static_cast<int64_t>(filled), result.hash);
    result.bytes += static_cast<int64_t>(filled);
    if (*count == 0)
      return result;
    filled = 0;
  }
}

/// A word of a command as a shell takes it.
std::string shellWord(const std::string &word) {
  if (!word.empty() && word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                              "-_./,:=+@%") == std::string::npos)
    return word;
  std::string result = "'";
  for (char byte : word)
    result += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
  return result + "'";
}

/// The command that makes the same page.
std::string commandOf(const ReportCommandOptions &options) {
  auto list = [](const std::vector<std::string> &names) {
    std::string text;
    for (const std::string &name : names)
      text += (text.empty() ? "" : ",") + (name.find(',') == std::string::npos ? name : "\"" + name + "\"");
    return shellWord(text);
  };
  std::string command = "flowc report " + shellWord(options.model.path) + " " + shellWord(options.data.path);
  if (!options.model.name.empty())
    command += " --name " + shellWord(options.model.name);
  if (!options.model.dtype.empty())
    command += " --dtype " + options.model.dtype;
  if (!options.data.condition.empty())
    command += " --condition " + shellWord(options.data.condition);
  if (!options.data.columns.empty())
    command += " --columns " + list(options.data.columns);
  if (!options.data.conditionColumns.empty())
    command += " --condition-columns " + list(options.data.conditionColumns);
  return command + " --rows " + std::to_string(options.rows) + " --seed " + std::to_string(options.seed) +
         " -o report.html";
}

Expected<ReportSource> sourceOf(const ReportCommandOptions &options) {
  ReportSource source;
  source.version = FLOWC_VERSION;
  source.command = commandOf(options);
  const std::string &path = options.data.path, &condition = options.data.condition;
  auto model = examineFile(options.model.path, options.model.path), data = examineFile(path, getDataFile(path)),
       conditions = examineFile(condition, getDataFile(condition));
  for (auto [file, place] :
       {std::pair(&model, &source.model), {&data, &source.data}, {&conditions, &source.condition}}) {
    if (!*file)
      return file->takeError();
    *place = std::move(**file);
  }
  return source;
}

Expected<Report> makeReport(const ReportCommandOptions &options) {
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  auto sources = openSources(*loaded, options.data, 3 * loaded->flow().dim() + 1);
  if (!sources)
    return sources.takeError();
  std::unique_ptr<Progress> progress;
  ReportOptions choices{.seed = options.seed, .rows = options.rows, .threads = options.model.threads};
  choices.columns = sources->columnNames(0);
  if (loaded->flow().condShape())
    choices.conditions = sources->columnNames(1);
  constexpr int64_t parts = 6;
  int64_t part = 0;
  choices.progress = [&](const std::string &what) {
    if (!progress)
      progress = std::make_unique<Progress>("reporting", parts, "");
    progress->update(++part, what);
  };
  auto builder = ReportBuilder::create(*loaded->kernels, loaded->model, loaded->record, choices);
  if (!builder)
    return builder.takeError();
  auto rows = forEachChunk(*sources, "reading", [&](int64_t count) {
    std::vector<const void *> inputs = sources->pointers();
    return (*builder)->add(inputs[0], inputs.size() > 1 ? inputs[1] : nullptr, count);
  });
  if (!rows)
    return rows.takeError();
  return (*builder)->finish();
}

Expected<int> runReport(const ReportCommandOptions &options) {
  if (!options.output.ends_with(".html") && !options.output.ends_with(".htm"))
    return Error{"cannot tell the format of '" + options.output + "', expected a name that ends in .html"};
  if (auto ok = checkWritable(options.output); !ok)
    return ok.takeError();
  auto report = makeReport(options);
  if (!report)
    return report.takeError();
  auto source = sourceOf(options);
  if (!source)
    return source.takeError();
  report->source = std::move(*source);
  std::string page = report->toHtml();
  auto file = OutputFile::create(options.output);
  if (!file)
    return file.takeError();
  if (auto ok = file->write(page.data(), page.size()); !ok)
    return ok.takeError();
  if (auto ok = file->commit(); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addReportCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "report", "A page on how well a model describes data, to send to others",
                 "  flowc report model.safetensors galaxies.csv -o report.html\n"
                 "  flowc report model.safetensors galaxies.csv --rows 5000 --seed 1 -o report.html\n\n"
                 "One file that needs nothing but a browser: likelihood beside simpler models, losses, each\n"
                 "column and pairs of them beside draws of the model, tests with p-values, calibration of\n"
                 "intervals, the rows that surprise the model, the data, the flow, how to reproduce it.",
                 runReport);
  options->model.add(*command);
  options->data.add(*command);
  markOutput(command->add_option("-o,--output", options->output, "The page to write (.html)"))->required();
  command->add_option("--rows", options->rows, "Rows that comparisons see at most, a random choice")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(100), int64_t(10000000)));
  command->add_option("--seed", options->seed, "Seed of all that is drawn or chosen")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
}
