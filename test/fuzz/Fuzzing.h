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

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

/// A file of this process with these bytes, whose name ends in `ending`; overwritten by
/// the next call with the same ending.
inline std::string writeInput(std::string_view bytes, const std::string &ending) {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("flowc-fuzz-" + std::to_string(::getpid()) + ending);
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path.string();
}

/// An error says something, in a text of printable characters.
inline void checkMessage(const std::string &message) {
  check(!message.empty(), "an error has a message");
  check(message.size() < 10000, "a message is short", message);
}

} // namespace flowc::fuzz

#endif // FLOWC_TEST_FUZZ_FUZZING_H
