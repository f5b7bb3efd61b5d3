//===- Callbacks.cpp - From training to Python ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Callbacks.h"

using namespace flowc::python;

int Callbacks::hearRound(void *data, int64_t round, double trainLoss, double valLoss) {
  auto &self = *static_cast<Callbacks *>(data);
  bool stop = false;
  bool isDone = self.call([&] { stop = nb::cast<bool>(nb::bool_(self.onRound(round, trainLoss, valLoss))); });
  return stop || !isDone;
}

int Callbacks::hearStep(void *data, const flowc_step *step, const flowc_model *) {
  auto &self = *static_cast<Callbacks *>(data);
  bool stop = false;
  bool isDone = self.call([&] { stop = nb::cast<bool>(nb::bool_(self.onRound(step->iteration, step->loss))); });
  return stop || !isDone;
}

void Callbacks::hearProgress(void *data, const char *what, double share) {
  auto &self = *static_cast<Callbacks *>(data);
  self.call([&] { self.onProgress(what, share); });
}

int Callbacks::isInterrupted(void *data) {
  auto &self = *static_cast<Callbacks *>(data);
  if (std::this_thread::get_id() == self.owner)
    self.lookForSignals();
  return self.stopped;
}

void Callbacks::keep(std::exception_ptr exception) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!raised)
    raised = std::move(exception);
  stopped = true;
}

/// Python handles signals on its main thread alone, and a step takes less time than to ask for
/// the GIL may take: twenty times a second is soon enough.
void Callbacks::lookForSignals() {
  auto now = std::chrono::steady_clock::now();
  if (stopped || now < nextLook)
    return;
  nextLook = now + std::chrono::milliseconds(50);
  call([&] {
    if (PyErr_CheckSignals() == 0)
      return;
    if (!PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
      throw nb::python_error();
    PyErr_Clear();
    stopped = true;
  });
}
