/*===- target.h - What a shared library with a target exports ------*- C -*-===*\
|*                                                                            *|
|* Part of flowc, under the Apache License v2.0 with LLVM Exceptions.         *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A target for `flowc ... --target LIBRARY.so [--target-data DATA]`: a shared *|
|* library that defines the first two functions, and those of the others that *|
|* it needs. docs/Targets.md shows one.                                       *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef FLOWC_TARGET_H
#define FLOWC_TARGET_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Number of coordinates of an event, at least 1. Called after flowc_target_load. */
int64_t flowc_target_dim(void);

/* Writes the log-densities, up to one constant, of `rows` events (row-major in `x`) to
 * `log_density`, and, unless `gradient` is null, their derivatives in x to it, row-major.
 * Outside of the support the log-density is -INFINITY and the gradient 0. Returns 0, or
 * another number if it failed. */
int flowc_target_log_density(const double *x, int64_t rows, double *log_density, double *gradient);

/* Optional: called once, before all others, with what --target-data says (null if it
 * does not). Returns 0, or another number if it failed. */
int flowc_target_load(const char *data);

/* Optional: what went wrong in the last call that failed. */
const char *flowc_target_error(void);

/* Optional: another number than 0 if flowc_target_log_density may be called by several
 * threads at once. */
int flowc_target_is_thread_safe(void);

#ifdef __cplusplus
}
#endif

#endif /* FLOWC_TARGET_H */
