//===- Settings.cpp - Parts of a training, by name and settings -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

using namespace flowc;

static std::string exact(double value) {
  char text[40];
  auto result = std::to_chars(text, text + sizeof(text), value);
  return {text, result.ptr};
}

/// How many letters have to be changed, added or left out.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1], std::min({diagonal + (a[i] != b[j]), row[j] + 1, row[j + 1] + 1}));
  }
  return row.back();
}

Error flowc::unknownName(std::string_view kind, std::string_view name, std::span<const std::string> names) {
  std::string message = "there is no " + std::string(kind) + " '" + std::string(name) + "'";
  auto distance = [&](const std::string &other) { return editDistance(name, other); };
  auto nearest = std::ranges::min_element(names, {}, distance);
  if (nearest != names.end() && distance(*nearest) <= 2)
    return {message + "; did you mean '" + *nearest + "'?"};
  message += ", expected ";
  for (size_t i = 0; i < names.size(); ++i)
    message += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return {message};
}

Expected<Choice> Choice::parse(std::string_view text) {
  size_t colon = text.find(':');
  Choice choice{std::string(text.substr(0, colon))};
  if (choice.name.empty())
    return Error{"'" + std::string(text) + "' has no name, expected NAME or NAME:SETTING=VALUE,SETTING=VALUE"};
  std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (colon != std::string_view::npos && rest.empty())
    return Error{"'" + std::string(text) + "' ends with a colon, expected SETTING=VALUE behind it"};
  while (!rest.empty()) {
    std::string_view part = rest.substr(0, rest.find(','));
    rest = part.size() == rest.size() ? std::string_view() : rest.substr(part.size() + 1);
    size_t equals = part.find('=');
    std::string_view digits = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    double value = 0;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem != std::errc() || end != digits.data() + digits.size() || equals == 0)
      return Error{"'" + std::string(part) + "' of '" + std::string(text) + "' is no SETTING=NUMBER"};
    if (!choice.settings.emplace(part.substr(0, equals), value).second)
      return Error{"'" + std::string(text) + "' sets '" + std::string(part.substr(0, equals)) + "' twice"};
  }
  return choice;
}

std::string Choice::text() const {
  std::string text = name;
  char separator = ':';
  for (const auto &[setting, value] : settings) {
    text += std::exchange(separator, ',') + setting + "=" + exact(value);
  }
  return text;
}

Expected<std::vector<double>> flowc::resolveSettings(std::string_view kind, const Choice &choice,
                                                     std::span<const Setting> settings) {
  std::vector<double> values;
  std::vector<std::string> names;
  for (const Setting &setting : settings) {
    names.emplace_back(setting.name);
    auto given = choice.settings.find(setting.name);
    values.push_back(given == choice.settings.end() ? setting.value : given->second);
    if (!(values.back() >= setting.least && values.back() <= setting.most))
      return Error{"'" + names.back() + "' of the " + std::string(kind) + " '" + choice.name + "' is " +
                   exact(values.back()) + ", expected a number from " + exact(setting.least) +
                   (setting.most == kBelowOne  ? " to less than 1"
                    : setting.most == kLargest ? " on"
                                               : " to " + exact(setting.most))};
  }
  for (const auto &[name, value] : choice.settings)
    if (std::ranges::find(names, name) == names.end()) {
      if (names.empty())
        return Error{"the " + std::string(kind) + " '" + choice.name + "' has no settings, but got '" + name + "'"};
      return unknownName("setting of the " + std::string(kind) + " '" + choice.name + "' called", name, names);
    }
  return values;
}
