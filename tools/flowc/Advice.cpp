//===- Advice.cpp - What a training tells about the next one --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Advice.h"

#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

/// How long the training was, and how large the flow is.
static void adviseOnLosses(const TrainingRecord &record, double error, int64_t dim) {
  auto epochs = std::ssize(record.valLosses);
  constexpr int64_t fewest = 10; // Of fewer epochs nobody expects that they are enough.
  if (epochs < fewest)
    return;
  double best = record.valLosses[record.bestEpoch - 1], last = record.valLosses.back();
  // By more than luck: two standard errors; those of a difference on the same rows are smaller.
  if (record.valLosses[epochs * 4 / 5] - best > 2 * error && record.bestEpoch > epochs * 19 / 20)
    std::fprintf(stderr, "note: the validation loss was still falling: --max-epochs %lld may gain more\n",
                 static_cast<long long>(2 * epochs));
  if (record.bestEpoch < epochs / 2 && last - best > 0.05 * static_cast<double>(dim))
    std::fprintf(stderr,
                 "note: after epoch %lld the flow learned rows by heart (training loss %.4f, validation loss %.4f at "
                 "the end): fewer layers or units, or --optimizer adamw:weight_decay=0.01, may help, as may "
                 "'flowc fit'\n",
                 static_cast<long long>(record.bestEpoch), record.trainLosses.back(), last);
}

/// A row so far from all others that a new one like it would spoil any mean: of a normal
/// distribution the least likely of a million rows is about 15 nats below the mean in one
/// dimension, and less than 2 more in each other.
static void adviseOnRows(const Trainer::HeldOut &fitted, int64_t dim) {
  double limit = 20 + 4 * static_cast<double>(dim);
  if (fitted.worstLoss - fitted.meanLoss > limit)
    std::fprintf(
        stderr,
        "note: rows explode: row %lld that was held out has the log-density %.6g, and the mean is %.6g. Layers "
        "that cannot ('transformer = rational_quadratic_spline()' or 'bounded_affine()'), a base with heavy "
        "tails ('student_t') or 'flowc fit' may help; 'flowc score' finds such rows\n",
        static_cast<long long>(fitted.worstRow + 1), -fitted.worstLoss, -fitted.meanLoss);
}

void tool::advise(const TrainingRecord &record, const Trainer::HeldOut &fitted, int64_t dim) {
  if (fitted.rows < 2)
    return;
  adviseOnLosses(record, fitted.error, dim);
  adviseOnRows(fitted, dim);
}
