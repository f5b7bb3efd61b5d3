//===- Arrays.h - Arrays of C callers ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CAPI_ARRAYS_H
#define FLOWC_LIB_CAPI_ARRAYS_H

#include "Support.h"

#include "flowc/IO/RowsView.h"
#include "flowc/Support/WithType.h"

namespace flowc::capi {

/// An array that is read or written, as checks see it.
struct ArrayRef {
  ArrayRef(const flowc_input &array) : data(array.data), rows(array.rows), columns(array.columns), dtype(array.dtype) {}
  ArrayRef(const flowc_output &array)
      : data(array.data), rows(array.rows), columns(array.columns), dtype(array.dtype) {}

  const void *data;
  int64_t rows, columns;
  int32_t dtype;

  /// Whether it is `flowc_no_input()` or `flowc_no_output()`.
  bool isNone() const { return !data && rows == 0 && columns == 0; }
  int64_t bytes() const { return rows * columns * (dtype == FLOWC_F32 ? 4 : 8); }
};

/// Whether there can be such an array: an element type, a size, memory, alignment. `name` is
/// what the header calls it.
Outcome checkArray(const std::string &name, const ArrayRef &array);
/// The same of one with this shape; with `rows` of -1, of any number of rows.
Outcome checkArray(const std::string &name, const ArrayRef &array, int64_t rows, int64_t columns);
/// The same of one with this element type, that of `whose` ("these kernels").
Outcome checkArray(const std::string &name, const ArrayRef &array, int64_t rows, int64_t columns, DType dtype,
                   const char *whose);
/// Whether it has `count` numbers, whatever its rows and columns.
Outcome checkCount(const std::string &name, const ArrayRef &array, int64_t count);

/// Numbers of an array that has been checked.
std::vector<double> readNumbers(const flowc_input &array);
void writeNumbers(std::span<const double> values, const flowc_output &array);

/// Rows of an array that has been checked, where they are.
RowsView viewOf(const flowc_input &array);
/// Whether all numbers of an array that has been checked are finite: names row and column.
Outcome checkFinite(const std::string &name, const flowc_input &array);
/// Whether `condition` is what `flow` needs for `rows` rows (-1: any number) of any type.
Outcome checkCondition(const Flow &flow, const ArrayRef &condition, int64_t rows);

} // namespace flowc::capi

#endif // FLOWC_LIB_CAPI_ARRAYS_H
