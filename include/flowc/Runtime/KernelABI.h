//===- KernelABI.h - How compiled kernels are called ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every compiled kernel consists of these symbols (T is float or double, the
// element type of the compilation). See docs/ABI.md.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_RUNTIME_KERNELABI_H
#define FLOWC_RUNTIME_KERNELABI_H

#include <cstdint>

namespace flowc {

/// Symbol `prepare`: everything that depends on parameters only. `leaves` holds
/// one pointer for each leaf that is data (float leaves as T, permutations as
/// int32), in leaf order; `prepared` has `KernelInfo::preparedElements` T,
/// aligned to 64 bytes (some of them are scratch space of `prepare`).
using PrepareFn = void (*)(const void *const *leaves, void *prepared);

/// Symbol `kernel`: processes `rows` rows. Inputs and row outputs are row-major
/// and contiguous. A sum output (`KernelInfo::sumElements` T, aligned to 64) is
/// the last entry of `outputs` if there is one; it is overwritten by the sum
/// over these rows. `workspace` has `KernelInfo::workspaceElements` T, aligned
/// to 64 bytes. Samplers draw samples `first` ... `first + rows - 1` of stream
/// `seed`.
using KernelFn = void (*)(const void *prepared, const void *const *inputs, void *const *outputs, void *workspace,
                          int64_t rows, uint64_t first, uint64_t seed);

/// Symbol `finish`, only of kernels with a parameter gradient: maps the summed
/// cotangents of prepared values to cotangents of the trainable leaves. `sums`
/// is a sum output (its first element is the summed loss, 0 if there is none);
/// `gradients` (`KernelInfo::gradientElements` T) is flat in leaf order, `scale`
/// multiplies everything; `workspace` has `KernelInfo::finishWorkspaceElements` T.
using FinishFn = void (*)(const void *const *leaves, const void *sums, void *gradients, double scale, void *workspace);

/// Symbols `prepare_part` and `finish_part`, each only of kernels where its work has more
/// than one part: they do parts `first` to before `last` of it. In any order, on any threads
/// at the same time (with one `workspace`), all parts have to be done.
using PreparePartFn = void (*)(const void *const *leaves, void *prepared, int64_t first, int64_t last);
using FinishPartFn = void (*)(const void *const *leaves, const void *sums, void *gradients, double scale,
                              void *workspace, int64_t first, int64_t last);

/// Symbol `parts`, only of kernels with one of these two: an array of int64 in this order.
struct KernelParts {
  int64_t prepare = 1;
  int64_t finish = 1;
};

/// Symbol `info`: an array of int64 in this order.
struct KernelInfo {
  int64_t abiVersion;
  int64_t preparedElements;
  int64_t workspaceElements;
  int64_t sumElements;      ///< 0 if there is no sum output.
  int64_t numInputs;        ///< Row inputs: e.g. x, condition.
  int64_t numOutputs;       ///< Row outputs, the sum output not counted.
  int64_t gradientElements; ///< 0 if there is no `finish`.
  int64_t macsPerRow;       ///< Unmasked weights: multiply-adds of one row.
  int64_t finishWorkspaceElements;
};

inline constexpr int64_t kKernelABIVersion = 1;

} // namespace flowc

#endif // FLOWC_RUNTIME_KERNELABI_H
