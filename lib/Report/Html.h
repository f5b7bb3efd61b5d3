//===- Html.h - Parts of a page ---------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REPORT_HTML_H
#define FLOWC_LIB_REPORT_HTML_H

#include "Charts.h"

namespace flowc::report {

/// A table; cells are HTML, the first of a row is its name.
class Table {
public:
  explicit Table(std::vector<std::string> heads) : heads(std::move(heads)) {}
  /// A row that `isMarked` stands out.
  void add(const std::vector<std::string> &cells, bool isMarked = false);
  std::string finish() const;

private:
  std::vector<std::string> heads;
  std::string body;
};

/// A picture with a caption, which is HTML.
std::string figure(const std::string &svg, const std::string &caption, std::string_view classes = {});
/// A part of the page with a heading; `body` is HTML.
std::string section(std::string_view id, std::string_view title, const std::string &body);
std::string paragraph(const std::string &html);
/// A paragraph in small print.
std::string note(const std::string &html);

// Numbers as HTML.
std::string number(double value);
std::string withError(double value, double error);
/// A value as exactly as its distribution is wide: to a thousandth of `deviation` or so.
std::string within(double value, double deviation);
/// A p-value.
std::string probability(double value);
/// `share` of 1 in per cent.
std::string percent(double share, int digits = 1);
/// E.g. 1 row, 1,234 rows.
std::string counted(int64_t count, const std::string &one);

/// The style sheet of the page.
extern const char *const kStyleSheet;

// The parts of the page as HTML; empty where there is nothing to say.
std::string shortSection(const Report &report);
std::string likelihoodSection(const Report &report);
std::string lossSection(const Report &report);
std::string marginalsSection(const Report &report);
std::string pairsSection(const Report &report);
std::string uniformitySection(const Report &report);
std::string coverageSection(const Report &report);
std::string bandsSection(const Report &report);
std::string surprisingSection(const Report &report);
std::string dataSection(const Report &report);
std::string flowSection(const Report &report);
std::string reproduceSection(const Report &report);

/// The best of the closed forms that the model is compared with, and the likelihood of the model
/// that belongs beside it; null if there are none.
struct BesideBaseline {
  const Contestant *best = nullptr;
  double gain = 0, gainError = 0;
  bool isHeldOut = false; ///< Whether the model's likelihood is of rows it was not trained on.
};
BesideBaseline besideBaseline(const Report &report);

} // namespace flowc::report

#endif // FLOWC_LIB_REPORT_HTML_H
