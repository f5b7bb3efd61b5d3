//===- Restrictions.cpp - What is known of draws --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Restrictions.h"

#include "Progress.h"

#include "flowc/Support/Format.h"
#include "flowc/Table/TableSchema.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

void RestrictionOptions::add(CLI::App &command) {
  addColumnOption(command, "--given", given,
                  "Values of some columns, COLUMN=VALUE,...: the others are drawn from their conditional distribution");
  addColumnOption(
      command, "--within", within,
      "Bounds of columns, COLUMN=LOW..HIGH,... (one end may be left out), or COLUMN=VALUE: draws outside are "
      "left out");
}

namespace {

/// What the options say, of columns of the table.
struct KnownColumns {
  std::map<size_t, double> given;
  std::map<size_t, std::pair<double, double>> within;
};

/// Reads the options for a model.
class RestrictionReader {
public:
  explicit RestrictionReader(const Loaded &loaded)
      : table(loaded.record.table ? &*loaded.record.table : nullptr),
        columns(table ? table->names() : eventColumnNames(loaded.flow(), loaded.record)) {}

  Expected<KnownColumns> read(const RestrictionOptions &options) const;

private:
  /// A column and what was said of it.
  struct ColumnText {
    size_t column;
    std::string_view text;
  };
  Expected<ColumnText> split(const std::string &option, const std::string &item) const;
  /// A value of the column: a number, a category, a date.
  Expected<double> readValue(const std::string &item, size_t column, std::string_view text) const;
  Expected<std::pair<double, double>> readEnds(const std::string &item, const ColumnText &parts) const;

  const TableSchema *table;
  std::vector<std::string> columns;
};

} // namespace

Expected<RestrictionReader::ColumnText> RestrictionReader::split(const std::string &option,
                                                                 const std::string &item) const {
  size_t at = item.rfind('=');
  if (at == std::string::npos)
    return Error{option + " has '" + abbreviate(item) +
                 "', expected COLUMN=" + (option == "--given" ? "VALUE" : "LOW..HIGH")};
  std::string name = item.substr(0, at);
  auto place = std::ranges::find(columns, name);
  if (place == columns.end())
    return Error{option + " names column '" + abbreviate(name) + "', but the columns of the model are " +
                 abbreviateList(columns)};
  return ColumnText{static_cast<size_t>(place - columns.begin()), std::string_view(item).substr(at + 1)};
}

Expected<double> RestrictionReader::readValue(const std::string &item, size_t column, std::string_view text) const {
  if (table && table->columns[column].isText()) {
    auto value = table->cellReader().read(static_cast<int64_t>(column), std::string(text));
    return value ? value
                 : Expected<double>(
                       Error{"'" + abbreviate(item) + "': '" + columns[column] + "' " + value.error().message});
  }
  double value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || std::isnan(value))
    return Error{"'" + abbreviate(item) + "': '" + abbreviate(text) + "' is no number"};
  return value;
}

Expected<std::pair<double, double>> RestrictionReader::readEnds(const std::string &item,
                                                                const ColumnText &parts) const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::string_view text = parts.text;
  size_t dots = text.find("..");
  if (text.empty() || text == "..")
    return Error{"--within has '" + abbreviate(item) +
                 "', expected COLUMN=LOW..HIGH, COLUMN=LOW.., COLUMN=..HIGH or "
                 "COLUMN=VALUE"};
  std::string_view lower = text.substr(0, dots), upper = dots == std::string_view::npos ? text : text.substr(dots + 2);
  auto low = lower.empty() ? Expected<double>(-infinity) : readValue(item, parts.column, lower);
  if (!low)
    return Error{"--within has " + low.error().message};
  auto high = upper.empty() ? Expected<double>(infinity) : readValue(item, parts.column, upper);
  if (!high)
    return Error{"--within has " + high.error().message};
  if (!(*low <= *high))
    return Error{"--within has '" + abbreviate(item) + "': the bounds hold no number"};
  return std::pair(*low, *high);
}

