//===- Arrays.h - Arrays of Python as rows ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_ARRAYS_H
#define FLOWC_TOOLS_PYTHON_ARRAYS_H

#include "Support.h"

#include <span>
#include <vector>

namespace flowc::python {

using Shape = std::vector<int64_t>;

/// What a function expects of an array.
struct ArrayKind {
  const char *name; ///< As the function's argument is called.
  flowc_dtype dtype;
  /// Of one event (or condition); an array may have any axes before those.
  std::span<const int64_t> shape;
  /// Names of the columns for tables that have some: a sequence of texts, or None.
  nb::handle columns = nb::none();
};

/// An array that is read: where it is, if it is C-contiguous and of the element type that is
/// needed, else a copy.
class InputArray {
public:
  /// No array.
  InputArray() = default;
  /// Throws `FlowError` if `array` is none of this kind.
  InputArray(nb::handle array, const ArrayKind &kind);
  InputArray(const InputArray &) = delete;
  ~InputArray();

  /// The axes before those of an event.
  std::span<const Py_ssize_t> batch() const { return {buffer.shape, static_cast<size_t>(buffer.ndim) - eventRank}; }
  int64_t rows() const { return numRows; }
  flowc_input get() const;

private:
  bool tryToView(nb::handle array, const ArrayKind &kind);
  void checkShape(const ArrayKind &kind);

  nb::object copy;
  Py_buffer buffer = {};
  size_t eventRank = 0;
  int64_t numRows = 0, numColumns = 0;
  flowc_dtype dtype = FLOWC_F64;
};

/// A new NumPy array.
class OutputArray {
public:
  /// No array.
  OutputArray() = default;
  /// Of the shape `batch` + `event`.
  OutputArray(flowc_dtype dtype, std::span<const Py_ssize_t> batch, std::span<const int64_t> event);

  /// As rows, each of which is an event.
  flowc_output get() const { return {data, numRows, numColumns, dtype, 0}; }
  nb::object take() { return std::move(array); }

private:
  nb::object array;
  void *data = nullptr;
  int64_t numRows = 0, numColumns = 0;
  int32_t dtype = FLOWC_F64;
};

/// "(2, 3)" for a shape, and "(..., 3)" for one with any axes before.
std::string formatShape(std::span<const int64_t> shape);
std::string formatEventShape(std::span<const int64_t> shape);

/// An element type from a NumPy dtype, its name or class; throws for others.
flowc_dtype dtypeFrom(nb::handle dtype);
/// "float32" or "float64".
const char *nameOf(flowc_dtype dtype);

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_ARRAYS_H
