//===- Charts.h - The pictures of a report ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REPORT_CHARTS_H
#define FLOWC_LIB_REPORT_CHARTS_H

#include "Svg.h"

namespace flowc::report {

/// A value with its standard error, and what it is of.
struct Estimate {
  std::string label;
  double value = 0, error = 0;
  bool isModel = false; ///< Drawn in the colour of the model.
};

// Each returns an element <svg>.
std::string drawEstimates(const std::vector<Estimate> &estimates, const std::string &axis);
std::string drawLosses(const TrainingRecord &record);
std::string drawHistogram(const MarginalReport &marginal, const std::string &name);
std::string drawQuantiles(const MarginalReport &marginal, const std::string &name);
std::string drawPairs(const Report &report);
std::string drawUniformity(const UniformityReport &uniform);
std::string drawCoverage(const std::vector<CoverageReport> &coverage);
std::string drawBand(const BandReport &band, const std::string &column, const std::string &condition);

} // namespace flowc::report

#endif // FLOWC_LIB_REPORT_CHARTS_H
