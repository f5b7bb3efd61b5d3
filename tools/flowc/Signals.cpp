//===- Signals.cpp - What a signal leaves behind --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signals.h"

#include "flowc/IO/File.h"

#include <csignal>
#include <iterator>
#include <string_view>
#include <unistd.h>

using namespace flowc;
using namespace flowc::tool;

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

//===----------------------------------------------------------------------===//
// Asking for the end
//===----------------------------------------------------------------------===//

static volatile std::sig_atomic_t stopSignal = 0;

static void requestStop(int signal) {
  stopSignal = signal;
  std::signal(signal, endBySignal);
}

static constexpr int stopSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU};

StopSignals::StopSignals() {
  static_assert(std::size(stopSignals) == numSignals);
  stopSignal = 0;
  for (size_t i = 0; i < numSignals; ++i) {
    earlier[i] = std::signal(stopSignals[i], requestStop);
    if (earlier[i] == SIG_IGN)
      std::signal(stopSignals[i], SIG_IGN);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < numSignals; ++i)
    std::signal(stopSignals[i], earlier[i]);
}

int StopSignals::received() { return stopSignal; }
