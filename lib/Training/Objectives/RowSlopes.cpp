//===- RowSlopes.cpp - Numbers of rows along a direction ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowSlopes.h"

#include <cmath>

using namespace flowc;

LossSlope RowSlopes::mean() const {
  LossSlope sum;
  for (size_t i = 0; i < values.size(); ++i) {
    sum.loss += values[i];
    sum.slope += std::isfinite(values[i]) ? slopes[i] : 0;
  }
  auto count = static_cast<double>(values.size());
  return {sum.loss / count, sum.slope / count};
}

void RowSlopes::leaveOutRareFailures() {
  if (countRareFailures(values) == 0)
    return;
  size_t kept = 0;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) {
      values[kept] = values[i];
      slopes[kept++] = slopes[i];
    }
  values.resize(kept);
  slopes.resize(kept);
}

template <typename T>
static Expected<RowSlopes> runRowSlopesAs(Kernels &kernels, const Model &model, Kernels::Call &call) {
  auto rows = static_cast<size_t>(call.rows);
  std::vector<T> values(rows), slopes(rows);
  call.outputs = {values.data(), slopes.data()};
  if (auto ok = kernels.run(model, call); !ok)
    return ok.takeError();
  return RowSlopes{{values.begin(), values.end()}, {slopes.begin(), slopes.end()}};
}

Expected<RowSlopes> flowc::runRowSlopes(Kernels &kernels, const Model &model, Kernels::Call call,
                                        std::span<const double> direction) {
  call.tangent = direction;
  return withType(model.dtype(), [&]<typename T>() { return runRowSlopesAs<T>(kernels, model, call); });
}

Expected<RowSlopes> flowc::runDrawSlopes(Kernels &kernels, Program program, const Model &model, const Batch &batch,
                                         std::span<const double> direction) {
  Kernels::Call call{.kernel = findTangentKernel(program, batch.x ? RowSource::Given : RowSource::Drawn),
                     .rows = batch.rows,
                     .first = batch.first,
                     .seed = batch.seed};
  addRows(batch, call);
  return runRowSlopes(kernels, model, std::move(call), direction);
}
