//===- TableFuzzer.cpp - Files of rows ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any file is rows of numbers in each of the formats, or an error. What was read from a
// text and written again reads the same.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/IO/Rows.h"

#include <algorithm>
#include <cctype>

using namespace flowc;

/// Names and numbers of a file.
static Expected<std::pair<std::vector<std::string>, std::vector<double>>> readTable(const std::string &path) {
  auto reader = openRows(path);
  if (!reader)
    return reader.takeError();
  auto values = readAllRows<double>(**reader, /*finite=*/false);
  if (!values)
    return values.takeError();
  return std::pair((*reader)->columnNames(), std::move(*values));
}

static void checkRoundTrip(const std::vector<std::string> &names, const std::vector<double> &values) {
  std::string copy = fuzz::writeInput("", ".copy.csv");
  auto width = static_cast<int64_t>(names.size());
  auto writer = createRowWriter(copy, F64, {width}, names);
  fuzz::check(bool(writer) && (*writer)->append(values.data(), static_cast<int64_t>(values.size()) / width) &&
                  (*writer)->finish(),
              "rows can be written");
  auto again = readTable(copy);
  fuzz::check(bool(again), "rows that were written can be read", again ? "" : again.error().message);
  fuzz::check(again->first == names, "names are kept");
  fuzz::check(again->second == values, "numbers are kept");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 1 << 16;
  if (size > longest)
    return 0;
  std::string bytes = fuzz::textOf(data, size);
  for (const char *ending : {".csv", ".tsv", ".npy", ".json"}) {
    auto table = readTable(fuzz::writeInput(bytes, ending));
    if (!table) {
      fuzz::checkMessage(table.error().message);
      continue;
    }
    auto &[names, values] = *table;
    // Names that all read as numbers are rows, not names, in the copy.
    bool isNamed = !names.empty() && std::any_of(names.begin(), names.end(), [](const std::string &name) {
      return !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) && name.size() > 3;
    });
    if (isNamed && std::string_view(ending) == ".csv")
      checkRoundTrip(names, values);
  }
  return 0;
}
