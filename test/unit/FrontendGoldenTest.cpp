//===- FrontendGoldenTest.cpp - Leaves of FlowJAX's own objects -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every golden case records the leaves of FlowJAX's pytree. The tree that the
// front end builds from the case's text must have exactly these.
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Frontend.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace flowc {
namespace {

std::string readFile(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// The names of all folders of test/golden.
std::vector<std::string> goldenCases() {
  std::vector<std::string> names;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(FLOWC_GOLDEN_DIR, error), end; it != end && !error; it.increment(error))
    if (llvm::sys::fs::is_directory(it->path()))
      names.push_back(llvm::sys::path::filename(it->path()).str());
  std::sort(names.begin(), names.end());
  return names;
}

/// One line for each leaf: path, kind of number, shape, trained or not.
std::string describeLeaf(llvm::StringRef path, llvm::StringRef type, const Shape &shape, bool trainable) {
  std::string line = (path + " " + type + " [").str();
  for (int64_t size : shape)
    line += std::to_string(size) + ",";
  return line + (trainable ? "] trainable" : "]");
}

class GoldenLeaves : public testing::TestWithParam<std::string> {};

TEST_P(GoldenLeaves, AreThoseOfFlowJAX) {
  std::string folder = std::string(FLOWC_GOLDEN_DIR) + "/" + GetParam();
  Expected<ParsedItem> item = parseFlow(readFile(folder + "/model.flow"), "model.flow");
  ASSERT_TRUE(item) << item.error().message;

  llvm::Expected<llvm::json::Value> spec = llvm::json::parse(readFile(folder + "/case.json"));
  ASSERT_TRUE(static_cast<bool>(spec));
  std::vector<std::string> expected, found;
  for (const llvm::json::Value &value : *spec->getAsObject()->getArray("leaves")) {
    const llvm::json::Object &leaf = *value.getAsObject();
    Shape shape;
    for (const llvm::json::Value &size : *leaf.getArray("shape"))
      shape.push_back(*size.getAsInteger());
    llvm::StringRef path = *leaf.getString("path");
    llvm::StringRef type = *leaf.getString("dtype");
    // Bounds of an interval are what the Python caller gave; flowc has no
    // integers there.
    bool isBound = path.contains(".interval[") || path.starts_with(".interval[");
    type = type.starts_with("float") || isBound ? "float" : type.starts_with("int") ? "int" : "bool";
    expected.push_back(describeLeaf(path, type, shape, *leaf.getBoolean("trainable")));
  }
  for (const PlacedLeaf &leaf : flattenLeaves(*item->root)) {
    llvm::StringRef type = leaf.leaf->type == Leaf::Type::Float ? "float"
                           : leaf.leaf->type == Leaf::Type::Int ? "int"
                                                                : "bool";
    found.push_back(describeLeaf(leaf.path, type, leaf.shape, leaf.leaf->kind == Leaf::Kind::Trainable));
    if (leaf.leaf->kind == Leaf::Kind::Constant) {
      EXPECT_EQ(static_cast<int64_t>(leaf.values.size()), numElements(leaf.shape)) << leaf.path;
    }
  }
  EXPECT_EQ(found, expected);
}

/// Takes one `.npy` block (version 1) off the front of `bytes`: its values as
/// doubles. Fails on anything else than C-ordered numbers and booleans.
std::optional<std::vector<double>> takeNpyBlock(llvm::StringRef &bytes) {
  if (!bytes.consume_front("\x93NUMPY\x01") || bytes.size() < 3)
    return std::nullopt;
  size_t headerSize = static_cast<unsigned char>(bytes[1]) + 256 * static_cast<unsigned char>(bytes[2]);
  llvm::StringRef header = bytes.substr(3, headerSize);
  bytes = bytes.drop_front(3 + headerSize);
  size_t count = 1;
  llvm::StringRef shape = header.split("'shape': (").second.split(')').first;
  while (!shape.empty()) {
    auto [size, rest] = shape.split(',');
    size_t extent = 1;
    if (!size.trim().empty() && size.trim().getAsInteger(10, extent))
      return std::nullopt;
    count *= extent;
    shape = rest;
  }
  std::vector<double> values;
  auto take = [&](auto example) {
    for (size_t i = 0; i < count && bytes.size() >= sizeof(example); ++i) {
      std::memcpy(&example, bytes.data(), sizeof(example));
      values.push_back(static_cast<double>(example));
      bytes = bytes.drop_front(sizeof(example));
    }
  };
  if (header.contains("'<f8'"))
    take(double());
  else if (header.contains("'<i8'"))
    take(int64_t());
  else if (header.contains("'|b1'"))
    take(bool());
  if (values.size() != count)
    return std::nullopt;
  return values;
}

TEST_P(GoldenLeaves, HaveTheConstantsOfTheModelFile) {
  std::string folder = std::string(FLOWC_GOLDEN_DIR) + "/" + GetParam();
  Expected<ParsedItem> item = parseFlow(readFile(folder + "/model.flow"), "model.flow");
  ASSERT_TRUE(item) << item.error().message;
  std::string file = readFile(folder + "/model.eqx");
  llvm::StringRef bytes = file;
  for (const PlacedLeaf &leaf : flattenLeaves(*item->root)) {
    std::optional<std::vector<double>> stored = takeNpyBlock(bytes);
    ASSERT_TRUE(stored) << leaf.path;
    EXPECT_EQ(static_cast<int64_t>(stored->size()), numElements(leaf.shape)) << leaf.path;
    bool isGiven = leaf.leaf->kind == Leaf::Kind::Constant ||
                   (leaf.leaf->kind == Leaf::Kind::Permutation && leaf.leaf->init.kind == Init::Kind::Values);
    if (!isGiven || stored->size() != leaf.values.size())
      continue;
    // Numbers that follow from others may differ in their last digit.
    for (auto [fromFile, ours] : llvm::zip_equal(*stored, leaf.values))
      EXPECT_NEAR(fromFile, ours, leaf.leaf->type == Leaf::Type::Float ? 1e-15 : 0) << leaf.path;
  }
  EXPECT_TRUE(bytes.empty());
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenLeaves, testing::ValuesIn(goldenCases()),
                         [](const auto &info) { return info.param; });

} // namespace
} // namespace flowc
