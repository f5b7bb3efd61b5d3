//===- Arrays.cpp - Arrays of C callers -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;
using namespace flowc::capi;

static const char *nameOf(DType dtype) { return dtype == F32 ? "float32" : "float64"; }

static std::string shapeText(int64_t rows, int64_t columns) {
  return std::to_string(rows) + (rows == 1 ? " row of " : " rows of ") + std::to_string(columns);
}

Outcome capi::checkArray(const std::string &name, const ArrayRef &array) {
  auto wrong = [&](const std::string &what) { return Outcome::invalid("'" + name + "' " + what); };
  if (!isDType(array.dtype))
    return wrong("has the element type " + std::to_string(array.dtype) + ", expected FLOWC_F32 or FLOWC_F64");
  int64_t elementSize = array.dtype == FLOWC_F32 ? 4 : 8;
  if (array.rows < 0 || array.columns < 0)
    return wrong("has " + shapeText(array.rows, array.columns) + ", expected no negative numbers");
  if (array.columns > 0 && array.rows > std::numeric_limits<int64_t>::max() / elementSize / array.columns)
    return wrong("has " + shapeText(array.rows, array.columns) + ", which is more than memory can hold");
  if (!array.data && array.bytes() > 0)
    return wrong("has " + shapeText(array.rows, array.columns) + ", but is a null pointer");
  if (reinterpret_cast<uintptr_t>(array.data) % static_cast<uintptr_t>(elementSize) != 0)
    return wrong("is not aligned to its elements of " + std::to_string(elementSize) + " bytes");
  return {};
}

Outcome capi::checkArray(const std::string &name, const ArrayRef &array, int64_t rows, int64_t columns) {
  if (Outcome ok = checkArray(name, array); !ok)
    return ok;
  if (array.columns == columns && (rows < 0 || array.rows == rows))
    return {};
  std::string expected = rows < 0 ? "rows of " + std::to_string(columns) : shapeText(rows, columns);
  return Outcome::invalid("'" + name + "' has " + shapeText(array.rows, array.columns) + ", expected " + expected);
}

Outcome capi::checkArray(const std::string &name, const ArrayRef &array, int64_t rows, int64_t columns, DType dtype,
                         const char *whose) {
  if (Outcome ok = checkArray(name, array, rows, columns); !ok)
    return ok;
  if (toDType(array.dtype) == dtype)
    return {};
  return Outcome::invalid("'" + name + "' is an array of " + nameOf(toDType(array.dtype)) + ", expected " +
                          nameOf(dtype) + ", the type of " + whose);
}

Outcome capi::checkCount(const std::string &name, const ArrayRef &array, int64_t count) {
  if (Outcome ok = checkArray(name, array); !ok)
    return ok;
  if (array.rows * array.columns == count)
    return {};
  return Outcome::invalid("'" + name + "' has room for " + std::to_string(array.rows * array.columns) +
                          " numbers, expected " + std::to_string(count));
}

std::vector<double> capi::readNumbers(const flowc_input &array) {
  return withType(toDType(array.dtype), [&]<typename T>() {
    const T *values = static_cast<const T *>(array.data);
    return std::vector<double>(values, values + array.rows * array.columns);
  });
}

void capi::writeNumbers(std::span<const double> values, const flowc_output &array) {
  withType(toDType(array.dtype),
           [&]<typename T>() { std::copy(values.begin(), values.end(), static_cast<T *>(array.data)); });
}

RowsView capi::viewOf(const flowc_input &array) {
  return withType(toDType(array.dtype), [&]<typename T>() {
    return RowsView(static_cast<const T *>(array.data), array.rows, array.columns);
  });
}

Outcome capi::checkFinite(const std::string &name, const flowc_input &array) {
  int64_t count = array.rows * array.columns;
  int64_t at = withType(toDType(array.dtype), [&]<typename T>() -> int64_t {
    const T *values = static_cast<const T *>(array.data);
    return std::find_if(values, values + count, [](T value) { return !std::isfinite(value); }) - values;
  });
  if (at == count)
    return {};
  return Outcome::invalid("'" + name + "' has a number that is not finite, in row " +
                          std::to_string(at / array.columns) + ", column " + std::to_string(at % array.columns) +
                          " (from 0): leave the row out");
}

Outcome capi::checkCondition(const Flow &flow, const ArrayRef &condition, int64_t rows) {
  if (!flow.condShape())
    return condition.isNone() ? Outcome() : Outcome::invalid("'" + flow.name() + "' takes no condition, but got one");
  if (condition.isNone())
    return Outcome::invalid("'" + flow.name() + "' needs a condition of " + std::to_string(flow.condDim()) +
                            " numbers per row");
  return checkArray("condition", condition, rows, flow.condDim());
}
