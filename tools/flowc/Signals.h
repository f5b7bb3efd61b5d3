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

} // namespace flowc::tool

#endif
