//===- DensityData.cpp - What densities read, for kernels -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/DensityData.h"

#include "flowc/Frontend/Data.h"

#include <cstdint>

using namespace flowc;

template <typename T>
static std::shared_ptr<const void> convert(const std::vector<double> &values) {
  auto array = std::make_shared<std::vector<T>>(values.begin(), values.end());
  return {array, array->data()};
}

DensityData::DensityData(const Node &density, DType dtype) {
  for (const DataArray *array : getDataArrays(density)) {
    memory.push_back(array->isPositions ? convert<int32_t>(array->values)
                     : dtype == F32     ? convert<float>(array->values)
                                        : convert<double>(array->values));
    arrays.push_back(memory.back().get());
  }
}
