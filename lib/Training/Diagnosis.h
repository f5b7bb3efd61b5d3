//===- Diagnosis.h - What is not finite, and where --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_DIAGNOSIS_H
#define FLOWC_LIB_TRAINING_DIAGNOSIS_H

#include "flowc/flowc.h"

namespace flowc {

/// `NaN`, `infinite`, `minus infinity`, or the digits of a number.
std::string describeNumber(double value);

/// Which part of the flow first left the finite numbers in the log-density of one event,
/// e.g. "coordinate 3 of layer 5 of 'coupling' (.bijection.bijections[0]) is infinite".
/// Empty: none is found.
std::string findFault(const Model &model, const void *x, const void *condition);

/// The same for one draw of a flow whose loss, log q - target, is `loss`: the point, the
/// flow's log-density there or the target's.
std::string findFaultOfDraw(const Model &model, const Batch &draw, double loss, int threads);

/// The first parameter, by name, whose derivative is not finite for one of the rows of a
/// batch; `rowName` names rows. Empty: none is found.
std::string findFaultOfGradient(const Model &model, Objective &objective, const Batch &batch,
                                const std::function<std::string(int64_t)> &rowName);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_DIAGNOSIS_H
