//===- Signals.cpp - What a signal leaves behind --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signals.h"

#include "flowc/IO/File.h"

#include <csignal>
#include <string_view>
#include <unistd.h>

using namespace flowc;

void tool::endBySignal(int signal) {
  OutputFile::removeTemporaries();
  ::_exit(128 + signal);
}

/// Ends by the signal itself, which may write a core.
static void crash(int signal) {
  OutputFile::removeTemporaries();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// A page of a mapped file is lost: somebody has shortened it.
static void handleLostPage(int) {
  static constexpr std::string_view message = "flowc: error: a data file has become shorter while it is in use\n";
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
  OutputFile::removeTemporaries();
  ::_exit(1);
}

void tool::handleSignals() {
  for (int signal : {SIGHUP, SIGINT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGVTALRM, SIGPROF, SIGPOLL})
    if (std::signal(signal, endBySignal) == SIG_IGN)
      std::signal(signal, SIG_IGN);
  for (int signal : {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, SIGSYS})
    std::signal(signal, crash);
  std::signal(SIGBUS, handleLostPage);
  std::signal(SIGXFSZ, SIG_IGN);
}
