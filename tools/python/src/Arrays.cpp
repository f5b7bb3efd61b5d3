//===- Arrays.cpp - Arrays of Python as rows ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <string>

using namespace flowc::python;

namespace {

/// What of NumPy is used. It is imported when the first array is made: that takes longer
/// than to import everything else.
struct Numpy {
  nb::object empty, types[2];

  static const Numpy &get() {
    // Never freed: the interpreter may end before statics do. (The GIL guards it. While NumPy is
    // imported another thread may come, and import it, too.)
    static const Numpy *numpy = nullptr;
    if (!numpy) {
      nb::module_ module = nb::module_::import_("numpy");
      numpy = new Numpy{module.attr("empty"),
                        {module.attr("dtype")(nameOf(FLOWC_F32)), module.attr("dtype")(nameOf(FLOWC_F64))}};
    }
    return *numpy;
  }
};

} // namespace

const char *flowc::python::nameOf(flowc_dtype dtype) { return dtype == FLOWC_F32 ? "float32" : "float64"; }

flowc_dtype flowc::python::dtypeFrom(nb::handle dtype) {
  nb::object type = callPython([&] { return nb::module_::import_("flowc._arrays").attr("dtype_name")(dtype); });
  return nb::cast<std::string>(type) == "float32" ? FLOWC_F32 : FLOWC_F64;
}

static std::string join(std::span<const int64_t> shape) {
  std::string text;
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text;
}

std::string flowc::python::formatShape(std::span<const int64_t> shape) {
  return "(" + join(shape) + (shape.size() == 1 ? ",)" : ")");
}

std::string flowc::python::formatEventShape(std::span<const int64_t> shape) {
  return shape.empty() ? "any shape" : "shape (..., " + join(shape) + ")";
}

//===----------------------------------------------------------------------===//
// Arrays that are read
//===----------------------------------------------------------------------===//

InputArray::InputArray(nb::handle array, const ArrayKind &kind) : dtype(kind.dtype) {
  if (!tryToView(array, kind)) {
    const std::string shape = formatEventShape(kind.shape);
    copy = callPython([&]() -> nb::object {
      nb::object convert = nb::module_::import_("flowc._arrays").attr("convert");
      return convert(array, kind.name, nameOf(kind.dtype), shape, kind.columns);
    });
    if (!tryToView(copy, kind))
      throw FlowError("'" + std::string(kind.name) + "' cannot be read as an array of " + nameOf(kind.dtype));
  }
  try {
    checkShape(kind);
  } catch (...) {
    PyBuffer_Release(&buffer);
    throw;
  }
}

InputArray::~InputArray() { PyBuffer_Release(&buffer); }

/// Whether the elements of a buffer are of the type, and where kernels can read them.
static bool isReadable(const Py_buffer &buffer, flowc_dtype dtype) {
  const char *format = buffer.format ? buffer.format : "B";
  if (std::strchr("<=@", *format) && *format)
    ++format;
  Py_ssize_t size = dtype == FLOWC_F32 ? 4 : 8;
  return std::strcmp(format, dtype == FLOWC_F32 ? "f" : "d") == 0 && buffer.itemsize == size &&
         reinterpret_cast<uintptr_t>(buffer.buf) % static_cast<uintptr_t>(size) == 0;
}

bool InputArray::tryToView(nb::handle array, const ArrayKind &kind) {
  if (!PyObject_CheckBuffer(array.ptr()))
    return false;
  if (PyObject_GetBuffer(array.ptr(), &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
    PyErr_Clear();
    return false;
  }
  if (isReadable(buffer, kind.dtype))
    return true;
  PyBuffer_Release(&buffer);
  return false;
}

void InputArray::checkShape(const ArrayKind &kind) {
  size_t rank = static_cast<size_t>(buffer.ndim);
  eventRank = kind.shape.size();
  bool fits = rank >= eventRank && std::equal(kind.shape.begin(), kind.shape.end(), buffer.shape + rank - eventRank);
  if (!fits) {
    Shape found(buffer.shape, buffer.shape + rank);
    throw FlowError("'" + std::string(kind.name) + "' has shape " + formatShape(found) + ", expected " +
                    formatEventShape(kind.shape));
  }
  numRows = numColumns = 1;
  for (Py_ssize_t size : batch())
    numRows *= size;
  for (int64_t size : kind.shape)
    numColumns *= size;
}

flowc_input InputArray::get() const {
  if (!buffer.obj)
    return flowc_no_input();
  return {buffer.buf, numRows, numColumns, dtype, 0};
}

//===----------------------------------------------------------------------===//
// Arrays that are made
//===----------------------------------------------------------------------===//

OutputArray::OutputArray(flowc_dtype dtype, std::span<const Py_ssize_t> batch, std::span<const int64_t> event)
    : numRows(1), numColumns(1), dtype(dtype) {
  const Numpy &numpy = Numpy::get();
  nb::object shape = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(batch.size() + event.size())));
  Py_ssize_t axis = 0;
  auto add = [&](int64_t size, int64_t &count) {
    PyTuple_SetItem(shape.ptr(), axis++, PyLong_FromLongLong(size));
    count *= size;
  };
  for (Py_ssize_t size : batch)
    add(size, numRows);
  for (int64_t size : event)
    add(size, numColumns);
  array = numpy.empty(shape, numpy.types[dtype]);
  // Nobody else knows the array yet, so that its memory stays where it is.
  Py_buffer buffer;
  if (PyObject_GetBuffer(array.ptr(), &buffer, PyBUF_WRITABLE) != 0)
    throw nb::python_error();
  data = buffer.buf;
  PyBuffer_Release(&buffer);
}
