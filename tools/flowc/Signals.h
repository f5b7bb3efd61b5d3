//===- Signals.h - What a signal leaves behind ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_SIGNALS_H
#define FLOWC_TOOLS_SIGNALS_H

namespace flowc::tool {

/// From now on no signal that can be caught leaves a temporary file behind: the
/// process then ends as it would have. What is ignored (nohup) stays ignored. A
/// file that may not grow further is an error of writing, not a signal.
void handleSignals();

/// A handler: removes temporary files and ends the process with 128 + `signal`,
/// as shells say it.
void endBySignal(int signal);

/// Signals that ask for the end of long work (Ctrl-C, SIGTERM, SIGHUP, SIGXCPU), while this
/// lives: the first one is remembered, for the work to end in good order, a second one ends
/// the program. One that is ignored stays so (SIGHUP under nohup).
class StopSignals {
public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals &) = delete;
  StopSignals &operator=(const StopSignals &) = delete;

  /// The signal that came, also after the object's end; 0: none.
  static int received();

private:
  static constexpr int numSignals = 4;
  void (*earlier[numSignals])(int);
};

} // namespace flowc::tool

#endif
