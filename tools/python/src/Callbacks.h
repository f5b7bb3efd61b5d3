//===- Callbacks.h - From training to Python --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_CALLBACKS_H
#define FLOWC_TOOLS_PYTHON_CALLBACKS_H

#include "Support.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

namespace flowc::python {

/// What a training tells Python, and how Python stops it. The training runs without the GIL
/// on the thread that made this object; callbacks take it. What they raise ends the training
/// and is raised again by `rethrow`. Ctrl-C ends it, too, but is no error: the training
/// says that it was interrupted.
class Callbacks {
public:
  /// `onRound(round, train_loss, val_loss)` or `onRound(step, loss)`, true stops; `onProgress(what, share)`.
  /// None: nobody.
  Callbacks(nb::handle onRound, nb::handle onProgress)
      : onRound(onRound), onProgress(onProgress), owner(std::this_thread::get_id()) {}

  // As the C interface calls them; `data` is this object.
  static int hearRound(void *data, int64_t round, double trainLoss, double valLoss);
  static int hearStep(void *data, const flowc_step *step, const flowc_model *model);
  static void hearProgress(void *data, const char *what, double share);
  static int isInterrupted(void *data);

  /// Calls `body` with the GIL; keeps what it throws, and returns false then.
  template <typename Body>
  bool call(Body &&body) noexcept {
    leaveLibrary();
    const bool isDone = callWithGil(body);
    if (!enterLibrary())
      waitForTheEnd();
    return isDone;
  }
  /// Throws what a callback has thrown.
  void rethrow() const {
    if (raised)
      std::rethrow_exception(raised);
  }

private:
  template <typename Body>
  bool callWithGil(Body &body) noexcept {
    bool isDone = false;
    // (Neither the GIL of an interpreter that is ending is to be had, nor can it be given back. nanobind's
    // own guard lets no such thread through.)
    PyGILState_STATE state = callPython([] { return PyGILState_Ensure(); });
    try {
      callPython(body);
      isDone = true;
    } catch (...) {
      keep(std::current_exception());
    }
    PyGILState_Release(state);
    return isDone;
  }
  void lookForSignals();
  /// Of several exceptions the first.
  void keep(std::exception_ptr exception);

  nb::handle onRound, onProgress;
  std::thread::id owner;
  std::chrono::steady_clock::time_point nextLook = {};
  std::atomic<bool> stopped = false;
  std::mutex mutex;
  std::exception_ptr raised;
};

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_CALLBACKS_H
