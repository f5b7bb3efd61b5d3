//===- Replay.cpp - Runs a fuzzer on given inputs -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The main program of fuzzers in builds without libFuzzer: PROGRAM FILE|FOLDER...
// Besides each file itself it runs hundreds of damaged copies, or as many as the variable
// FLOWC_FUZZ_DAMAGES says: cut, with parts twice or not at all, with other bytes, by a
// generator that is the same everywhere.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

namespace fs = std::filesystem;

static int numDamages() {
  constexpr int usual = 300;
  const char *wanted = std::getenv("FLOWC_FUZZ_DAMAGES");
  return wanted ? std::atoi(wanted) : usual;
}

/// What runs now. Who ends in a signal leaves it behind in the file `failure`.
static std::string_view current;

static void keepFailure(int signal) {
  int file = ::open("failure", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  [[maybe_unused]] ssize_t written = ::write(file, current.data(), current.size());
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// On a stack of its own: one that overflows has no room for a handler.
static void catchSignals() {
  static std::vector<char> stack(1 << 16);
  stack_t alternative{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_handler = keepFailure;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL})
    ::sigaction(signal, &action, nullptr);
}

static void run(const std::string &bytes) {
  current = bytes;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

/// Runs `bytes` and copies of it with some damage; returns how many inputs that were.
static int runWithDamages(const std::string &bytes) {
  run(bytes);
  std::minstd_rand random(static_cast<unsigned>(bytes.size()) + 1);
  auto below = [&](size_t count) { return static_cast<size_t>(random()) % std::max<size_t>(1, count); };
  const int damages = numDamages();
  for (int i = 0; i < damages; ++i) {
    std::string damaged = bytes;
    switch (i % 4) {
    case 0: // cut
      damaged.resize(below(bytes.size()));
      break;
    case 1: // a part twice
      damaged.insert(below(bytes.size()), bytes.substr(below(bytes.size()), below(40)));
      break;
    case 2: // a part less
      damaged.erase(below(bytes.size()), below(20));
      break;
    default: // other bytes
      for (size_t changes = 1 + below(4); changes > 0 && !damaged.empty(); --changes)
        damaged[below(damaged.size())] = static_cast<char>(random());
    }
    run(damaged);
  }
  return 1 + damages;
}

int main(int argc, char **argv) {
  catchSignals();
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto &entry : fs::directory_iterator(argv[i]))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  int inputs = 0;
  for (const fs::path &path : files) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    inputs += runWithDamages(bytes);
  }
  std::printf("%d inputs from %zu files, %" PRIu64 " accepted\n", inputs, files.size(), flowc::fuzz::numAccepted);
  // A corpus of errors alone tests little: formats have changed, and it has not.
  return flowc::fuzz::numAccepted == 0;
}
