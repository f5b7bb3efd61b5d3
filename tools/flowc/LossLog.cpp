//===- LossLog.cpp - What training wrote to --log -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LossLog.h"

#include "Common.h"
#include "LinePanel.h"

#include "flowc/IO/File.h"
#include "flowc/IO/Rows.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

using namespace flowc;
using namespace flowc::tool;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static Expected<LossLog> readCsv(const std::string &path) {
  LossLog log;
  auto reader = openRows(path);
  if (!reader)
    return reader.takeError();
  const std::vector<std::string> &names = (*reader)->columnNames();
  if (names.empty())
    return log;
  auto rows = readAllRows<double>(**reader, /*finite=*/false);
  if (!rows)
    return rows.takeError();
  for (size_t i = 0; i < rows->size(); ++i)
    log.columns[names[i % names.size()]].push_back((*rows)[i]);
  return log;
}

static Expected<LossLog> readJsonLines(const std::string &path) {
  LossLog log;
  auto text = readFile(path);
  if (!text)
    return text.takeError();
  std::istringstream lines(*text);
  size_t number = 0;
  for (std::string line; std::getline(lines, line); ++number) {
    auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object())
      return Error{"'" + path + "', line " + std::to_string(number + 1) +
                   ": expected a JSON object of a training's log"};
    for (const auto &[name, value] : json.items()) {
      log.columns[name].resize(number, std::nan(""));
      log.columns[name].push_back(value.is_number() ? value.get<double>() : std::nan(""));
    }
  }
  for (auto &[name, values] : log.columns)
    values.resize(number, std::nan(""));
  return log;
}

/// Epochs count from 1 without gaps, steps grow: of what train writes, nothing is there
/// twice, and nothing is missing before the end.
static Expected<void> checkNumbers(const std::string &path, const std::string &unit,
                                   const std::vector<double> &numbers) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    bool follows =
        unit == "epoch" ? numbers[i] == static_cast<double>(i + 1) : numbers[i] > (i > 0 ? numbers[i - 1] : -1);
    if (!follows)
      return Error{
          "'" + path + "' is no whole log of a training: entry " + std::to_string(i + 1) + " is " + unit + " " +
          formatNumber(numbers[i], F64) +
          (unit == "epoch" ? ", expected " + std::to_string(i + 1) : ", expected one after that of the entry before")};
  }
  return {};
}

Expected<LossLog> LossLog::read(const std::string &path) {
  auto log = path.ends_with(".csv") ? readCsv(path) : readJsonLines(path);
  if (!log)
    return log;
  for (const char *unit : {"epoch", "step"})
    if (log->columns.contains(unit))
      log->unit = unit;
  if (log->unit.empty() || !(log->columns.contains("loss") || log->columns.contains("train_loss")))
    return Error{"'" + path +
                 "' is no log of a training: expected lines with a loss and the number of an epoch or step, "
                 "as train --log writes them"};
  if (auto ok = checkNumbers(path, log->unit, log->columns.at(log->unit)); !ok)
    return ok.takeError();
  log->name = std::filesystem::path(path).filename().string();
  for (auto &[name, values] : log->columns)
    for (double &value : values)
      if (!std::isfinite(value))
        value = std::nan("");
  return log;
}

//===----------------------------------------------------------------------===//
// Drawing
//===----------------------------------------------------------------------===//

namespace {

/// Means over windows of a hundredth of the values, as far as they are finite.
std::vector<double> smooth(const std::vector<double> &values) {
  auto half = static_cast<int64_t>(values.size() / 200), size = static_cast<int64_t>(values.size());
  std::vector<double> means(values.size(), std::nan(""));
  double sum = 0, count = 0;
  auto change = [&](int64_t at, double sign) {
    if (at >= 0 && at < size && std::isfinite(values[at])) {
      sum += sign * values[at];
      count += sign;
    }
  };
  for (int64_t at = 0; at < half; ++at)
    change(at, 1);
  for (int64_t at = 0; at < size; ++at) {
    change(at + half, 1);
    if (count > 0)
      means[at] = sum / count;
    change(at - half, -1);
  }
  return means;
}

constexpr double width = 760, left = 62, right = 16, top = 64, gap = 18, lossHeight = 260, smallHeight = 76;

class Painter {
public:
  Painter(const LossLog &log, Canvas &canvas) : log(log), canvas(canvas), lines(log.columns.at(log.unit).size()) {}

