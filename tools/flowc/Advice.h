//===- Advice.h - What a training tells about the next one ------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_ADVICE_H
#define FLOWC_TOOLS_FLOWC_ADVICE_H

#include "flowc/Training/Record.h"
#include "flowc/Training/Trainer.h"

namespace flowc::tool {

/// Notes on standard error, each with what may help: a training that was too short, rows that
/// were learned by heart, rows that the flow has next to no density at. `fitted` are the rows
/// that chose the model, of `dim` columns.
void advise(const TrainingRecord &record, const Trainer::HeldOut &fitted, int64_t dim);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_ADVICE_H
