//===- Archive.cpp - The state of training, by name -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Archive.h"

#include "flowc/IO/Safetensors.h"
#include "flowc/Support/Format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <type_traits>

using namespace flowc;

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static constexpr const char *formatName = "flowc checkpoint";
static constexpr const char *formatVersion = "3";
/// What counts are called among the strings of a file.
static constexpr std::string_view countPrefix = "count.";

double SavedArray::at(int64_t index) const {
  if (isDouble) {
    double value;
    std::memcpy(&value, bytes.data() + index * static_cast<int64_t>(sizeof(value)), sizeof(value));
    return value;
  }
  float value;
  std::memcpy(&value, bytes.data() + index * static_cast<int64_t>(sizeof(value)), sizeof(value));
  return value;
}

Expected<void> SavedState::write(const std::string &path) const {
  std::map<std::string, std::string> strings = identity;
  strings["format"] = formatName;
  strings["format_version"] = formatVersion;
  for (const auto &[name, value] : counts)
    strings[std::string(countPrefix) + name] = std::to_string(value);
  std::vector<TensorToWrite> tensors;
  for (const auto &[name, array] : arrays)
    tensors.push_back({name, array.isDouble ? ElementType::F64 : ElementType::F32, {array.size()}, array.bytes.data()});
  return writeSafetensors(path, tensors, strings);
}

Expected<SavedState> SavedState::read(const std::string &path) {
  auto file = SafetensorsReader::open(path);
  if (!file)
    return file.takeError();
  SavedState state;
  state.identity = file->metadata();
  auto is = [&](const char *key, const char *value) {
    auto found = state.identity.find(key);
    return found != state.identity.end() && found->second == value;
  };
  if (!is("format", formatName))
    return Error{"'" + path + "' is no checkpoint of flowc"};
  if (!is("format_version", formatVersion))
    return Error{"'" + path + "' was written by another version of flowc: train anew"};
  for (auto it = state.identity.begin(); it != state.identity.end();) {
    if (!it->first.starts_with(countPrefix)) {
      ++it;
      continue;
    }
    const std::string &text = it->second;
    int64_t value = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size())
      return Error{"'" + path + "' is no valid checkpoint: its entry '" + abbreviate(it->first) +
                   "' is no whole number"};
    state.counts[it->first.substr(countPrefix.size())] = value;
    it = state.identity.erase(it);
  }
  state.identity.erase("format");
  state.identity.erase("format_version");
  for (const auto &[name, layout] : file->tensors()) {
    bool isDouble = layout.type == ElementType::F64;
    if ((!isDouble && layout.type != ElementType::F32) || layout.shape.size() != 1)
      return Error{"'" + path + "' is no valid checkpoint: its tensor '" + abbreviate(name) + "' is no list of floats"};
    auto values = readArray(file->file(), layout);
    if (!values)
      return values.takeError();
    SavedArray &array = state.arrays[name];
    array.isDouble = isDouble;
    auto store = [&]<typename T>(T) {
      std::vector<T> typed(values->begin(), values->end());
      array.bytes.resize(typed.size() * sizeof(T));
      std::memcpy(array.bytes.data(), typed.data(), array.bytes.size());
    };
    isDouble ? store(double()) : store(float());
  }
  return state;
}

/// Whether people can tell two values of this entry of an identity from each other: not
/// whole texts, and not hashes.
static bool canBeShown(const std::string &key) {
  return !key.ends_with("data") && !key.ends_with("_code") && key != "draws" && key != "flow" && key != "target" &&
         key != "prior" && key != "formula";
}

std::string flowc::findDifference(const std::map<std::string, std::string> &saved,
                                  const std::map<std::string, std::string> &now) {
  auto valueIn = [](const std::map<std::string, std::string> &identity, const std::string &key) {
    auto found = identity.find(key);
    return found == identity.end() ? "nothing" : found->second;
  };
  for (const auto *identity : {&now, &saved})
    for (const auto &[key, value] : *identity) {
      std::string was = valueIn(saved, key), is = valueIn(now, key);
      if (was != is)
        return "another '" + abbreviate(key) + "'" +
               (canBeShown(key) ? " (" + abbreviate(was) + ", now " + is + ")" : "");
    }
  return "";
}

//===----------------------------------------------------------------------===//
// Archive
//===----------------------------------------------------------------------===//

void Archive::fail(std::string message) {
  if (problem.empty())
    problem = std::move(message);
}

void Archive::count(const std::string &name, int64_t &value, int64_t most) {
  if (!restores) {
    state->counts[name] = value;
    return;
  }
  auto found = state->counts.find(name);
  if (found == state->counts.end() || found->second < 0 || found->second > most)
    return fail("its entry '" + name + "' is no number from 0 to " + std::to_string(most));
  changes.emplace_back([&value, saved = found->second] { value = saved; });
}

