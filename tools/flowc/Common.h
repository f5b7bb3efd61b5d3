//===- Common.h - What the commands of flowc share --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_COMMON_H
#define FLOWC_TOOLS_FLOWC_COMMON_H

#include "flowc/IO/Rows.h"
#include "flowc/Support/Format.h"
#include "flowc/Training/Record.h"
#include "flowc/flowc.h"

#include "Arguments.h"

#include <CLI/CLI.hpp>

namespace flowc::tool {

/// What the chosen command does; the exit code, or the error to report.
using Action = std::function<Expected<int>()>;

// Each adds its commands to `app`; parsing the command line sets `action`.
void addModelCommands(CLI::App &app, Action &action);    ///< check, init, import
void addFormatCommand(CLI::App &app, Action &action);    ///< format
void addScoreCommands(CLI::App &app, Action &action);    ///< log-prob, transform, inverse
void addScoreRowsCommand(CLI::App &app, Action &action); ///< score
void addSampleCommand(CLI::App &app, Action &action);    ///< sample
void addQuantilesCommand(CLI::App &app, Action &action); ///< quantiles
void addEvaluateCommand(CLI::App &app, Action &action);  ///< evaluate
void addVerifyCommand(CLI::App &app, Action &action);    ///< verify
void addGradientCommands(CLI::App &app, Action &action); ///< gradient, vjp
void addTangentCommands(CLI::App &app, Action &action);  ///< jvp, hvp
void addCompileCommands(CLI::App &app, Action &action);  ///< compile
void addExplainCommand(CLI::App &app, Action &action);   ///< explain
void addExportCommand(CLI::App &app, Action &action);    ///< export
void addTrainCommand(CLI::App &app, Action &action);     ///< train
void addFitCommand(CLI::App &app, Action &action);       ///< fit
void addPlotCommand(CLI::App &app, Action &action);      ///< plot
void addReportCommand(CLI::App &app, Action &action);    ///< report
void addBenchCommand(CLI::App &app, Action &action);     ///< bench

/// Adds a command with its own options and `examples` at the end of its help.
template <typename Options>
std::pair<CLI::App *, Options *> addCommand(CLI::App &app, Action &action, const std::string &name,
                                            const std::string &description, const std::string &examples,
                                            Expected<int> (*run)(const Options &)) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(name, description);
  command->footer("Examples:\n" + examples);
  command->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
  return {command, options.get()};
}

/// Which model, in which element type, on how many threads.
struct ModelOptions {
  std::string path;
  std::string name;
  std::string dtype;
  int threads = 0;
  bool noCache = false;

  /// Adds the positional MODEL and --dtype, --threads, --name, --no-cache.
  void add(CLI::App &command, const std::string &positional = "MODEL");
  /// Adds all but the positional.
  void addShared(CLI::App &command);
  /// The element type asked for, or `fallback`.
  DType dtypeOr(DType fallback) const;
  CompileOptions compileOptions(DType type) const;
};

/// A model and kernels of it.
struct Loaded {
  Model model;
  TrainingRecord record;
  std::shared_ptr<Kernels> kernels;

  const Flow &flow() const { return model.flow(); }
  DType dtype() const { return model.dtype(); }
};

/// Whether a path names a model (and not the text of a flow).
bool isModelPath(const std::string &path);
/// Reads a text, and the flow in it.
Expected<std::string> loadText(const std::string &path);
Expected<Flow> loadFlow(const std::string &path, const std::string &name);
/// Reads the density in the text at `path`; nothing if there is no path.
Expected<std::optional<Flow>> loadTarget(const std::string &path);
/// Reads a model (or initialises a flow's, if the path is that of a text) in the
/// element type asked for, and its training record.
Expected<Loaded> loadModel(const ModelOptions &options);
/// Such a model with its kernels. A density needs no model: its text will do.
/// A model without a number of its own has no element type, either: it takes that of the
/// array that is its `data`, if there is one (a path, or empty).
/// `target` is the path of the density that an ELBO is about, or empty.
Expected<Loaded> loadKernels(const ModelOptions &options, const std::string &data = {}, const std::string &target = {});

/// Which rows to read.
struct DataOptions {
  std::string path;
  std::string condition;
  std::vector<std::string> columns, conditionColumns;

  /// Adds the required rows under this name, and what `addShared` adds.
  void add(CLI::App &command, const std::string &name = "DATA");
  /// Adds --condition, --columns and --condition-columns.
  void addShared(CLI::App &command);
  /// Adds the last two.
  void addColumns(CLI::App &command);
  /// Fails if columns are given, but nothing that they are columns of.
  Expected<void> checkUse() const;
};

/// Adds an option for names of columns, as splitColumnNames reads them.
void addColumnOption(CLI::App &command, const std::string &name, std::vector<std::string> &columns,
                     const std::string &description);

