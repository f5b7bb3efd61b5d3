/* banana_target.c - A target with the functions of flowc/target.h.
 *
 * Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The log-density is -(x0^2 + (x1 - c x0^2)^2) / 2 for x0 > -6, c = 0.3 or what the data says.
 */

#include "flowc/target.h"

#include <math.h>
#include <stdlib.h>

static double curvature = 0.3;
static const char *problem = "none";

int flowc_target_load(const char *data) {
  if (!data)
    return 0;
  char *end;
  curvature = strtod(data, &end);
  if (end != data && *end == 0)
    return 0;
  problem = "the curvature is no number";
  return 1;
}

int64_t flowc_target_dim(void) { return 2; }
const char *flowc_target_error(void) { return problem; }
int flowc_target_is_thread_safe(void) { return 1; }

int flowc_target_log_density(const double *x, int64_t rows, double *log_density, double *gradient) {
  for (int64_t i = 0; i < rows; ++i) {
    double a = x[2 * i], r = x[2 * i + 1] - curvature * a * a;
    int inside = a > -6;
    if (a > 1e6) {
      problem = "x0 is too large";
      return 1;
    }
    log_density[i] = inside ? -0.5 * (a * a + r * r) : -INFINITY;
    if (gradient) {
      gradient[2 * i] = inside ? -a + 2 * curvature * a * r : 0;
      gradient[2 * i + 1] = inside ? -r : 0;
    }
  }
  return 0;
}
