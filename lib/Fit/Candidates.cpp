//===- Candidates.cpp - Flows that are tried ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To try another flow, add a row. Names are what `flowc fit` prints.
//
//===----------------------------------------------------------------------===//

#include "Candidates.h"

#include "flowc/Fit.h"

using namespace flowc;

namespace {

constexpr int64_t kManyRows = 1500, kFewRows = 10000;

constexpr Candidate table[] = {
    {.name = "autoregressive splines, whitened",
     .text = "masked_autoregressive_flow({normal}, {splines}, flow_layers = 6, nn_width = 64{condition})",
     .isWhitened = true,
     .leastRows = kManyRows},
    {.name = "autoregressive splines",
     .text = "masked_autoregressive_flow({normal}, {splines}, flow_layers = 6, nn_width = 64{condition})",
     .leastRows = kManyRows},
    {.name = "small autoregressive splines, whitened",
     .text = "masked_autoregressive_flow({normal}, {splines}, flow_layers = 3, nn_width = 24{condition})",
     .isWhitened = true,
     .weightDecay = 1e-2,
     .mostRows = kFewRows},
    {.name = "small autoregressive splines",
     .text = "masked_autoregressive_flow({normal}, {splines}, flow_layers = 3, nn_width = 24{condition})",
     .weightDecay = 1e-2,
     .mostRows = kFewRows},
    {.name = "heavy-tailed autoregressive splines, whitened",
     .text = "masked_autoregressive_flow({student}, {splines}, flow_layers = 4, nn_width = 32{condition})",
     .isWhitened = true},
    {.name = "heavy-tailed autoregressive splines",
     .text = "masked_autoregressive_flow({student}, {splines}, flow_layers = 4, nn_width = 32{condition})"},
    {.name = "coupling splines, whitened",
     .text = "coupling_flow({normal}, {splines}{condition})",
     .isWhitened = true,
     .leastDim = 2},
    {.name = "triangular splines, whitened",
     .text = "triangular_spline_flow({normal}{condition})",
     .isWhitened = true,
     .pace = 4},
    {.name = "triangular splines", .text = "triangular_spline_flow({normal}{condition})", .pace = 4},
};

void replaceAll(std::string &text, const std::string &what, const std::string &by) {
  for (size_t at; (at = text.find(what)) != std::string::npos;)
    text.replace(at, what.size(), by);
}

} // namespace

std::span<const Candidate> flowc::candidateTable() { return table; }

bool flowc::takesPart(const Candidate &candidate, int64_t dim, int64_t condDim, int64_t rows) {
  // A coupling flow of one column has its condition to go by; one column has no correlations.
  return (dim >= candidate.leastDim || condDim > 0) && (dim > 1 || !candidate.isWhitened || candidate.leastDim > 1) &&
         rows >= candidate.leastRows && rows <= candidate.mostRows;
}

std::string flowc::flowText(const Candidate &candidate, const std::string &name, int64_t dim, int64_t condDim) {
  std::string text = candidate.text;
  replaceAll(text, "{normal}", "standard_normal([{dim}])");
  replaceAll(text, "{student}", "student_t(full([{dim}], 6), zeros([{dim}]), ones([{dim}]))");
  replaceAll(text, "{splines}", "transformer = rational_quadratic_spline(knots = 8, interval = 4)");
  replaceAll(text, "{condition}", condDim > 0 ? ", cond_dim = " + std::to_string(condDim) : "");
  replaceAll(text, "{dim}", std::to_string(dim));
  return "flow " + name + " = " + text + "\n";
}

std::vector<FitCandidate> flowc::fitCandidates(int64_t dim, int64_t condDim) {
  std::vector<FitCandidate> result;
  for (const Candidate &candidate : table)
    result.push_back({candidate.name, flowText(candidate, "fitted", dim, condDim)});
  return result;
}