/// Opens DATA for the events of a flow: picks the columns, checks the shape.
Expected<std::unique_ptr<RowReader>> openEvents(const Flow &flow, const TrainingRecord &record,
                                                const DataOptions &options);
/// Opens the conditions (null for an unconditional flow): the file --condition,
/// or columns of DATA.
Expected<std::unique_ptr<RowReader>> openConditions(const Flow &flow, const TrainingRecord &record,
                                                    const DataOptions &options);
/// Both of them.
struct DataReaders {
  std::unique_ptr<RowReader> events;
  /// Null for an unconditional flow.
  std::unique_ptr<RowReader> conditions;
};
Expected<DataReaders> openData(const Flow &flow, const TrainingRecord &record, const DataOptions &options);
/// `data` without the columns `others`, which are none of the event unless it names them
/// itself, or the training did.
Expected<DataOptions> withoutColumns(const DataOptions &data, const TrainingRecord &record,
                                     const std::vector<std::string> &others);
/// Accepts whole numbers from 0 to `most` and nothing that merely starts like one.
CLI::Validator isWholeNumber(uint64_t most);
/// Adds -o for a file of rows or numbers.
void addOutput(CLI::App &command, std::string &output);
/// Checks that rows of `reader` have this shape; `what` says in messages whose
/// shape it is.
Expected<void> checkRowShape(const RowReader &reader, const Shape &shape, const std::string &what);

/// Names for the numbers of events: those of the training data, or x0, x1, ...
std::vector<std::string> eventColumnNames(const Flow &flow, const TrainingRecord &record);

/// Opens a writer of samples: as rows of the table that the model was trained on, or, if they
/// are to be raw, as its numbers. Columns `others` follow.
Expected<std::unique_ptr<RowWriter>> createSampleWriter(const Loaded &loaded, const std::string &path, bool isRaw,
                                                        const std::vector<std::string> &others);

/// Files read in step: a chunk has the same rows of each.
class RowSources {
public:
  /// `outputWidth`: elements a row that the caller keeps besides these.
  RowSources(DType dtype, int64_t outputWidth) : dtype(dtype), rowWidth(outputWidth) {}

  /// Adds a file; the first one says how many rows there are. One row in a file
  /// that `mayRepeat` is used for all.
  void add(std::unique_ptr<RowReader> reader, bool mayRepeat = false);
  /// From now on a NaN is an error that names its row and column: of what is summed over
  /// rows, one would take the others with it.
  void refuseNaN() { refusesNaN = true; }
  /// Number of rows, or -1 if only reading tells.
  int64_t rows() const { return sources.front().reader->rows(); }
  /// The names of the columns of file `source`, in the order of `add`; empty if it has none.
  const std::vector<std::string> &columnNames(size_t source) const { return sources[source].reader->columnNames(); }
  /// Most rows of a chunk; constant after the last `add`.
  int64_t chunkRows() const;
  /// Reads the next chunk; its number of rows, 0 at the end.
  Expected<int64_t> next();
  /// The rows of the chunk, one pointer for each file.
  std::vector<const void *> pointers() const;
  /// Appends the chunk's `count` rows of each file to an array of its own.
  void appendTo(std::vector<std::vector<char>> &arrays, int64_t count) const;

private:
  struct Source {
    std::unique_ptr<RowReader> reader;
    bool mayRepeat;
    bool repeated = false;
    std::vector<char> buffer;
  };
  Expected<void> readOther(Source &source, int64_t count);
  template <typename T>
  Expected<void> checkNaN(const Source &source, int64_t count) const;
  Error countError(const Source &other, int64_t otherRows) const;

  DType dtype;
  int64_t rowWidth;
  bool refusesNaN = false;
  std::vector<Source> sources;
};

/// Events, and conditions if the flow has them.
Expected<RowSources> openSources(const Loaded &loaded, const DataOptions &options, int64_t outputWidth);
/// Calls `run` with the number of rows of every chunk, under a progress bar with
/// this label. Returns how many rows there were.
Expected<int64_t> forEachChunk(RowSources &sources, const std::string &label,
                               const std::function<Expected<void>(int64_t)> &run);
/// Rows of results: what they are called while they are computed, where they go,
/// the shape of one, and its columns.
struct RowOutput {
  std::string label, path;
  Shape shape;
  std::vector<std::string> columns;
};
/// Writes the only row output of `kernel` for all rows of `sources`.
Expected<void> writeRows(const Loaded &loaded, RowSources &sources, Kernel kernel, const RowOutput &output);

/// Digits of a number that give it back.
std::string formatNumber(double value, DType dtype);

/// Fails if `path` cannot be written, before work is spent on it.
Expected<void> checkWritable(const std::string &path);

/// The error of something that a later version will have.
inline Error notSupported(const std::string &what) { return {"not supported yet: " + what}; }

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_COMMON_H
