//===- Common.cpp - What the commands of flowc share ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Progress.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Table/DescribeTable.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

using namespace flowc;
using namespace flowc::tool;

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

void ModelOptions::add(CLI::App &command, const std::string &positional) {
  command
      .add_option(positional, path,
                  positional == "MODEL" ? "A model (.safetensors)" : "The text of a flow, or a model (.safetensors)")
      ->required();
  addShared(command);
}

void ModelOptions::addShared(CLI::App &command) {
  command.add_option("--name", name, "Which item of the text (default: the last flow)");
  command
      .add_option("--dtype", dtype,
                  "Element type: f32 or f64 (default: the model's; f32 for a new one, if that does for its data)")
      ->check(CLI::IsMember({"f32", "f64", "float32", "float64"}));
  command.add_option("--threads", threads, "Number of threads (default: all processors)")->check(CLI::Range(1, 4096));
  command.add_flag("--no-cache", noCache, "Compile, even if the object cache has the kernels");
}

DType ModelOptions::dtypeOr(DType fallback) const {
  if (dtype.empty())
    return fallback;
  return dtype.ends_with("32") ? F32 : F64;
}

CompileOptions ModelOptions::compileOptions(DType type) const {
  return {.dtype = type, .threads = threads, .useCache = !noCache};
}

bool tool::isModelPath(const std::string &path) { return path.ends_with(".safetensors"); }

static constexpr int64_t largestText = 1 << 26;

Expected<std::string> tool::loadText(const std::string &path) {
  for (const char *ending : {".safetensors", ".eqx", ".npy", ".npz", ".csv", ".tsv", ".gz"})
    if (path.ends_with(ending))
      return Error{"'" + path + "' is no text of a flow, expected a .flow file"};
  return readFile(path, largestText);
}

Expected<Flow> tool::loadFlow(const std::string &path, const std::string &name) {
  auto text = loadText(path);
  if (!text)
    return text.takeError();
  return Flow::parse(*text, name, path);
}

Expected<std::optional<Flow>> tool::loadTarget(const std::string &path) {
  if (path.empty())
    return std::optional<Flow>();
  auto text = readFile(path, largestText);
  if (!text)
    return text.takeError();
  auto density = Flow::parseDensity(*text, {}, path);
  if (!density)
    return density.takeError();
  return std::optional<Flow>(std::move(*density));
}

Expected<Loaded> tool::loadModel(const ModelOptions &options) {
  if (!isModelPath(options.path)) {
    auto flow = loadFlow(options.path, options.name);
    if (!flow)
      return flow.takeError();
    auto model = Model::initialise(*flow, {.seed = 0, .dtype = options.dtypeOr(F32)});
    if (!model)
      return model.takeError();
    return Loaded{std::move(*model), {}, nullptr};
  }
  auto model = Model::load(options.path, options.name);
  if (!model)
    return model.takeError();
  auto record = TrainingRecord::fromJson(model->record());
  if (!record)
    return Error{"'" + options.path + "': " + record.error().message};
  return Loaded{model->astype(options.dtypeOr(model->dtype())), std::move(*record), nullptr};
}

/// Whether the element type of `model` says nothing about its numbers.
static bool hasNoNumbers(const Model &model) {
  return std::ranges::all_of(model.parameters(), &ParameterInfo::integer);
}

/// Whether `path` is an array of doubles; what cannot be opened is reported where it is read.
static bool holdsDoubles(const std::string &path) {
  auto reader = path.empty() ? Expected<std::unique_ptr<RowReader>>(Error{}) : openRows(path);
  return reader && (*reader)->type() == ElementType::F64;
}

