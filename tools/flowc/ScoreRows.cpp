//===- ScoreRows.cpp - flowc score ----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "flowc/Evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct ScoreRowsCommandOptions {
  ModelOptions model;
  DataOptions data;
  std::string output;
  std::optional<int64_t> draws;
  uint64_t seed = 0;
  int64_t top = 10;
};

/// A row that is kept to be shown.
struct Surprise {
  int64_t row;
  double logProb, tail;
  std::vector<double> residuals;
};

/// The `most` least likely rows.
class MostSurprising {
public:
  explicit MostSurprising(int64_t most) : most(static_cast<size_t>(most)) {}

  void add(const RowScores &scores, int64_t first) {
    for (int64_t row = 0; row < scores.logProb.size(); ++row)
      if (!std::isnan(scores.logProb[row]))
        rows.push_back({first + row,
                        scores.logProb[row],
                        scores.tail[row],
                        {scores.residuals.row(row).begin(), scores.residuals.row(row).end()}});
    std::ranges::sort(rows, {}, [](const Surprise &one) { return std::tuple(one.tail, one.logProb, one.row); });
    rows.resize(std::min(rows.size(), most));
  }

  void print(const std::vector<std::string> &names) const {
    std::printf("the %zu most surprising rows\n      row  log-density      tail  columns, in standard deviations from "
                "where the others would have them\n",
                rows.size());
    for (const auto &[row, logProb, tail, residuals] : rows) {
      std::printf("%9s %12.4f %9.2g ", formatCount(row + 1).c_str(), logProb, tail);
      std::vector<size_t> order(residuals.size());
      std::iota(order.begin(), order.end(), size_t(0));
      std::ranges::sort(order, {}, [&](size_t i) { return std::pair(-std::abs(residuals[i]), i); });
      for (size_t place = 0; place < std::min<size_t>(3, order.size()); ++place)
        std::printf(" %s %+.1f%s", names[order[place]].c_str(), residuals[order[place]],
                    place + 1 < std::min<size_t>(3, order.size()) ? "," : "");
      std::printf("\n");
    }
  }

private:
  size_t most;
  std::vector<Surprise> rows;
};

Expected<int> runScoreRows(const ScoreRowsCommandOptions &options) {
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  std::vector<std::string> names = eventColumnNames(flow, loaded->record), columns = {"log_prob", "tail"};
  for (const std::string &name : names)
    columns.push_back("residual_" + name);
  auto sources = openSources(*loaded, options.data, 3 * flow.dim() + 2);
  if (!sources)
    return sources.takeError();
  ScoreRowsOptions scoring{.draws = options.draws.value_or(flow.condShape() ? 1000 : 10000), .seed = options.seed};
  auto scorer = RowScorer::create(*loaded->kernels, loaded->model, scoring);
  if (!scorer)
    return scorer.takeError();
  auto writer = createRowWriter(options.output, F64, {static_cast<int64_t>(columns.size())}, columns);
  if (!writer)
    return writer.takeError();
  MostSurprising surprising(options.top);
  int64_t first = 0;
  auto rows = forEachChunk(*sources, "scoring", [&](int64_t count) -> Expected<void> {
    std::vector<const void *> inputs = sources->pointers();
    auto scores = (*scorer)->score(inputs[0], inputs.size() > 1 ? inputs[1] : nullptr, count);
    if (!scores)
      return scores.takeError();
    Rows<double> lines(count, std::ssize(columns));
    lines << scores->logProb, scores->tail, scores->residuals;
    surprising.add(*scores, first);
    first += count;
    return (*writer)->append(lines.data(), count);
  });
  if (!rows)
    return rows.takeError();
  if (auto ok = (*writer)->finish(); !ok)
    return ok.takeError();
  if (!options.output.empty() && options.top > 0)
    surprising.print(names);
  return 0;
}

} // namespace

void tool::addScoreRowsCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "score", "How surprising each row is, and in which columns",
                 "  flowc score model.safetensors data.csv -o scores.csv\n"
                 "  flowc score model.safetensors data.csv --draws 100000 --top 50 -o scores.csv\n\n"
                 "Of each row the log-density, its tail probability (how often the flow draws an event of\n"
                 "no larger density: small for anomalies), and for each column how many standard deviations\n"
                 "it lies from where all others would have it. With -o the most surprising rows are listed.",
                 runScoreRows);
  options->model.add(*command);
  options->data.add(*command);
  addOutput(*command, options->output);
  command
      ->add_option("--draws", options->draws,
                   "Draws that rows are compared with (default: 10000; under conditions 1000 for each row)")
      ->check(CLI::Range(int64_t(10), int64_t(1) << 32));
  command->add_option("--seed", options->seed, "Seed of the draws")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  command->add_option("--top", options->top, "How many rows to list")
      ->capture_default_str()
      ->check(isWholeNumber(INT32_MAX));
}
