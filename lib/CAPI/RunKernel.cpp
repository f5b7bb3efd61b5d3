//===- RunKernel.cpp - One way to run every kernel ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunKernel.h"

#include <algorithm>
#include <cstring>

using namespace flowc;
using namespace flowc::capi;

int64_t capi::widthOf(const Flow &flow, const RowArray &array) {
  switch (array.width) {
  case RowWidth::Event:
    return flow.dim();
  case RowWidth::Condition:
    return flow.condDim();
  case RowWidth::Number:
  case RowWidth::None:
    break;
  }
  return 1;
}

Made<KernelCall> capi::arrange(const Flow &flow, const KernelSpec &spec, const flowc_input &x,
                               const flowc_input &condition, std::vector<flowc_input> others) {
  if (Outcome ok = checkCondition(flow, condition, -1); !ok)
    return ok;
  KernelCall call{.spec = spec};
  if (spec.rows == RowSource::Given)
    call.inputs.push_back(x);
  if (flow.condShape())
    call.inputs.push_back(condition);
  call.inputs.insert(call.inputs.end(), others.begin(), others.end());
  return call;
}

namespace {

constexpr const char *kWhose = "these kernels";

/// Checks the arrays of one call and makes `Kernels::Call` of them; owns what the caller did
/// not give.
class CallBuilder {
public:
  CallBuilder(const Flow &flow, DType dtype, const Model &model, const KernelCall &call)
      : flow(flow), dtype(dtype), model(model), given(call), inputs(inputsOf(call.spec, flow.condShape().has_value())),
        outputs(outputsOf(call.spec)), result{.kernel = call.spec.kernel,
                                              .first = call.first,
                                              .seed = call.seed,
                                              .mean = call.mean} {}

  Outcome build();
  const Kernels::Call &get() const { return result; }

private:
  Outcome checkCounts() const;
  int64_t countRows() const;
  Outcome addInput(const RowArray &array, const flowc_input &input);
  Outcome addOutput(const RowArray &array, const flowc_output &output);
  Outcome addSum();
  Outcome addTangent();
  Outcome checkOverlaps() const;
  Made<std::byte *> newRows(int64_t width);
  size_t elementSize() const { return dtype == F32 ? 4 : 8; }
  std::string name() const { return std::string(given.spec.name) + " of '" + flow.name() + "'"; }

  const Flow &flow;
  DType dtype;
  const Model &model;
  const KernelCall &given;
  RowArrays inputs, outputs;
  Kernels::Call result;
  std::vector<std::vector<std::byte>> owned;
  std::vector<double> tangent;
};

/// E.g. "2 arrays (x, condition)".
std::string listArrays(const RowArrays &arrays) {
  std::string names;
  for (const RowArray &array : arrays)
    names += (names.empty() ? " (" : ", ") + std::string(array.name);
  return std::to_string(arrays.size()) + (arrays.size() == 1 ? " array" : " arrays") +
         (names.empty() ? "" : names + ")");
}

/// Memory for an array of the call's rows that is not the caller's.
Made<std::byte *> CallBuilder::newRows(int64_t width) {
  if (auto ok = detail::checkSize(result.rows, width, elementSize()); !ok)
    return Outcome(ok);
  return owned.emplace_back(static_cast<size_t>(result.rows * width) * elementSize()).data();
}

Outcome CallBuilder::checkCounts() const {
  if (given.inputs.size() != inputs.size())
    return Outcome::invalid(name() + " takes " + listArrays(inputs) + ", but got " +
                            std::to_string(given.inputs.size()));
  if (given.outputs.size() != outputs.size())
    return Outcome::invalid(name() + " gives " + listArrays(outputs) + ", but got " +
                            std::to_string(given.outputs.size()));
  return {};
}

/// As many as the first array has that has as many as the call; a condition may have one.
int64_t CallBuilder::countRows() const {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs.arrays[i].width != RowWidth::Condition)
      return given.inputs[i].rows;
  for (const flowc_output &output : given.outputs)
    if (!ArrayRef(output).isNone())
      return output.rows;
  return given.rows == 0 && !given.inputs.empty() ? given.inputs[0].rows : given.rows;
}

