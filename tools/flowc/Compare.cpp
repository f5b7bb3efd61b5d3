//===- Compare.cpp - Two models on the same rows --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include "flowc/Support/Format.h"
#include "flowc/Support/WithType.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// Log-densities of rows, chunk by chunk.
class LogProbReader {
public:
  static Expected<LogProbReader> open(const Loaded &loaded, const DataOptions &data) {
    auto sources = openSources(loaded, data, 1);
    if (!sources)
      return sources.takeError();
    return LogProbReader(loaded, std::move(*sources));
  }

  /// Those that nobody has taken yet.
  std::vector<double> pending;

  /// Reads a chunk more; false at the end.
  Expected<bool> advance() {
    auto count = sources.next();
    if (!count)
      return count.takeError();
    auto ok = withType(loaded.dtype(), [&]<typename T>() -> Expected<void> {
      std::vector<T> logProb(static_cast<size_t>(*count));
      Kernels::Call call{
          .kernel = Kernel::LogProb, .inputs = sources.pointers(), .outputs = {logProb.data()}, .rows = *count};
      if (auto ran = loaded.kernels->run(loaded.model, call); !ran)
        return ran;
      pending.insert(pending.end(), logProb.begin(), logProb.end());
      return {};
    });
    if (!ok)
      return ok.takeError();
    return *count > 0;
  }

private:
  LogProbReader(const Loaded &loaded, RowSources sources) : loaded(loaded), sources(std::move(sources)) {}

  const Loaded &loaded;
  RowSources sources;
};

} // namespace

/// Densities can be compared if they are of the same columns, in any order.
static Expected<void> checkColumns(const Loaded &first, const Loaded &second) {
  auto ordered = [](const Loaded &loaded) {
    std::vector<std::string> names = loaded.record.columns;
    std::ranges::sort(names);
    return names;
  };
  std::vector<std::string> ours = ordered(first), theirs = ordered(second);
  bool areKnown = !ours.empty() && !theirs.empty();
  if (first.flow().dim() == second.flow().dim() && (!areKnown || ours == theirs))
    return {};
  auto describe = [](const Loaded &loaded) {
    std::string text = "'" + loaded.flow().name() + "' is of " + std::to_string(loaded.flow().dim()) + " columns";
    return loaded.record.columns.empty() ? text : text + " (" + abbreviateList(loaded.record.columns) + ")";
  };
  return Error{"densities of different columns cannot be compared: " + describe(first) + ", " + describe(second)};
}

Expected<ModelComparison> tool::compareModels(const Loaded &first, const Loaded &second, const DataOptions &data) {
  if (auto ok = checkColumns(first, second); !ok)
    return ok.takeError();
  auto ours = LogProbReader::open(first, data), theirs = LogProbReader::open(second, data);
  if (!ours)
    return ours.takeError();
  if (!theirs)
    return theirs.takeError();
  ModelComparer comparer;
  while (true) {
    // Models with conditions of other widths read chunks of other lengths.
    LogProbReader &behind = ours->pending.size() <= theirs->pending.size() ? *ours : *theirs;
    auto more = behind.advance();
    if (!more)
      return more.takeError();
    if (!*more)
      return comparer.finish();
    size_t both = std::min(ours->pending.size(), theirs->pending.size());
    comparer.add(std::span(ours->pending).first(both), std::span(theirs->pending).first(both));
    for (LogProbReader *reader : {&*ours, &*theirs})
      reader->pending.erase(reader->pending.begin(), reader->pending.begin() + static_cast<int64_t>(both));
  }
}
