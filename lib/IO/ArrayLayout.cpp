//===- ArrayLayout.cpp - Where an array lies in a file --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/ArrayLayout.h"

#include <cstring>

using namespace flowc;

size_t flowc::elementSize(ElementType type) {
  switch (type) {
  case ElementType::I8:
  case ElementType::U8:
  case ElementType::Bool:
    return 1;
  case ElementType::I16:
  case ElementType::U16:
    return 2;
  case ElementType::F32:
  case ElementType::I32:
  case ElementType::U32:
    return 4;
  case ElementType::F64:
  case ElementType::I64:
  case ElementType::U64:
    return 8;
  }
  return 0;
}

const char *flowc::elementTypeName(ElementType type) {
  static const char *const names[] = {"float32", "float64", "int8",   "int16",  "int32", "int64",
                                      "uint8",   "uint16",  "uint32", "uint64", "bool"};
  return names[static_cast<int>(type)];
}

int64_t ArrayLayout::numBytes() const { return numElements(shape) * static_cast<int64_t>(elementSize(type)); }

bool flowc::isSaneShape(const Shape &shape, ElementType type) {
  int64_t bytes = static_cast<int64_t>(elementSize(type));
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, extent, &bytes))
      return false;
  // A zero extent would hide an overflow of the others.
  int64_t product = 1;
  for (int64_t extent : shape)
    if (extent > 0 && __builtin_mul_overflow(product, extent, &product))
      return false;
  return true;
}

namespace {

template <typename From, typename To>
void convert(const void *from, int64_t count, To *to) {
  const auto *bytes = static_cast<const char *>(from);
  for (int64_t i = 0; i < count; ++i) {
    From value; // The source need not be aligned.
    std::memcpy(&value, bytes + i * static_cast<int64_t>(sizeof(From)), sizeof(From));
    to[i] = static_cast<To>(value);
  }
}

} // namespace

template <typename T>
void flowc::convertElements(ElementType type, const void *from, int64_t count, T *to) {
  switch (type) {
  case ElementType::F32:
    return convert<float>(from, count, to);
  case ElementType::F64:
    return convert<double>(from, count, to);
  case ElementType::I8:
    return convert<int8_t>(from, count, to);
  case ElementType::I16:
    return convert<int16_t>(from, count, to);
  case ElementType::I32:
    return convert<int32_t>(from, count, to);
  case ElementType::I64:
    return convert<int64_t>(from, count, to);
  case ElementType::U8:
    return convert<uint8_t>(from, count, to);
  case ElementType::U16:
    return convert<uint16_t>(from, count, to);
  case ElementType::U32:
    return convert<uint32_t>(from, count, to);
  case ElementType::U64:
    return convert<uint64_t>(from, count, to);
  case ElementType::Bool:
    return convert<uint8_t>(from, count, to);
  }
}

template void flowc::convertElements<float>(ElementType, const void *, int64_t, float *);
template void flowc::convertElements<double>(ElementType, const void *, int64_t, double *);

/// Moves elements from Fortran order to C order.
static std::vector<double> toRowMajor(const std::vector<double> &values, const Shape &shape) {
  std::vector<double> result(values.size());
  Shape index(shape.size(), 0);
  for (double &out : result) {
    int64_t from = 0;
    for (size_t axis = shape.size(); axis-- > 0;)
      from = from * shape[axis] + index[axis];
    out = values[from];
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis])
        break;
      index[axis] = 0;
    }
  }
  return result;
}

Expected<std::vector<double>> flowc::readArray(const InputFile &file, const ArrayLayout &layout) {
  std::vector<char> bytes(static_cast<size_t>(layout.numBytes()));
  if (auto ok = file.readAt(bytes.data(), bytes.size(), layout.offset); !ok)
    return ok.takeError();
  std::vector<double> values(static_cast<size_t>(numElements(layout.shape)));
  convertElements(layout.type, bytes.data(), static_cast<int64_t>(values.size()), values.data());
  if (layout.fortranOrder && layout.shape.size() > 1)
    return toRowMajor(values, layout.shape);
  return values;
}
