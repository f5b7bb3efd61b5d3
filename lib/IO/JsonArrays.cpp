//===- JsonArrays.cpp - Arrays in JSON files ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/JsonArrays.h"

#include "JsonNames.h"

#include "flowc/IO/File.h"

#include <cmath>
#include <set>

using namespace flowc;

using Json = nlohmann::json;

struct JsonArrays::File {
  std::string path;
  Json object;
  std::vector<std::string> names;
};

/// Appends the numbers of `part`, whose shape is the rest of that of `array` from
/// `axis` on, or becomes it. Returns what is wrong, or an empty string.
static std::string append(const Json &part, size_t axis, bool isFirst, JsonArray &array) {
  if (part.is_number()) {
    array.values.push_back(part.get<double>());
    if (!std::isfinite(array.values.back()))
      return "holds a number that is not finite";
    return axis == array.shape.size() ? "" : "holds lists beside numbers";
  }
  if (!part.is_array())
    return "holds more than numbers and lists of them";
  constexpr size_t maxAxes = 8;
  if (axis == maxAxes)
    return "is nested too deeply";
  if (isFirst)
    array.shape.push_back(static_cast<int64_t>(part.size()));
  if (axis >= array.shape.size() || array.shape[axis] != static_cast<int64_t>(part.size()))
    return "holds lists of different lengths";
  for (size_t i = 0; i < part.size(); ++i)
    if (std::string problem = append(part[i], axis + 1, isFirst && i == 0, array); !problem.empty())
      return problem;
  return {};
}

Expected<JsonArrays> JsonArrays::read(const std::string &path) {
  auto text = readFile(path);
  if (!text)
    return text.takeError();
  auto file = std::make_shared<File>();
  file->path = path;
  file->object = Json::parse(*text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (file->object.is_discarded())
    return Error{"'" + path + "' is no valid JSON"};
  if (!file->object.is_object())
    return Error{"'" + path + "' holds no object, expected { \"NAME\": NUMBERS, ... }"};
  std::set<std::string> seen;
  for (std::string &name : detail::JsonNames::of(*text))
    if (seen.insert(name).second)
      file->names.push_back(std::move(name));
  return JsonArrays(std::move(file));
}

const std::vector<std::string> &JsonArrays::names() const { return file->names; }

Expected<JsonArray> JsonArrays::get(const std::string &name) const {
  auto member = file->object.find(name);
  if (member == file->object.end())
    return Error{"'" + file->path + "' has no '" + name + "'"};
  JsonArray array{name, {}, {}};
  if (std::string problem = append(*member, 0, /*isFirst=*/true, array); !problem.empty())
    return Error{"'" + file->path + "': '" + name + "' " + problem + ", expected a number or lists of equal lengths"};
  return array;
}
