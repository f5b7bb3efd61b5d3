//===- TrainOptions.h - Options of trainings from dictionaries --*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_TRAINOPTIONS_H
#define FLOWC_TOOLS_PYTHON_TRAINOPTIONS_H

#include "Support.h"

#include <deque>
#include <string>
#include <vector>

namespace flowc::python {

/// The options of a training loop, and the texts that they point to.
class TrainOptions {
public:
  /// The defaults of `loop`, and what `given` says otherwise, by the names of the struct's
  /// fields; None is the default. Throws for names that there are not, and values of another type.
  TrainOptions(flowc_loop loop, const nb::dict &given);
  TrainOptions(const TrainOptions &) = delete;

  flowc_train_options *operator->() { return &options; }
  const flowc_train_options *get() const { return &options; }

private:
  void set(const std::string &name, nb::handle value);
  void setPatterns(nb::handle value);

  flowc_train_options options;
  std::deque<std::string> texts;
  std::vector<const char *> patterns;
};

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_TRAINOPTIONS_H
