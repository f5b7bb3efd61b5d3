//===- SectionsOfOrigin.cpp - Data, flow and provenance, on the page ------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>

using namespace flowc;
using namespace flowc::report;

//===----------------------------------------------------------------------===//
// The data
//===----------------------------------------------------------------------===//

/// What of a column's values a density does not have, in words; empty if nothing.
static std::string describeValues(const ColumnDescription &column) {
  constexpr double many = 0.01;
  if (column.distinct == 1)
    return "constant";
  if (column.commonestShare >= many)
    return percent(column.commonestShare) + " are " + number(column.commonest);
  return "";
}

static std::string columnsTable(const std::vector<ColumnDescription> &columns) {
  Table table({"column", "numbers", "missing", "mean", "deviation", "least", "5\u202f%", "median", "95\u202f%", "most",
               "different values", ""});
  for (const ColumnDescription &column : columns)
    table.add({escapeHtml(column.name), formatCount(column.numbers), formatCount(column.missing),
               within(column.mean, column.deviation), within(column.deviation, column.deviation),
               within(column.least, column.deviation), within(column.lower, column.deviation),
               within(column.median, column.deviation), within(column.upper, column.deviation),
               within(column.most, column.deviation), formatCount(column.distinct), describeValues(column)});
  return table.finish();
}

std::string report::dataSection(const Report &report) {
  std::string text;
  if (report.comparedRows < report.rows - report.outside - report.undefined)
    text = paragraph("Comparisons on this page see " + counted(report.comparedRows, "row") + " of " +
                     formatCount(report.rows) + ", a random choice (seed " + std::to_string(report.seed) +
                     "); the likelihood and the least likely rows are of all. Means, deviations and extremes below are "
                     "of all rows, quantiles and values of those that are compared.");
  text += columnsTable(report.columns);
  if (report.isConditional())
    text += "<h3>Conditions</h3>\n" + columnsTable(report.conditions);
  std::vector<std::string> tied;
  for (const ColumnDescription &column : report.columns)
    if (!describeValues(column).empty())
      tied.push_back(escapeHtml(column.name));
  const auto &table = report.record.table;
  if (table && !table->isIdentity())
    text += note("The model is one of numbers that stand for the table's cells: values of grids and values that repeat "
                 "are spread over the cells around them, categories are numbered. Here they are values again; "
                 "comparisons above are of the model's numbers.");
  else if (!tied.empty())
    text += note("Values that repeat (" + abbreviateList(tied) +
                 "): of such columns a density has no bound, and a likelihood says less than it seems to.");
  return text;
}

//===----------------------------------------------------------------------===//
// The flow
//===----------------------------------------------------------------------===//

std::string report::flowSection(const Report &report) {
  constexpr size_t longest = 60000;
  std::string text =
      paragraph(counted(report.parameters, "trainable parameter") + ", " + counted(report.macsPerRow, "multiply-add") +
                " for the density of a row, " + report.dtype + ".");
  text += "<pre>" + escapeHtml(report.flowText) + "</pre>\n";
  if (report.mathematics.empty())
    return text;
  std::string mathematics = report.mathematics;
  bool isCut = mathematics.size() > longest;
  if (isCut)
    mathematics.resize(mathematics.rfind('\n', longest));
  return text + "<details><summary>As mathematics</summary>\n<pre>" + escapeHtml(mathematics) + "</pre>\n" +
         (isCut ? note("This is the beginning; <code>flowc explain</code> has all of it.") : "") + "</details>\n";
}

//===----------------------------------------------------------------------===//
// Provenance
//===----------------------------------------------------------------------===//

static std::string optionText(double value) { return print("%.15g", value); }

/// The command that trained the model, as far as its record says.
static std::string trainingCommand(const Report &report) {
  const TrainingRecord &record = report.record;
  auto withDashes = [](std::string name) {
    std::ranges::replace(name, '_', '-');
    return name;
  };
  auto join = [](const std::vector<std::string> &names) {
    std::string list;
    for (const std::string &name : names)
      list += (list.empty() ? "" : ",") + name;
    return list;
  };
  if (record.search.empty())
    return "";
  std::string command = "flowc fit TABLE";
  if (!record.columns.empty())
    command += " --columns " + join(record.columns);
  if (!record.conditionColumns.empty())
    command += " --condition-columns " + join(record.conditionColumns);
  for (const auto &[name, value] : record.options)
    command += " --" + withDashes(name) + " " + optionText(value);
  if (auto given = record.choices.find("columns"); given != record.choices.end())
    command += " " + given->second;
  return command + " --dtype " + (report.dtype == "float32" ? "f32" : "f64") + " -o MODEL.safetensors";
}

static std::string trainingTable(const TrainingRecord &record) {
  Table table({"training", ""});
  auto add = [&](const std::string &name, const std::string &value) {
    table.add({escapeHtml(name), escapeHtml(value)});
  };
  if (record.rows > 0)
    add("rows", formatCount(record.rows));
  if (record.steps > 0)
    add("steps", formatCount(record.steps));
  for (const auto &[name, value] : record.options)
    add(name, optionText(value));
  for (const auto &[name, value] : record.choices)
    add(name, value);
  for (const auto &[name, value] : record.evaluation)
    add(name, number(value));
  return table.finish();
}

static std::string fileItem(const std::string &what, const ReportSource::File &file) {
  if (file.name.empty())
    return "";
  return "<li>" + what + " <code>" + escapeHtml(file.name) + "</code>: " + counted(file.bytes, "byte") +
         ", hash <code>" + print("%016" PRIx64, file.hash) + "</code></li>\n";
}

std::string report::reproduceSection(const Report &report) {
  const ReportSource &source = report.source;
  std::string text;
  if (!source.command.empty())
    text += "<pre>" + escapeHtml(source.command) + "</pre>\n";
  text += "<ul>\n";
  text += fileItem("model", source.model) + fileItem("data", source.data) + fileItem("conditions", source.condition);
  text += "<li>" + (source.version.empty() ? std::string("flowc") : "flowc " + escapeHtml(source.version)) + ", " +
          report.dtype + ", seed " + std::to_string(report.seed) +
          "; the same rows, model and seed give this page to the byte, on any number of threads</li>\n</ul>\n";
  if (!source.data.name.empty())
    text += note("Hashes are FNV-1a over words of 64 bits: they tell whether a file is the same as it was.");
  if (std::string command = trainingCommand(report); !command.empty())
    text += "<h3>How the model was made</h3>\n<pre>" + escapeHtml(command) + "</pre>\n";
  const TrainingRecord &record = report.record;
  if (record.options.empty() && record.choices.empty() && record.rows == 0)
    return text + paragraph("The model file does not say how the model was made.");
  return text + trainingTable(record);
}
