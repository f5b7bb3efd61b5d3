//===- ArrayLayout.h - Where an array lies in a file ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_ARRAYLAYOUT_H
#define FLOWC_IO_ARRAYLAYOUT_H

#include "flowc/IO/File.h"
#include "flowc/Support/DType.h"
#include "flowc/Support/Shape.h"

namespace flowc {

/// Element types that files may hold.
enum class ElementType { F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, Bool };

/// Bytes of one element.
size_t elementSize(ElementType type);
/// E.g. `float32`, as NumPy says it.
const char *elementTypeName(ElementType type);
inline bool isFloat(ElementType type) { return type == ElementType::F32 || type == ElementType::F64; }
inline ElementType elementTypeOf(DType dtype) { return dtype == F32 ? ElementType::F32 : ElementType::F64; }

/// An array of a file: its type, shape and the offset of its first byte.
struct ArrayLayout {
  ElementType type = ElementType::F64;
  Shape shape;
  bool fortranOrder = false;
  int64_t offset = 0;

  int64_t numBytes() const;
};

/// Converts `count` elements of `type` to float or double.
template <typename T>
void convertElements(ElementType type, const void *from, int64_t count, T *to);

/// Checks that no extent is negative and that the number of bytes of the array
/// is representable; false otherwise.
bool isSaneShape(const Shape &shape, ElementType type);

/// All elements of an array in C order, as double (exact for integers below
/// 2^53).
Expected<std::vector<double>> readArray(const InputFile &file, const ArrayLayout &layout);

} // namespace flowc

#endif // FLOWC_IO_ARRAYLAYOUT_H
