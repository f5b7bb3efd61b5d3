//===- Diagnosis.cpp - What is not finite, and where ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs once, when training has met a number that is not finite. Compiled kernels say
// that, but not where it came from; the evaluator of obvious code, in the same element
// type, shows every part of the flow.
//
//===----------------------------------------------------------------------===//

#include "Diagnosis.h"

#include "flowc/Reference/Reference.h"
#include "flowc/Support/Shape.h"
#include "flowc/Support/WithType.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace flowc;

std::string flowc::describeNumber(double value) {
  if (std::isnan(value))
    return "NaN";
  if (!std::isfinite(value))
    return value < 0 ? "minus infinity" : "infinite";
  char text[40];
  auto result = std::to_chars(text, text + sizeof(text), value);
  return {text, result.ptr};
}

namespace {

std::string describe(const reference::Fault &fault) {
  std::string text = fault.quantity + " of ";
  for (size_t i = fault.layers.size(); i-- > 0;)
    text += "layer " + std::to_string(fault.layers[i] + 1) + " of ";
  text += "'" + fault.kind + "'";
  if (!fault.path.empty())
    text += " (" + fault.path + ")";
  return text + " is " + describeNumber(fault.value);
}

template <typename T>
Column<T> columnOf(const void *values, int64_t count) {
  return values ? Column<T>(Eigen::Map<const Column<T>>(static_cast<const T *>(values), count)) : Column<T>();
}

template <typename T>
std::string findFaultAs(const Model &model, const void *x, const void *condition) {
  const Flow &flow = model.flow();
  auto fault =
      reference::Interpreter<T>(model).firstFault(columnOf<T>(x, flow.dim()), columnOf<T>(condition, flow.condDim()));
  return fault ? describe(*fault) : "";
}

template <typename T>
std::string findFaultOfDrawAs(const Model &model, const Batch &draw, double loss, int threads) {
  auto kernels = compile(model.flow(), {.dtype = model.dtype(), .threads = threads});
  if (!kernels)
    return "";
  Rows<T> condition;
  if (draw.condition)
    condition = columnOf<T>(draw.condition, model.flow().condDim()).transpose();
  auto drawn = (*kernels)->sampleAndLogProb<T>(model, 1, draw.seed, condition, draw.first);
  if (!drawn)
    return "";
  const auto &[y, logProb] = *drawn;
  for (int64_t i = 0; i < y.cols(); ++i)
    if (!std::isfinite(y(0, i)))
      return "coordinate " + std::to_string(i) + " of the flow's point is " + describeNumber(y(0, i));
  if (!std::isfinite(logProb[0])) {
    std::string part = findFaultAs<T>(model, y.data(), draw.condition);
    return "the flow's log-density there is " + describeNumber(logProb[0]) + (part.empty() ? "" : ": " + part);
  }
  std::string text = "the target at (";
  for (int64_t i = 0; i < y.cols(); ++i)
    text += (i ? ", " : "") + describeNumber(y(0, i));
  return text + ") is " + describeNumber(static_cast<double>(logProb[0]) - loss);
}

/// The name of entry `index` of a flat gradient.
std::string nameOfEntry(const Model &model, int64_t index) {
  for (const ParameterInfo &info : model.parameters()) {
    int64_t count = numElements(info.shape);
    if (info.trainable && index < count)
      return "'" + info.path + "'";
    index -= info.trainable ? count : 0;
  }
  return "a parameter";
}

template <typename T>
std::string findFaultOfGradientAs(const Model &model, Objective &objective, const Batch &batch,
                                  const std::function<std::string(int64_t)> &rowName) {
  auto at = [](const void *rows, int64_t row, int64_t width) -> const void * {
    return rows ? static_cast<const T *>(rows) + row * width : nullptr;
  };
  std::vector<T> gradient(static_cast<size_t>(model.numTrainable()));
  for (int64_t row = 0; row < batch.rows && batch.columns.empty(); ++row) {
    Batch one{.x = at(batch.x, row, model.flow().dim()),
              .condition = at(batch.condition, row, model.flow().condDim()),
              .rows = 1,
              .first = batch.first + static_cast<uint64_t>(row),
              .seed = batch.seed};
    if (!objective.lossAndGradient(model, one, gradient.data()))
      return "";
    auto bad = std::ranges::find_if(gradient, [](T value) { return !std::isfinite(value); });
    if (bad != gradient.end())
      return "the derivative of the loss of " + rowName(row) + " in " + nameOfEntry(model, bad - gradient.begin()) +
             " is " + describeNumber(*bad);
  }
  return "";
}

} // namespace

std::string flowc::findFault(const Model &model, const void *x, const void *condition) {
  return withType(model.dtype(), [&]<typename T>() { return findFaultAs<T>(model, x, condition); });
}

std::string flowc::findFaultOfDraw(const Model &model, const Batch &draw, double loss, int threads) {
  return withType(model.dtype(), [&]<typename T>() { return findFaultOfDrawAs<T>(model, draw, loss, threads); });
}

std::string flowc::findFaultOfGradient(const Model &model, Objective &objective, const Batch &batch,
                                       const std::function<std::string(int64_t)> &rowName) {
  return withType(model.dtype(),
                  [&]<typename T>() { return findFaultOfGradientAs<T>(model, objective, batch, rowName); });
}
