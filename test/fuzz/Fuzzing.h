//===- Fuzzing.h - What fuzzers share ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fuzzer is a file with LLVMFuzzerTestOneInput: libFuzzer calls it with inputs that
// it makes up, or Replay.cpp with those of the corpus.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_FUZZ_FUZZING_H
#define FLOWC_TEST_FUZZ_FUZZING_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace flowc::fuzz {

/// Ends the process, as a sanitizer would, unless a promise is kept.
inline void check(bool holds, std::string_view promise, std::string_view found = {}) {
  if (holds)
    return;
  std::fprintf(stderr, "broken: %.*s: %.*s\n", static_cast<int>(promise.size()), promise.data(),
               static_cast<int>(found.size()), found.data());
  std::abort();
}

inline std::string textOf(const uint8_t *data, size_t size) {
  return std::string(reinterpret_cast<const char *>(data), size);
}

/// How many inputs were what the fuzzer is about, rather than errors. A corpus without any
/// has become stale.
inline uint64_t numAccepted = 0;
inline void accept() { ++numAccepted; }

/// The name of a file of this process that ends in `ending`. Best in memory:
/// TMPDIR=/dev/shm.
inline std::string inputPath(const std::string &ending) {
  static const std::string beginning =
      (std::filesystem::temp_directory_path() / ("flowc-fuzz-" + std::to_string(::getpid()))).string();
  return beginning + ending;
}

/// Writes these bytes to such a file; returns its path.
inline std::string writeInput(std::string_view bytes, const std::string &ending) {
  std::string path = inputPath(ending);
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
        "there is room for an input", path);
  ::close(file);
  return path;
}

/// An error says something, in a text of printable characters.
inline void checkMessage(const std::string &message) {
  check(!message.empty(), "an error has a message");
  check(message.size() < 10000, "a message is short", message);
  check(std::ranges::none_of(message,
                             [](char c) {
                               auto byte = static_cast<unsigned char>(c);
                               return (byte < ' ' && c != '\n' && c != '\t') || byte == 0x7f;
                             }),
        "a message holds nothing that a terminal would obey", message);
}

} // namespace flowc::fuzz

#endif // FLOWC_TEST_FUZZ_FUZZING_H
