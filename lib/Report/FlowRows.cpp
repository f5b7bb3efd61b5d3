//===- FlowRows.cpp - A flow on rows of doubles ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowRows.h"

#include "flowc/Evaluation.h"
#include "flowc/Support/WithType.h"

using namespace flowc;
using namespace flowc::report;

Rows<double> report::toDoubles(DType dtype, const void *values, int64_t rows, int64_t columns) {
  return withType(dtype, [&]<typename T>() -> Rows<double> {
    return Eigen::Map<const Rows<T>>(static_cast<const T *>(values), rows, columns).template cast<double>();
  });
}

Rows<double> report::repeatEach(const Rows<double> &rows, int64_t times) {
  Rows<double> result(rows.rows() * times, rows.cols());
  for (int64_t row = 0; row < rows.rows(); ++row)
    result.middleRows(row * times, times) = rows.row(row).replicate(times, 1);
  return result;
}

Expected<Eigen::VectorXd> FlowRows::logProb(const Rows<double> &x, const Rows<double> &condition) const {
  return withType(kernels.dtype(), [&]<typename T>() -> Expected<Eigen::VectorXd> {
    auto result = kernels.template logProb<T>(model, x.cast<T>().eval(), condition.cast<T>());
    if (!result)
      return result.takeError();
    return Eigen::VectorXd(result->template cast<double>());
  });
}

Expected<DrawnRows> FlowRows::draw(int64_t count, const Rows<double> &condition, int64_t first) const {
  return withType(kernels.dtype(), [&]<typename T>() -> Expected<DrawnRows> {
    auto result = kernels.template sampleAndLogProb<T>(model, count, seed, condition.cast<T>(),
                                                       kFirstEvaluationDraw + static_cast<uint64_t>(first));
    if (!result)
      return result.takeError();
    return DrawnRows{result->first.template cast<double>(), result->second.template cast<double>()};
  });
}

Expected<Rows<double>> FlowRows::toBase(const Rows<double> &x, const Rows<double> &condition) const {
  return withType(kernels.dtype(), [&]<typename T>() -> Expected<Rows<double>> {
    Rows<T> given = x.cast<T>(), under = condition.cast<T>(), z(x.rows(), x.cols());
    Kernels::Call call{.kernel = Kernel::ToBase, .inputs = {given.data()}, .outputs = {z.data()}, .rows = x.rows()};
    if (flow().condShape())
      call.inputs.push_back(under.data());
    if (auto ok = kernels.run(model, call); !ok)
      return ok.takeError();
    return Rows<double>(z.template cast<double>());
  });
}
