//===- LossLog.h - What training wrote to --log -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_LOSSLOG_H
#define FLOWC_TOOLS_FLOWC_LOSSLOG_H

#include "flowc/Support/Expected.h"

#include <map>
#include <string>
#include <vector>

namespace flowc::tool {

/// A log of epochs or of steps.
struct LossLog {
  std::string name; ///< Of its file.
  std::string unit; ///< `epoch` or `step`.
  /// A number for each line; what is not finite is NaN. All have as many.
  std::map<std::string, std::vector<double>> columns;

  /// CSV if the path ends so, else JSON lines. Errors: no such file, or one that is no
  /// log of a training.
  static Expected<LossLog> read(const std::string &path);

  /// Draws losses, gradient norm and learning rate, one below the other.
  Expected<void> draw(const std::string &path) const;

private:
  /// How long it is, and how well it ended.
  std::string describe() const;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_LOSSLOG_H
