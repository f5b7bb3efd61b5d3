//===- GoldenFlows.h - Flows with FlowJAX's parameters ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_GOLDENFLOWS_H
#define FLOWC_TEST_UNIT_GOLDENFLOWS_H

#include "FlowTesting.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace flowc::test {

/// The names of all cases of test/golden.
inline std::vector<std::string> goldenCases() {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(FLOWC_GOLDEN_DIR))
    if (std::filesystem::exists(entry.path() / "model.eqx"))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string goldenText(const std::string &name) {
  std::stringstream text;
  text << std::ifstream(std::string(FLOWC_GOLDEN_DIR) + "/" + name + "/model.flow").rdbuf();
  return text.str();
}

/// The model of a case, in float64.
inline Model importGolden(const std::string &name) {
  std::string path = std::string(FLOWC_GOLDEN_DIR) + "/" + name + "/model.eqx";
  return take(Model::importEquinox(parse(goldenText(name)), path), path).astype(F64);
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_GOLDENFLOWS_H
