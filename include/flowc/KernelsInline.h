//===- KernelsInline.h - Eigen wrappers of Kernels::run ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by flowc.h only. The wrappers check shapes and element types, which
// the compiled kernels cannot, and own the results.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_KERNELSINLINE_H
#define FLOWC_KERNELSINLINE_H

#ifndef FLOWC_FLOWC_H
#error "include flowc/flowc.h instead"
#endif

namespace flowc {
namespace detail {

/// What the wrappers of `kernels` check before a call: the element type (given
/// by its size), the width of the rows (`xColumns`, -1 for samplers) and the
/// condition: one row for each of `rows`.
Expected<void> checkCall(const Kernels &kernels, const Model &model, size_t elementSize, int64_t xColumns, int64_t rows,
                         int64_t condRows, int64_t condColumns);

/// Fails unless there can be an array of so many rows: of a negative number, or of one
/// beyond the memory that the machine can give.
Expected<void> checkSize(int64_t rows, int64_t columns, size_t elementSize);

/// `condition` with one row for each of `n` samples: a single row is repeated.
template <typename T>
Rows<T> repeatCondition(const Rows<T> &condition, int64_t n) {
  if (condition.rows() == 1 && n != 1)
    return condition.replicate(n, 1);
  return condition;
}

/// Calls `kernel` with x and, for a conditional flow, the condition in front of
/// whatever inputs `call` already has.
template <typename T>
Expected<void> runRows(Kernels &kernels, const Model &model, const T *x, int64_t xColumns, int64_t rows,
                       const Rows<T> &condition, Kernels::Call call) {
  if (auto ok = checkSize(rows, condition.cols(), sizeof(T)); !ok)
    return ok;
  Rows<T> repeated = repeatCondition(condition, rows);
  if (auto ok = checkCall(kernels, model, sizeof(T), xColumns, rows, repeated.rows(), repeated.cols()); !ok)
    return ok;
  std::vector<const void *> inputs;
  if (xColumns >= 0) // an empty batch has no data
    inputs.push_back(x);
  if (kernels.flow().condShape())
    inputs.push_back(repeated.data());
  call.inputs.insert(call.inputs.begin(), inputs.begin(), inputs.end());
  call.rows = rows;
  return kernels.run(model, call);
}

/// A kernel that maps rows to rows and a number for each.
template <typename T>
Expected<std::pair<Rows<T>, Column<T>>> runMap(Kernels &kernels, Kernel kernel, const Model &model, ConstRows<T> x,
                                               const Rows<T> &condition) {
  if (auto ok = checkSize(x.rows(), x.cols() + 1, sizeof(T)); !ok)
    return ok.takeError();
  std::pair<Rows<T>, Column<T>> result{Rows<T>(x.rows(), x.cols()), Column<T>(x.rows())};
  Kernels::Call call{.kernel = kernel, .outputs = {result.first.data(), result.second.data()}};
  if (auto ok = runRows<T>(kernels, model, x.data(), x.cols(), x.rows(), condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

/// A kernel that maps rows to a mean loss and its gradient.
template <typename T>
Expected<std::pair<double, std::vector<double>>> runLoss(Kernels &kernels, Kernel kernel, const Model &model,
                                                         ConstRows<T> x, const Rows<T> &condition) {
  std::pair<double, std::vector<double>> result{0.0, std::vector<double>(model.numTrainable())};
  Kernels::Call call{.kernel = kernel, .loss = &result.first, .gradient = result.second.data()};
  if (auto ok = runRows<T>(kernels, model, x.data(), x.cols(), x.rows(), condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

/// Fails unless there is a tangent for each of `rows` rows (and `columns` columns).
Expected<void> checkTangent(int64_t rows, int64_t columns, int64_t foundRows, int64_t foundColumns);

/// A kernel of `transform` with tangents, `call` naming it and its direction.
template <typename T>
Expected<TransformTangent<T>> runTransformTangent(Kernels &kernels, Kernels::Call call, const Model &model,
                                                  ConstRows<T> x, const Rows<T> &condition) {
  int64_t rows = x.rows(), columns = x.cols();
  if (auto ok = checkSize(rows, 2 * columns + 2, sizeof(T)); !ok)
    return ok.takeError();
  TransformTangent<T> result{Rows<T>(rows, columns), Column<T>(rows), Rows<T>(rows, columns), Column<T>(rows)};
  call.outputs = {result.y.data(), result.logDet.data(), result.yTangent.data(), result.logDetTangent.data()};
  if (auto ok = runRows<T>(kernels, model, x.data(), columns, rows, condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

/// Fails unless there is a cotangent for each of `rows` rows (and `columns` columns).
Expected<void> checkCotangent(int64_t rows, int64_t columns, int64_t foundRows, int64_t foundColumns);

/// A kernel that maps rows and their cotangents to the gradient in parameters.
template <typename T>
Expected<void> runPullBack(Kernels &kernels, Kernels::Call call, const Model &model, const T *x, int64_t xColumns,
                           int64_t rows, const Rows<T> &condition, std::vector<double> &parameters) {
  double loss = 0;
  parameters.resize(model.numTrainable());
  call.mean = false;
  call.loss = &loss;
  call.gradient = parameters.data();
  return runRows<T>(kernels, model, x, xColumns, rows, condition, std::move(call));
}

/// Scales rows of derivatives by the cotangents of what they are derivatives of.
template <typename T>
void scaleRows(Rows<T> &rows, const Column<T> &cotangent) {
  for (int64_t i = 0; i < rows.rows(); ++i)
    if (cotangent(i) == 0)
      rows.row(i).setZero();
    else
      rows.row(i) *= cotangent(i);
}

} // namespace detail

template <typename T>
Expected<Column<T>> Kernels::logProb(const Model &model, ConstRows<T> x, const Rows<T> &condition) {
  Column<T> result(x.rows());
  Call call{.kernel = Kernel::LogProb, .outputs = {result.data()}};
  if (auto ok = detail::runRows<T>(*this, model, x.data(), x.cols(), x.rows(), condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<Rows<T>> Kernels::sample(const Model &model, int64_t n, uint64_t seed, const Rows<T> &condition,
                                  uint64_t first) {
  if (auto ok = detail::checkSize(n, flow().dim(), sizeof(T)); !ok)
    return ok.takeError();
  Rows<T> result(n, flow().dim());
  Call call{.kernel = Kernel::Sample, .outputs = {result.data()}, .first = first, .seed = seed};
  if (auto ok = detail::runRows<T>(*this, model, nullptr, -1, n, condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<std::pair<Rows<T>, Column<T>>> Kernels::sampleAndLogProb(const Model &model, int64_t n, uint64_t seed,
                                                                  const Rows<T> &condition, uint64_t first) {
  if (auto ok = detail::checkSize(n, flow().dim() + 1, sizeof(T)); !ok)
    return ok.takeError();
  std::pair<Rows<T>, Column<T>> result{Rows<T>(n, flow().dim()), Column<T>(n)};
  Call call{.kernel = Kernel::SampleAndLogProb,
            .outputs = {result.first.data(), result.second.data()},
            .first = first,
            .seed = seed};
  if (auto ok = detail::runRows<T>(*this, model, nullptr, -1, n, condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<std::pair<Rows<T>, Column<T>>> Kernels::transform(const Model &model, ConstRows<T> x,
                                                           const Rows<T> &condition) {
  return detail::runMap<T>(*this, Kernel::Transform, model, x, condition);
}

template <typename T>
Expected<std::pair<Rows<T>, Column<T>>> Kernels::inverse(const Model &model, ConstRows<T> y, const Rows<T> &condition) {
  return detail::runMap<T>(*this, Kernel::Inverse, model, y, condition);
}

template <typename T>
Expected<std::pair<double, std::vector<double>>> Kernels::nllValueAndGradient(const Model &model, ConstRows<T> x,
                                                                              const Rows<T> &condition) {
  return detail::runLoss<T>(*this, Kernel::NllGradient, model, x, condition);
}

template <typename T>
Expected<std::pair<double, std::vector<double>>> Kernels::elboValueAndGradient(const Model &model, ConstRows<T> z,
                                                                               const Rows<T> &condition, bool stl) {
  return detail::runLoss<T>(*this, stl ? Kernel::StlGradient : Kernel::ElboGradient, model, z, condition);
}

template <typename T>
Expected<Rows<T>> Kernels::score(const Model &model, ConstRows<T> x, const Rows<T> &condition) {
  Rows<T> result(x.rows(), x.cols());
  Call call{.kernel = Kernel::Score, .outputs = {result.data()}};
  if (auto ok = detail::runRows<T>(*this, model, x.data(), x.cols(), x.rows(), condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<std::pair<Rows<T>, Column<T>>> Kernels::push(const Model &model, ConstRows<T> z, const Rows<T> &condition) {
  return detail::runMap<T>(*this, Kernel::Push, model, z, condition);
}

template <typename T>
Expected<PullBack<T>> Kernels::pullBackLogProb(const Model &model, ConstRows<T> x, const Column<T> &cotangent,
                                               const Rows<T> &condition, PullBackOptions options) {
  if (auto ok = detail::checkCotangent(x.rows(), 1, cotangent.size(), 1); !ok)
    return ok.takeError();
  PullBack<T> result;
  if (options.parameters)
    if (auto ok = detail::runPullBack<T>(*this, {.kernel = Kernel::LogProbVjpParams, .inputs = {cotangent.data()}},
                                         model, x.data(), x.cols(), x.rows(), condition, result.parameters);
        !ok)
      return ok.takeError();
  auto byRow = [&](Kernel kernel, Rows<T> &to, int64_t columns) -> Expected<void> {
    to.resize(x.rows(), columns);
    Call call{.kernel = kernel, .outputs = {to.data()}};
    auto ok = detail::runRows<T>(*this, model, x.data(), x.cols(), x.rows(), condition, std::move(call));
    detail::scaleRows<T>(to, cotangent);
    return ok;
  };
  if (options.inputs)
    if (auto ok = byRow(Kernel::Score, result.inputs, x.cols()); !ok)
      return ok.takeError();
  if (options.condition)
    if (auto ok = byRow(Kernel::ScoreCondition, result.condition, flow().condDim()); !ok)
      return ok.takeError();
  return result;
}

template <typename T>
Expected<PullBack<T>> Kernels::pullBackPush(const Model &model, ConstRows<T> z, const Rows<T> &cotY,
                                            const Column<T> &cotLogProb, const Rows<T> &condition,
                                            PullBackOptions options) {
  for (auto ok : {detail::checkCotangent(z.rows(), z.cols(), cotY.rows(), cotY.cols()),
                  detail::checkCotangent(z.rows(), 1, cotLogProb.size(), 1)})
    if (!ok)
      return ok.takeError();
  PullBack<T> result;
  std::vector<const void *> cotangents = {cotY.data(), cotLogProb.data()};
  if (options.parameters)
    if (auto ok = detail::runPullBack<T>(*this, {.kernel = Kernel::PushVjpParams, .inputs = cotangents}, model,
                                         z.data(), z.cols(), z.rows(), condition, result.parameters);
        !ok)
      return ok.takeError();
  auto byRow = [&](Kernel kernel, Rows<T> &to, int64_t columns) -> Expected<void> {
    to.resize(z.rows(), columns);
    Call call{.kernel = kernel, .inputs = cotangents, .outputs = {to.data()}};
    return detail::runRows<T>(*this, model, z.data(), z.cols(), z.rows(), condition, std::move(call));
  };
  if (options.inputs)
    if (auto ok = byRow(Kernel::PushVjpInputs, result.inputs, z.cols()); !ok)
      return ok.takeError();
  if (options.condition)
    if (auto ok = byRow(Kernel::PushVjpCondition, result.condition, flow().condDim()); !ok)
      return ok.takeError();
  return result;
}

template <typename T>
Expected<std::vector<double>> Kernels::pullBackSample(const Model &model, uint64_t seed, const Rows<T> &cotY,
                                                      const Column<T> &cotLogProb, const Rows<T> &condition,
                                                      uint64_t first) {
  for (auto ok : {detail::checkCotangent(cotY.rows(), flow().dim(), cotY.rows(), cotY.cols()),
                  detail::checkCotangent(cotY.rows(), 1, cotLogProb.size(), 1)})
    if (!ok)
      return ok.takeError();
  std::vector<double> result;
  Call call{
      .kernel = Kernel::SampleVjpParams, .inputs = {cotY.data(), cotLogProb.data()}, .first = first, .seed = seed};
  if (auto ok = detail::runPullBack<T>(*this, std::move(call), model, nullptr, -1, cotY.rows(), condition, result); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<TransformTangent<T>> Kernels::jvp(const Model &model, ConstRows<T> x, ConstRows<T> tangent,
                                           const Rows<T> &condition) {
  if (auto ok = detail::checkTangent(x.rows(), x.cols(), tangent.rows(), tangent.cols()); !ok)
    return ok.takeError();
  Call call{.kernel = Kernel::JvpInputs, .inputs = {tangent.data()}};
  return detail::runTransformTangent<T>(*this, std::move(call), model, x, condition);
}

template <typename T>
Expected<TransformTangent<T>> Kernels::jvpParams(const Model &model, ConstRows<T> x, std::span<const double> tangent,
                                                 const Rows<T> &condition) {
  Call call{.kernel = Kernel::JvpParams, .tangent = tangent};
  return detail::runTransformTangent<T>(*this, std::move(call), model, x, condition);
}

template <typename T>
Expected<std::pair<Column<T>, Column<T>>> Kernels::logProbJvpParams(const Model &model, ConstRows<T> x,
                                                                    std::span<const double> tangent,
                                                                    const Rows<T> &condition) {
  std::pair<Column<T>, Column<T>> result{Column<T>(x.rows()), Column<T>(x.rows())};
  Call call{
      .kernel = Kernel::LogProbJvpParams, .outputs = {result.first.data(), result.second.data()}, .tangent = tangent};
  if (auto ok = detail::runRows<T>(*this, model, x.data(), x.cols(), x.rows(), condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<std::pair<Rows<T>, Rows<T>>> Kernels::hvp(const Model &model, ConstRows<T> x, ConstRows<T> v,
                                                   const Rows<T> &condition) {
  if (auto ok = detail::checkTangent(x.rows(), x.cols(), v.rows(), v.cols()); !ok)
    return ok.takeError();
  std::pair<Rows<T>, Rows<T>> result{Rows<T>(x.rows(), x.cols()), Rows<T>(x.rows(), x.cols())};
  Call call{.kernel = Kernel::Hvp, .inputs = {v.data()}, .outputs = {result.first.data(), result.second.data()}};
  if (auto ok = detail::runRows<T>(*this, model, x.data(), x.cols(), x.rows(), condition, std::move(call)); !ok)
    return ok.takeError();
  return result;
}

} // namespace flowc

#endif // FLOWC_KERNELSINLINE_H
