//===- DataUnits.h - A flow behind the units of its data --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_DATAUNITS_H
#define FLOWC_LIB_TRAINING_DATAUNITS_H

#include "flowc/Training/Standardize.h"

namespace flowc {

/// `flow` with one more item, `NAME_data`: `flow` behind the bijection `layer`, before its
/// support map if it has one, and with `afterBase` next to its base distribution (texts of
/// the language, none if empty); its condition in the units of `condition`, if that is not
/// null. Errors: as `standardize`.
Expected<Flow> inDataUnits(const Flow &flow, const std::string &layer, const std::string &afterBase,
                           const ColumnStatistics *condition);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_DATAUNITS_H