  void losses();
  /// A panel of one column, below what is there.
  void small(const std::string &column, const std::string &name, bool logarithmic, bool isLast);

private:
  static const std::vector<double> *find(const LossLog &log, const std::string &name) {
    auto found = log.columns.find(name);
    return found == log.columns.end() ? nullptr : &found->second;
  }
  LinePanel panel(double height, const Range &range, bool logarithmic) {
    Rectangle area{left, y, width - left - right, height};
    y += height + gap;
    return {canvas, area, log.columns.at(log.unit).front(), log.columns.at(log.unit).back(), range, logarithmic};
  }

  const LossLog &log;
  Canvas &canvas;
  size_t lines;
  double y = top;
};

void Painter::losses() {
  if (const auto *loss = find(log, "loss")) {
    LinePanel axes = panel(lossHeight, LinePanel::rangeOf({*loss}, false), false);
    axes.drawAxes("", "loss");
    axes.curve(*loss, {trainColor.red, trainColor.green, trainColor.blue, 0.45}, 0.7);
    axes.curve(smooth(*loss), validationColor, 1.6);
    axes.legend({{"every " + log.unit, trainColor}, {"mean of neighbours", validationColor}});
    return;
  }
  const std::vector<double> &train = log.columns.at("train_loss");
  const auto *validation = find(log, "val_loss"), *best = find(log, "best_epoch"),
             *recoveries = find(log, "recoveries");
  static const std::vector<double> none;
  LinePanel axes = panel(lossHeight, LinePanel::rangeOf({train, validation ? *validation : none}, false), false);
  axes.drawAxes("", "loss");
  const std::vector<double> &epochs = log.columns.at(log.unit);
  std::vector<std::pair<std::string, Color>> entries = {{"training", trainColor}};
  if (validation)
    entries.emplace_back("validation", validationColor);
  if (best && std::isfinite(best->back())) {
    axes.mark(best->back(), faint);
    entries.emplace_back("best", faint);
  }
  bool hasRecovered = false;
  for (size_t i = 0; recoveries && i < lines; ++i)
    if ((*recoveries)[i] > (i ? (*recoveries)[i - 1] : 0)) {
      axes.mark(epochs[i], sampleColor);
      hasRecovered = true;
    }
  if (hasRecovered)
    entries.emplace_back("after a recovery", sampleColor);
  axes.curve(train, trainColor, 1.4);
  if (validation)
    axes.curve(*validation, validationColor, 1.4);
  axes.legend(entries);
}

void Painter::small(const std::string &column, const std::string &name, bool logarithmic, bool isLast) {
  static const std::vector<double> none;
  const auto *found = find(log, column);
  const std::vector<double> &values = found ? *found : none;
  LinePanel axes = panel(smallHeight, LinePanel::rangeOf({values}, logarithmic), logarithmic);
  axes.drawAxes(isLast ? log.unit : "", name);
  axes.curve(values, dataColor, 1);
}

} // namespace

std::string LossLog::describe() const {
  auto lines = std::ssize(columns.at(unit));
  std::string text = formatCount(lines) + " " + unit + (lines == 1 ? "" : "s");
  auto add = [&](const std::string &what, double value) { text += ", " + what + " " + tickText(value); };
  auto at = [&](const std::string &column, size_t line) {
    auto found = columns.find(column);
    return found == columns.end() ? std::nan("") : found->second[line];
  };
  size_t last = static_cast<size_t>(lines) - 1;
  if (auto loss = columns.find("loss"); loss != columns.end()) {
    add("loss at the end", smooth(loss->second).back());
  } else if (double best = at("best_epoch", last); std::isfinite(best)) {
    const std::vector<double> &epochs = columns.at(unit);
    auto line = static_cast<size_t>(std::ranges::find(epochs, best) - epochs.begin());
    add("validation loss", line < epochs.size() ? at("val_loss", line) : std::nan(""));
    text += " at the best, " + formatCount(static_cast<int64_t>(std::clamp(best, -0x1p53, 0x1p53))); // Of any file.
  } else {
    add("training loss at the end", at("train_loss", last));
  }
  return text;
}

Expected<void> LossLog::draw(const std::string &path) const {
  constexpr double height = top + lossHeight + 2 * (smallHeight + gap) + 36;
  auto canvas = Canvas::create(path, width, height);
  if (!canvas)
    return canvas.takeError();
  drawHeading(*canvas, left, name, {describe()});
  Painter painter(*this, *canvas);
  painter.losses();
  painter.small("gradient_norm", "|gradient|", /*logarithmic=*/true, /*isLast=*/false);
  painter.small("learning_rate", "rate", /*logarithmic=*/false, /*isLast=*/true);
  return canvas->finish();
}