void Archive::count(const std::string &name, int64_t &value, const std::string &mostName) {
  auto most = state->counts.find(mostName);
  count(name, value, most == state->counts.end() ? 0 : most->second);
}

void Archive::flag(const std::string &name, bool &value) {
  if (!restores) {
    state->counts[name] = value;
    return;
  }
  auto found = state->counts.find(name);
  if (found == state->counts.end() || (found->second != 0 && found->second != 1))
    return fail("its entry '" + name + "' is neither 0 nor 1");
  changes.emplace_back([&value, saved = found->second == 1] { value = saved; });
}

const SavedArray *Archive::find(const std::string &name, int64_t count, bool isDouble, bool mayBeInfinite) {
  auto found = state->arrays.find(name);
  std::string what = "its tensor '" + name + "' ";
  if (found == state->arrays.end()) {
    fail(what + "is missing");
    return nullptr;
  }
  const SavedArray &array = found->second;
  if (array.isDouble != isDouble || array.size() != count) {
    fail(what + "has " + std::to_string(array.size()) + " numbers of " + (array.isDouble ? "float64" : "float32") +
         ", expected " + std::to_string(count) + " of " + (isDouble ? "float64" : "float32"));
    return nullptr;
  }
  for (int64_t i = 0; i < count && !mayBeInfinite; ++i)
    if (!std::isfinite(array.at(i))) {
      fail(what + "holds a number that is not finite");
      return nullptr;
    }
  return &array;
}

template <typename T>
void Archive::values(const std::string &name, T *data, int64_t count, bool mayBeInfinite) {
  constexpr bool isDouble = std::is_same_v<T, double>;
  size_t bytes = static_cast<size_t>(count) * sizeof(T);
  if (!restores) {
    SavedArray &array = state->arrays[name];
    array.isDouble = isDouble;
    array.bytes.resize(bytes);
    std::copy_n(reinterpret_cast<const char *>(data), bytes, array.bytes.data());
    return;
  }
  if (const SavedArray *array = find(name, count, isDouble, mayBeInfinite))
    changes.emplace_back(
        [array, data, bytes] { std::copy_n(array->bytes.data(), bytes, reinterpret_cast<char *>(data)); });
}

void Archive::number(const std::string &name, double &value, bool mayBeInfinite) {
  values(name, &value, 1, mayBeInfinite);
}
void Archive::array(const std::string &name, float *data, int64_t count) { values(name, data, count, false); }
void Archive::array(const std::string &name, double *data, int64_t count) { values(name, data, count, false); }

void Archive::list(const std::string &name, std::vector<double> &numbers, const std::string &lengthName,
                   bool mayBeInfinite) {
  if (!restores)
    return values(name, numbers.data(), static_cast<int64_t>(numbers.size()), mayBeInfinite);
  auto length = state->counts.find(lengthName);
  int64_t count = length == state->counts.end() ? 0 : length->second;
  if (const SavedArray *array = find(name, count, true, mayBeInfinite))
    changes.emplace_back([array, &numbers, count] {
      numbers.resize(count);
      std::copy_n(array->bytes.data(), array->bytes.size(), reinterpret_cast<char *>(numbers.data()));
    });
}

std::vector<std::string> Archive::names(const std::string &beginning) const {
  std::vector<std::string> result;
  for (auto it = state->arrays.lower_bound(beginning); it != state->arrays.end() && it->first.starts_with(beginning);
       ++it)
    result.push_back(it->first.substr(beginning.size()));
  return result;
}

void Archive::nested(const std::string &innerPrefix, SavedState &inner,
                     const std::function<void(Archive &)> &describe) {
  if (!restores) {
    for (const auto &[name, value] : inner.counts)
      state->counts[innerPrefix + name] = value;
    for (const auto &[name, array] : inner.arrays)
      state->arrays[innerPrefix + name] = array;
    return;
  }
  SavedState found;
  auto copy = [&](const auto &from, auto &to) {
    for (auto it = from.lower_bound(innerPrefix); it != from.end() && it->first.starts_with(innerPrefix); ++it)
      to[it->first.substr(innerPrefix.size())] = it->second;
  };
  copy(state->counts, found.counts);
  copy(state->arrays, found.arrays);
  Archive check = restoring(found);
  describe(check);
  if (!check.problem.empty())
    return fail("in its part '" + innerPrefix + "', " + check.problem);
  changes.emplace_back([&inner, found] { inner = found; });
}

Expected<void> Archive::commit() {
  if (!problem.empty())
    return Error{problem};
  for (const auto &change : changes)
    change();
  changes.clear();
  return {};
}