Outcome CallBuilder::addInput(const RowArray &array, const flowc_input &input) {
  int64_t width = widthOf(flow, array);
  bool isForAll = array.width == RowWidth::Condition && input.rows == 1 && result.rows != 1;
  if (Outcome ok = checkArray(std::string(array.name), input, isForAll ? 1 : result.rows, width, dtype, kWhose); !ok)
    return ok;
  if (!isForAll) {
    result.inputs.push_back(input.data);
    return {};
  }
  size_t rowBytes = static_cast<size_t>(width) * elementSize();
  auto repeated = newRows(width);
  if (!repeated)
    return repeated.takeFailure();
  for (int64_t row = 0; row < result.rows; ++row)
    std::memcpy(*repeated + static_cast<size_t>(row) * rowBytes, input.data, rowBytes);
  result.inputs.push_back(*repeated);
  return {};
}

Outcome CallBuilder::addOutput(const RowArray &array, const flowc_output &output) {
  int64_t width = widthOf(flow, array);
  if (!ArrayRef(output).isNone()) {
    result.outputs.push_back(output.data);
    return checkArray(std::string(array.name), output, result.rows, width, dtype, kWhose);
  }
  auto unwanted = newRows(width);
  if (!unwanted)
    return unwanted.takeFailure();
  result.outputs.push_back(*unwanted);
  return {};
}

Outcome CallBuilder::addSum() {
  bool wantsGradient = !ArrayRef(given.gradient).isNone();
  if (!given.spec.hasSum() && (given.loss || wantsGradient))
    return Outcome::invalid(name() + " has results for each row, but no loss and no gradient");
  result.loss = given.loss;
  if (!wantsGradient)
    return {};
  if (Outcome ok = checkCount("gradient", given.gradient, model.numTrainable()); !ok)
    return ok;
  if (given.gradient.dtype == FLOWC_F64)
    result.gradient = static_cast<double *>(given.gradient.data);
  else if (dtype == F32)
    result.rawGradient = given.gradient.data;
  else
    return Outcome::invalid("'gradient' is an array of float32, expected float64, the type of these kernels");
  return {};
}

Outcome CallBuilder::addTangent() {
  if (ArrayRef(given.tangent).isNone())
    return {};
  if (Outcome ok = checkCount("tangent", given.tangent, model.numTrainable()); !ok)
    return ok;
  tangent = readNumbers(given.tangent);
  result.tangent = tangent;
  return {};
}

/// Kernels read their inputs while they write.
Outcome CallBuilder::checkOverlaps() const {
  std::vector<std::pair<std::string, ArrayRef>> arrays;
  for (size_t i = 0; i < outputs.size(); ++i)
    arrays.emplace_back(outputs.arrays[i].name, given.outputs[i]);
  arrays.emplace_back("gradient", given.gradient);
  size_t numWritten = arrays.size();
  for (size_t i = 0; i < inputs.size(); ++i)
    arrays.emplace_back(inputs.arrays[i].name, given.inputs[i]);
  auto begin = [](const ArrayRef &array) { return reinterpret_cast<uintptr_t>(array.data); };
  for (size_t i = 0; i < numWritten; ++i)
    for (size_t j = i + 1; j < arrays.size(); ++j) {
      auto &[aName, a] = arrays[i];
      auto &[bName, b] = arrays[j];
      if (a.bytes() > 0 && b.bytes() > 0 && begin(a) < begin(b) + static_cast<uintptr_t>(b.bytes()) &&
          begin(b) < begin(a) + static_cast<uintptr_t>(a.bytes()))
        return Outcome::invalid("the output '" + aName + "' overlaps '" + bName +
                                "' in memory: give it memory of its own");
    }
  return {};
}

Outcome CallBuilder::build() {
  if (Outcome ok = checkCounts(); !ok)
    return ok;
  result.rows = countRows();
  if (result.rows < 0)
    return Outcome::invalid("the number of rows is negative: " + std::to_string(result.rows));
  for (size_t i = 0; i < inputs.size(); ++i)
    if (Outcome ok = addInput(inputs.arrays[i], given.inputs[i]); !ok)
      return ok;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (Outcome ok = addOutput(outputs.arrays[i], given.outputs[i]); !ok)
      return ok;
  if (Outcome ok = addSum(); !ok)
    return ok;
  if (Outcome ok = addTangent(); !ok)
    return ok;
  return checkOverlaps();
}

} // namespace

Outcome capi::runKernel(Kernels &kernels, const Model &model, const KernelCall &call) {
  CallBuilder builder(kernels.flow(), kernels.dtype(), model, call);
  if (Outcome ok = builder.build(); !ok)
    return ok;
  return kernels.run(model, builder.get());
}
