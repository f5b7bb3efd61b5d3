//===- ForEachCPU.h - Loops for several vector widths -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_FOREACHCPU_H
#define FLOWC_SUPPORT_FOREACHCPU_H

/// Compiles a function once for each vector width; the loader picks a version.
/// For loops over all parameters, which training runs at every step. (Sanitizers
/// are not ready yet when the loader picks.)
#if defined(__x86_64__) && defined(__linux__) && !defined(FLOWC_SANITIZED)
#define FLOWC_FOR_EACH_CPU __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define FLOWC_FOR_EACH_CPU
#endif

#endif // FLOWC_SUPPORT_FOREACHCPU_H