Expected<Loaded> tool::loadKernels(const ModelOptions &options, const std::string &data, const std::string &target) {
  auto loaded = loadModel(options);
  if (!loaded)
    return loaded;
  if (options.dtype.empty() && hasNoNumbers(loaded->model) && holdsDoubles(data))
    loaded->model = loaded->model.astype(F64);
  // A density has no parameters: its text is all there is.
  if (!isModelPath(options.path) && !loaded->flow().isDensity())
    return Error{"'" + options.path + "' is no model, expected a .safetensors file: make one with 'flowc train' or " +
                 "'flowc init'"};
  auto density = loadTarget(target);
  if (!density)
    return density.takeError();
  CompileOptions compileOptions = options.compileOptions(loaded->dtype());
  compileOptions.target = std::move(*density);
  auto kernels = compile(loaded->flow(), compileOptions);
  if (!kernels)
    return kernels.takeError();
  loaded->kernels = std::move(*kernels);
  return loaded;
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

void DataOptions::add(CLI::App &command, const std::string &name) {
  command
      .add_option(name, path,
                  "Rows: .npy, .npz, .csv, .tsv, .txt (.gz), FILE.safetensors:NAME, or - for standard input")
      ->required();
  addShared(command);
}

void DataOptions::addShared(CLI::App &command) {
  command.add_option("--condition", condition, "Conditions: one row for each row of DATA, or one for all");
  addColumns(command);
}

void tool::addColumnOption(CLI::App &command, const std::string &name, std::vector<std::string> &columns,
                           const std::string &description) {
  command.add_option_function<std::vector<std::string>>(
      name,
      [&columns, name](const std::vector<std::string> &lists) {
        for (const std::string &list : lists)
          for (std::string &column : splitColumnNames(list))
            columns.push_back(std::move(column));
        if (std::ranges::find(columns, "") != columns.end())
          throw CLI::ValidationError(name, kEmptyValue);
      },
      description);
}

void DataOptions::addColumns(CLI::App &command) {
  addColumnOption(command, "--columns", columns,
                  "Columns of DATA, by name (one with a comma in quotes) or #NUMBER from 0, separated by commas "
                  "(default: those of the training, else all)");
  addColumnOption(command, "--condition-columns", conditionColumns, "Columns of DATA that are the condition");
}

Expected<void> DataOptions::checkUse() const {
  if (path.empty() && (!columns.empty() || (condition.empty() && !conditionColumns.empty())))
    return Error{"--columns and --condition-columns say which columns of the data to read, but no data is given"};
  return {};
}

CLI::Validator tool::isWholeNumber(uint64_t most) {
  auto check = [most](const std::string &text) -> std::string {
    uint64_t value = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem == std::errc() && end == text.data() + text.size() && value <= most)
      return {};
    return text + " is no whole number from 0 to " + std::to_string(most);
  };
  return CLI::Validator(check, "");
}

void tool::addOutput(CLI::App &command, std::string &output) {
  markOutput(
      command.add_option("-o,--output", output, "File to write: .npy, .csv or .tsv (default: CSV on standard output)"));
}

Expected<void> tool::checkRowShape(const RowReader &reader, const Shape &shape, const std::string &what) {
  // Rows may be flat whatever the shape of the event.
  bool isFlat = reader.rowShape().size() <= 1 && reader.columns() == numElements(shape);
  if (reader.rowShape() == shape || isFlat)
    return {};
  if (reader.rowShape().size() == 1)
    return Error{"'" + reader.path() + "' has " + std::to_string(reader.columns()) + " columns, expected " +
                 std::to_string(numElements(shape)) + " (" + what + ")"};
  return Error{"rows of '" + reader.path() + "' have shape " + formatShape(reader.rowShape()) + ", expected " +
               formatShape(shape) + " (" + what + ")"};
}

/// Opens a file with these columns, or, if none are asked for, with those of the
/// training where the file has column names; as numbers of the model, if it was trained on
/// a table whose columns are others.
static Expected<std::unique_ptr<RowReader>> openColumns(const std::string &path, const std::vector<std::string> &wanted,
                                                        const std::vector<std::string> &trained,
                                                        const std::optional<TableSchema> &table) {
  std::vector<std::string> columns = wanted;
  if (wanted.empty() && !trained.empty()) {
    auto names = readColumnNames(path);
    if (!names)
      return names.takeError();
    if (!names->empty())
      columns = trained;
  }
  if (!table)
    return openRows(path, columns);
  return openEncoded(path, columns, *table, {.keepMissing = table->missing == MissingCells::Drop});
}

Expected<std::unique_ptr<RowWriter>> tool::createSampleWriter(const Loaded &loaded, const std::string &path, bool isRaw,
                                                              const std::vector<std::string> &others) {
  const Flow &flow = loaded.flow();
  if (loaded.record.table && !isRaw)
    return createDecodingWriter(path, loaded.dtype(), *loaded.record.table, others);
  std::vector<std::string> names = eventColumnNames(flow, loaded.record);
  names.insert(names.end(), others.begin(), others.end());
  Shape shape = others.empty() ? flow.shape() : Shape{std::ssize(names)};
  return createRowWriter(path, loaded.dtype(), shape, names);
}

Expected<std::unique_ptr<RowReader>> tool::openEvents(const Flow &flow, const TrainingRecord &record,
                                                      const DataOptions &options) {
  DataOptions chosen = options;
  // What is not a condition is the event.
  if (options.columns.empty() && record.columns.empty() && !options.conditionColumns.empty()) {
    auto names = listColumns(options.path);
    if (!names)
      return names.takeError();
    const auto &conditions = options.conditionColumns;
    std::copy_if(names->begin(), names->end(), std::back_inserter(chosen.columns), [&](const std::string &name) {
      return std::find(conditions.begin(), conditions.end(), name) == conditions.end();
    });
  }
  auto reader = openColumns(options.path, chosen.columns, record.columns, record.table);
  if (!reader)
    return reader;
  if (auto ok = checkRowShape(**reader, flow.shape(), "the event of '" + flow.name() + "'"); !ok)
    return Error{ok.error().message +
                 ((*reader)->rowShape().size() == 1 ? "; choose columns with --columns and --condition-columns" : "")};
  return reader;
}

