//===- Ending.cpp - Threads while the interpreter ends --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

using namespace flowc::python;

/// Threads that are in the library.
static std::atomic<int64_t> numInside = 0;
static std::atomic<bool> isEnding = false;
/// The thread that ends the interpreter.
static std::thread::id endingThread;

void flowc::python::waitForTheEnd() {
  for (;;)
    pause();
}

bool flowc::python::enterLibrary() {
  ++numInside;
  if (!isEnding || std::this_thread::get_id() == endingThread)
    return true;
  --numInside;
  return false;
}

void flowc::python::leaveLibrary() { --numInside; }

/// Waits until nobody is inside; with the GIL, which those who are inside do not have. A call that takes
/// longer than a minute is not waited for.
static void waitForThreads() {
  endingThread = std::this_thread::get_id();
  isEnding = true;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (numInside > 0 && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void flowc::python::watchTheEnd() {
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(waitForThreads));
  // Threads are not forked, but for the one that forks, which is not inside.
  pthread_atfork(nullptr, nullptr, [] { numInside = 0; });
}
