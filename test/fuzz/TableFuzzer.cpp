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

#include "flowc/IO/JsonArrays.h"
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

/// All members of an object.
static void readJson(const std::string &path) {
  auto object = JsonArrays::read(path);
  if (!object) {
    fuzz::checkMessage(object.error().message);
    return;
  }
  for (const std::string &name : object->names())
    if (auto array = object->get(name); !array)
      fuzz::checkMessage(array.error().message);
    else
      fuzz::check(numElements(array->shape) == std::ssize(array->values), "an array has the shape that it says", path);
}

/// One file with a name for each format.
static void writeUnderAllNames(const std::string &bytes) {
  const std::string input = fuzz::writeInput(bytes, ".csv");
  static const bool hasNames = [&] {
    for (const char *ending : {".tsv", ".npy", ".npz", ".json"}) {
      std::filesystem::remove(fuzz::inputPath(ending));
      std::filesystem::create_hard_link(input, fuzz::inputPath(ending));
    }
    return true;
  }();
  fuzz::check(hasNames, "the input has a name for each format");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 1 << 16;
  if (size > longest)
    return 0;
  std::string bytes = fuzz::textOf(data, size);
  writeUnderAllNames(bytes);
  if (bytes.starts_with('{'))
    readJson(fuzz::inputPath(".json"));
  for (const char *ending : {".csv", ".tsv", ".npy", ".npz"}) {
    // Without its signature a file is soon refused.
    bool isNpy = std::string_view(ending) == ".npy", isNpz = std::string_view(ending) == ".npz";
    if ((isNpy && !bytes.starts_with("\x93NUMPY")) || (isNpz && bytes.find("PK\x05\x06") == std::string::npos))
      continue;
    auto table = readTable(fuzz::inputPath(ending));
    if (!table) {
      fuzz::checkMessage(table.error().message);
      continue;
    }
    fuzz::accept();
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