Expected<std::unique_ptr<RowReader>> tool::openConditions(const Flow &flow, const TrainingRecord &record,
                                                          const DataOptions &options) {
  if (!flow.condShape()) {
    if (!options.condition.empty() || !options.conditionColumns.empty())
      return Error{"'" + flow.name() + "' takes no condition, but got one"};
    return std::unique_ptr<RowReader>();
  }
  std::string path = options.condition;
  if (path.empty() && !options.path.empty()) {
    // Columns of DATA: those asked for, or those of the training by their names.
    auto names = readColumnNames(options.path);
    if (!names)
      return names.takeError();
    if (!options.conditionColumns.empty() || (!record.conditionColumns.empty() && !names->empty()))
      path = options.path;
  }
  if (path.empty())
    return Error{"'" + flow.name() + "' needs a condition of " + std::to_string(flow.condDim()) +
                 " numbers per row: give --condition FILE" +
                 (options.path.empty() ? "" : " or --condition-columns NAMES")};
  auto reader = openColumns(path, options.conditionColumns, record.conditionColumns, record.conditionTable);
  if (!reader)
    return reader;
  if (auto ok = checkRowShape(**reader, *flow.condShape(), "the condition of '" + flow.name() + "'"); !ok)
    return ok.takeError();
  return reader;
}

Expected<DataOptions> tool::withoutColumns(const DataOptions &data, const TrainingRecord &record,
                                           const std::vector<std::string> &others) {
  DataOptions result = data;
  if (others.empty() || !data.columns.empty() || !record.columns.empty())
    return result;
  auto names = listColumns(data.path);
  if (!names)
    return names.takeError();
  for (const std::string &name : *names)
    if (std::ranges::find(others, name) == others.end() &&
        std::ranges::find(data.conditionColumns, name) == data.conditionColumns.end())
      result.columns.push_back(name);
  return result;
}

std::vector<std::string> tool::eventColumnNames(const Flow &flow, const TrainingRecord &record) {
  if (record.table && record.table->width() == flow.dim())
    return record.table->modelNames();
  if (static_cast<int64_t>(record.columns.size()) == flow.dim())
    return record.columns;
  return defaultColumnNames("x", flow.dim());
}

//===----------------------------------------------------------------------===//
// RowSources
//===----------------------------------------------------------------------===//

void RowSources::add(std::unique_ptr<RowReader> reader, bool mayRepeat) {
  rowWidth += reader->columns();
  sources.push_back({std::move(reader), mayRepeat, false, {}});
}

int64_t RowSources::chunkRows() const {
  // A chunk of all arrays takes this many bytes: enough to keep many threads
  // busy, little enough to stay in the cache.
  constexpr int64_t chunkBytes = int64_t(8) << 20;
  int64_t rowBytes = rowWidth * static_cast<int64_t>(elementSize(elementTypeOf(dtype)));
  return std::max<int64_t>(2, chunkBytes / std::max<int64_t>(1, rowBytes));
}

Error RowSources::countError(const Source &other, int64_t otherRows) const {
  const RowReader &first = *sources.front().reader;
  return {"'" + first.path() + "' has " + (first.rows() < 0 ? "another number of" : std::to_string(first.rows())) +
          " rows than '" + other.reader->path() + "'" + (otherRows < 0 ? "" : " (" + std::to_string(otherRows) + ")") +
          ": expected as many" + (other.mayRepeat ? ", or one for all" : "")};
}

Expected<int64_t> RowSources::next() {
  Source &first = sources.front();
  auto size = static_cast<int64_t>(elementSize(elementTypeOf(dtype)));
  int64_t rowsOfChunk = chunkRows();
  if (rows() >= 0) {
    rowsOfChunk = std::min(rowsOfChunk, rows());
    for (const Source &other : sources) {
      int64_t otherRows = other.reader->rows();
      if (otherRows >= 0 && otherRows != rows() && !(other.mayRepeat && otherRows == 1))
        return countError(other, otherRows);
    }
  }
  for (Source &source : sources)
    source.buffer.resize(static_cast<size_t>(rowsOfChunk * source.reader->columns() * size));
  auto count = first.reader->next(rowsOfChunk, dtype, first.buffer.data());
  if (!count)
    return count;
  for (size_t i = 1; i < sources.size(); ++i)
    if (auto ok = readOther(sources[i], *count); !ok)
      return ok.takeError();
  for (const Source &source : sources)
    if (refusesNaN && *count > 0)
      if (auto ok = dtype == F32 ? checkNaN<float>(source, *count) : checkNaN<double>(source, *count); !ok)
        return ok.takeError();
  return count;
}