Expected<KnownColumns> RestrictionReader::read(const RestrictionOptions &options) const {
  KnownColumns result;
  for (const std::string &item : options.given) {
    auto parts = split("--given", item);
    if (!parts)
      return parts.takeError();
    auto value = readValue(item, parts->column, parts->text);
    if (!value)
      return Error{"--given has " + value.error().message};
    if (!result.given.emplace(parts->column, *value).second)
      return Error{"--given has two values of '" + columns[parts->column] + "'"};
  }
  for (const std::string &item : options.within) {
    auto parts = split("--within", item);
    if (!parts)
      return parts.takeError();
    auto ends = readEnds(item, *parts);
    if (!ends)
      return ends.takeError();
    if (!result.within.emplace(parts->column, *ends).second)
      return Error{"--within has bounds of '" + columns[parts->column] + "' twice"};
  }
  return result;
}

/// What is known as one of numbers of the model. Bounds are those of the table's values, which
/// draws have once they are rounded.
static Expected<Restriction> ofModel(const KnownColumns &known, const TableSchema &table,
                                     RestrictedDrawsOptions &options) {
  Restriction result;
  for (auto [column, value] : known.given) {
    auto point = table.point(column, value);
    if (!point)
      return Error{
          "--given has a value of '" + table.columns[column].name +
          "', which takes separate values: exact draws are given numbers of columns that are continuous. Draws "
          "with this value: --within " +
          table.columns[column].name + "=VALUE"};
    result.given.insert(*point);
  }
  if (known.within.empty())
    return result;
  options.accepts = [&table, within = known.within,
                     cells = std::vector<double>(table.columns.size())](const double *row) mutable {
    table.decode(row, cells.data());
    return std::ranges::all_of(within, [&](const auto &bound) {
      double cell = cells[bound.first];
      return bound.second.first <= cell && cell <= bound.second.second;
    });
  };
  return result;
}

static Expected<Restriction> restrictionOf(const Loaded &loaded, const RestrictionOptions &given,
                                           RestrictedDrawsOptions &options) {
  auto known = RestrictionReader(loaded).read(given);
  if (!known)
    return known.takeError();
  if (loaded.record.table)
    return ofModel(*known, *loaded.record.table, options);
  return Restriction{{known->given.begin(), known->given.end()}, {known->within.begin(), known->within.end()}};
}

/// The share of draws that lie within, without bias: the last one is within for certain.
static void printProbability(const RestrictedDraws &draws) {
  auto tried = static_cast<double>(draws.tried() - 1), within = static_cast<double>(draws.accepted() - 1);
  if (draws.accepted() < 3)
    return;
  double share = within / tried;
  std::fprintf(stderr, "%s of %s draws lie within the bounds: probability %.3g +- %.1g\n",
               formatCount(draws.accepted()).c_str(), formatCount(draws.tried()).c_str(), share,
               std::sqrt(share * (1 - share) / tried));
}

Expected<void> tool::drawRestricted(const Loaded &loaded, const RestrictionOptions &restriction,
                                    RestrictedDrawsOptions options, int64_t count,
                                    const std::function<Expected<void>(const Rows<double> &)> &consume) {
  options.names = eventColumnNames(loaded.flow(), loaded.record);
  auto parsed = restrictionOf(loaded, restriction, options);
  if (!parsed)
    return parsed.takeError();
  auto draws = RestrictedDraws::create(*loaded.kernels, loaded.model, *parsed, options);
  if (!draws)
    return draws.takeError();
  {
    Progress progress("drawing", count, "samples");
    const int64_t block = std::max<int64_t>(1, (int64_t(1) << 20) / loaded.flow().dim());
    for (int64_t done = 0; done < count;) {
      auto rows = (*draws)->next(std::min(block, count - done));
      if (!rows)
        return rows.takeError();
      if (auto ok = consume(*rows); !ok)
        return ok;
      progress.update(done += rows->rows());
    }
  }
  if (!restriction.within.empty())
    printProbability(**draws);
  return {};
}
