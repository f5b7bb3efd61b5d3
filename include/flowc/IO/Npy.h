//===- Npy.h - NumPy's array file format ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_NPY_H
#define FLOWC_IO_NPY_H

#include "flowc/IO/ArrayLayout.h"

namespace flowc {

/// Reads the header of the array that starts at `offset` (formats 1 to 3) and
/// checks that its data lies in the file. `what` names it in messages, e.g.
/// `'x.npy'` or `array 3 of 'model.eqx'`.
Expected<ArrayLayout> readNpyHeader(const InputFile &file, int64_t offset, const std::string &what);

/// The header of a C-order array, padded to `paddedSize` bytes (a multiple of
/// 64), so that it can be rewritten once the number of rows is known.
std::string makeNpyHeader(DType dtype, const Shape &shape, size_t paddedSize = 128);

} // namespace flowc

#endif // FLOWC_IO_NPY_H