template <typename T>
Expected<void> RowSources::checkNaN(const Source &source, int64_t count) const {
  const RowReader &reader = *source.reader;
  std::span<const T> values(reinterpret_cast<const T *>(source.buffer.data()),
                            static_cast<size_t>(count * reader.columns()));
  auto found = std::ranges::find_if(values, [](T value) { return std::isnan(value); });
  if (found == values.end())
    return {};
  int64_t at = found - values.begin(), first = source.repeated ? 0 : reader.position() - count;
  return Error{"'" + reader.path() + "': row " + std::to_string(first + at / reader.columns() + 1) + ", " +
               reader.describeColumn(at % reader.columns()) + " is NaN, expected a number: leave the row out"};
}

void RowSources::appendTo(std::vector<std::vector<char>> &arrays, int64_t count) const {
  arrays.resize(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    auto bytes = count * sources[i].reader->columns() * static_cast<int64_t>(elementSize(elementTypeOf(dtype)));
    arrays[i].insert(arrays[i].end(), sources[i].buffer.begin(), sources[i].buffer.begin() + bytes);
  }
}

Expected<void> RowSources::readOther(Source &source, int64_t count) {
  if (source.repeated)
    return {};
  auto rowBytes = static_cast<size_t>(source.reader->columns()) * elementSize(elementTypeOf(dtype));
  if (count == 0) {
    std::vector<char> surplus(rowBytes);
    auto more = source.reader->next(1, dtype, surplus.data());
    if (!more)
      return more.takeError();
    bool single = source.mayRepeat && source.reader->position() == 1;
    return *more && !single ? Expected<void>(countError(source, source.reader->rows())) : Expected<void>();
  }
  bool isFirst = source.reader->position() == 0;
  auto got = source.reader->next(count, dtype, source.buffer.data());
  if (!got)
    return got.takeError();
  if (*got == count)
    return {};
  if (!isFirst || *got != 1 || !source.mayRepeat)
    return countError(source, source.reader->rows());
  source.repeated = true;
  for (size_t at = rowBytes; at + rowBytes <= source.buffer.size(); at += rowBytes)
    std::copy_n(source.buffer.begin(), rowBytes, source.buffer.begin() + static_cast<int64_t>(at));
  return {};
}

std::vector<const void *> RowSources::pointers() const {
  std::vector<const void *> result;
  for (const Source &source : sources)
    result.push_back(source.buffer.data());
  return result;
}

Expected<DataReaders> tool::openData(const Flow &flow, const TrainingRecord &record, const DataOptions &options) {
  auto events = openEvents(flow, record, options);
  if (!events)
    return events.takeError();
  auto conditions = openConditions(flow, record, options);
  if (!conditions)
    return conditions.takeError();
  return DataReaders{std::move(*events), std::move(*conditions)};
}

Expected<RowSources> tool::openSources(const Loaded &loaded, const DataOptions &options, int64_t outputWidth) {
  RowSources sources(loaded.dtype(), outputWidth);
  auto data = openData(loaded.flow(), loaded.record, options);
  if (!data)
    return data.takeError();
  sources.add(std::move(data->events));
  if (data->conditions)
    sources.add(std::move(data->conditions), /*mayRepeat=*/true);
  return sources;
}

Expected<int64_t> tool::forEachChunk(RowSources &sources, const std::string &label,
                                     const std::function<Expected<void>(int64_t)> &run) {
  Progress progress(label, sources.rows(), "rows");
  for (int64_t done = 0;;) {
    auto count = sources.next();
    if (!count)
      return count;
    if (*count == 0)
      return done;
    if (auto ok = run(*count); !ok)
      return ok.takeError();
    progress.update(done += *count);
  }
}

Expected<void> tool::writeRows(const Loaded &loaded, RowSources &sources, Kernel kernel, const RowOutput &output) {
  auto writer = createRowWriter(output.path, loaded.dtype(), output.shape, output.columns);
  if (!writer)
    return writer.takeError();
  std::vector<double> values; // Doubles are as well aligned as floats.
  auto rows = forEachChunk(sources, output.label, [&](int64_t count) -> Expected<void> {
    values.resize(static_cast<size_t>(count * numElements(output.shape)));
    Kernels::Call call{.kernel = kernel, .inputs = sources.pointers(), .outputs = {values.data()}, .rows = count};
    if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
      return ok;
    return (*writer)->append(values.data(), count);
  });
  if (!rows)
    return rows.takeError();
  return (*writer)->finish();
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

std::string tool::formatNumber(double value, DType dtype) {
  char text[40];
  std::snprintf(text, sizeof(text), dtype == F32 ? "%.9g" : "%.17g", value);
  return text;
}

Expected<void> tool::checkWritable(const std::string &path) {
  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  return {};
}
