//===- Restrictions.cpp - What is known of draws --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Restrictions.h"

#include "Progress.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

void RestrictionOptions::add(CLI::App &command) {
  addColumnOption(command, "--given", given,
                  "Values of some columns, COLUMN=VALUE,...: the others are drawn from their conditional distribution");
  addColumnOption(command, "--within", within,
                  "Bounds of columns, COLUMN=LOW..HIGH,... (one end may be left out): draws outside are left out");
}

/// A column and what was said of it.
struct ColumnText {
  int64_t column;
  std::string_view text;
};

static Expected<ColumnText> splitAtEquals(const std::string &option, const std::string &item,
                                          const std::vector<std::string> &columns) {
  size_t at = item.rfind('=');
  if (at == std::string::npos)
    return Error{option + " has '" + abbreviate(item) +
                 "', expected COLUMN=" + (option == "--given" ? "VALUE" : "LOW..HIGH")};
  std::string name = item.substr(0, at);
  auto place = std::ranges::find(columns, name);
  if (place == columns.end())
    return Error{option + " names column '" + abbreviate(name) + "', but the columns of the model are " +
                 abbreviateList(columns)};
  return ColumnText{place - columns.begin(), std::string_view(item).substr(at + 1)};
}

static Expected<double> parseNumber(const std::string &option, const std::string &item, std::string_view text) {
  double value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || std::isnan(value))
    return Error{option + " has '" + abbreviate(item) + "': '" + abbreviate(text) + "' is no number"};
  return value;
}

static Expected<std::pair<double, double>> parseEnds(const std::string &item, std::string_view text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  size_t dots = text.find("..");
  if (dots == std::string_view::npos || text.size() == 2)
    return Error{"--within has '" + abbreviate(item) + "', expected COLUMN=LOW..HIGH, COLUMN=LOW.. or COLUMN=..HIGH"};
  auto low = dots == 0 ? Expected<double>(-infinity) : parseNumber("--within", item, text.substr(0, dots));
  if (!low)
    return low.takeError();
  auto high =
      dots + 2 == text.size() ? Expected<double>(infinity) : parseNumber("--within", item, text.substr(dots + 2));
  if (!high)
    return high.takeError();
  return std::pair(*low, *high);
}

Expected<Restriction> RestrictionOptions::parse(const std::vector<std::string> &columns) const {
  Restriction result;
  for (const std::string &item : given) {
    auto parts = splitAtEquals("--given", item, columns);
    auto value = parts ? parseNumber("--given", item, parts->text) : Expected<double>(parts.takeError());
    if (!value)
      return value.takeError();
    if (!result.given.emplace(parts->column, *value).second)
      return Error{"--given has two values of '" + columns[static_cast<size_t>(parts->column)] + "'"};
  }
  for (const std::string &item : within) {
    auto parts = splitAtEquals("--within", item, columns);
    if (!parts)
      return parts.takeError();
    auto ends = parseEnds(item, parts->text);
    if (!ends)
      return ends.takeError();
    if (!result.within.emplace(parts->column, *ends).second)
      return Error{"--within has bounds of '" + columns[static_cast<size_t>(parts->column)] + "' twice"};
  }
  return result;
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
                                    const RestrictedDrawsOptions &options, int64_t count,
                                    const std::function<Expected<void>(const Rows<double> &)> &consume) {
  auto parsed = restriction.parse(options.names);
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
  if (!parsed->within.empty())
    printProbability(**draws);
  return {};
}
