//===- Listener.cpp - What each test comes past ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of test programs in copies that mutate.py wrote, and nowhere else.
//
//===----------------------------------------------------------------------===//

#include "flowc/Mutant.h"

#include <gtest/gtest.h>

namespace {
/// Ends the part of a test in FLOWC_MUTANT_TRACE.
class TraceListener : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo &test) override {
    flowc::mutantTrace().write(std::string(test.test_suite_name()) + "." + test.name() + " " +
                               std::to_string(test.result()->elapsed_time()));
  }
};
} // namespace

[[maybe_unused]] static const bool isAdded = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new TraceListener);
  return true;
}();
