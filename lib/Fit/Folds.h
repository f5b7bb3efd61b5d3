//===- Folds.h - Rows to train on, and rows to judge by ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_FOLDS_H
#define FLOWC_LIB_FIT_FOLDS_H

#include "TableSupport.h"

#include "flowc/Fit.h"
#include "flowc/Training/Trainer.h"
#include "flowc/Training/Whitening.h"

namespace flowc {

/// One division of a table, and the units of the rows to train on.
struct Fold {
  TrainingData data; ///< To train on, with the others to validate with.
  Whitening whitening, columns;
  /// For closed forms, in standardised columns behind the maps of bounds: some of the rows to
  /// train on, and those to validate with; the event's columns first, then the condition's.
  Rows<double> trainSample, heldOut;
  Eigen::VectorXd heldOutSlope; ///< log |det du/dx| of these maps.
};

/// A table with its divisions: small ones are cut into five parts, each of which is held
/// out once (cross-validation), of large ones a tenth is held out, 20,000 rows at most.
struct Folds {
  std::vector<Fold> folds;
  int64_t heldOutRows = 0;
  /// The whole table.
  TrainingData all;
  Whitening whitening, columns;
  std::optional<ColumnStatistics> condition;
  Rows<double> sample;    ///< As `Fold::trainSample`.
  ColumnStatistics event; ///< Behind the maps of bounds.
  TableSupport support;

  /// log |det dz/dx| of the event's standardised columns.
  double columnsLogDet() const;
};

Expected<Folds> divideTable(const FitTable &table, const FitTableOptions &options);

} // namespace flowc

#endif // FLOWC_LIB_FIT_FOLDS_H
