//===- TemporaryDirectory.h - A folder for the files of a test --*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_TEMPORARYDIRECTORY_H
#define FLOWC_TEST_UNIT_TEMPORARYDIRECTORY_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace flowc::test {

/// A new empty folder that goes away with its object.
class TemporaryDirectory {
public:
  TemporaryDirectory() : path((std::filesystem::temp_directory_path() / "flowc-test-XXXXXX").string()) {
    if (!::mkdtemp(path.data()))
      std::abort();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }

  std::string operator/(const std::string &name) const { return path + "/" + name; }

  /// Writes a file and returns its path.
  std::string write(const std::string &name, const std::string &content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }

  static std::string read(const std::string &file) {
    std::stringstream content;
    content << std::ifstream(file, std::ios::binary).rdbuf();
    return content.str();
  }

  /// Number of files in the folder.
  size_t numFiles() const {
    auto begin = std::filesystem::directory_iterator(path);
    return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

private:
  std::string path;
};

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_TEMPORARYDIRECTORY_H
