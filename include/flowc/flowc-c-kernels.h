/*===- flowc-c-kernels.h - Compiled kernels from C -----------------*- C -*-===*\
|*                                                                            *|
|* Part of flowc, under the Apache License v2.0 with LLVM Exceptions.         *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A part of flowc/flowc-c.h. In what follows n is the number of rows, D that *|
|* of coordinates of an event (`flowc_flow_dim`), C that of a condition       *|
|* (`flowc_flow_cond_dim`), P that of trainable parameters. Arrays are of the *|
|* kernels' element type, unless both are allowed. Row i of a result depends  *|
|* on row i of the inputs only, bit by bit, whatever the number of threads.   *|
|*                                                                            *|
|* `condition` is n x C, or 1 x C for all rows, for a conditional flow, and   *|
|* `flowc_no_input()` for any other. An output that is not wanted is          *|
|* `flowc_no_output()`.                                                       *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef FLOWC_FLOWC_C_KERNELS_H
#define FLOWC_FLOWC_C_KERNELS_H

#ifndef FLOWC_FLOWC_C_H
#error "include flowc/flowc-c.h instead"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Compiling
\*===----------------------------------------------------------------------===*/

/* What can be computed for a flow, compiled for this machine: each kernel when it is first
 * asked for, or read from the object cache. Serves all models of the flow. */
typedef struct flowc_kernels flowc_kernels;

typedef struct flowc_compile_options {
  size_t size;              /* Of this struct: `flowc_compile_options_init` sets it. */
  int32_t dtype;            /* A flowc_dtype. FLOWC_F32. */
  int32_t threads;          /* That rows are split over; 0: all processors. 0. */
  const char *cpu;          /* LLVM's name of the CPU; null: this machine. Null. */
  int32_t use_cache;        /* Whether objects are kept on the disk. 1. */
  int32_t reserved;         /* 0. */
  const flowc_flow *target; /* The density that elbo kernels compare with; null: none. Null. */
} flowc_compile_options;

/* Sets all options to their defaults (the last word of each comment above). `size` is
 * `sizeof *options`. Null is left alone. */
FLOWC_API void flowc_compile_options_init(flowc_compile_options *options, size_t size);

/* `options` may be null: all defaults. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_compile(const flowc_flow *flow, const flowc_compile_options *options,
                                                    flowc_kernels **result);
FLOWC_API void flowc_kernels_free(flowc_kernels *kernels);

FLOWC_API const flowc_flow *flowc_kernels_flow(const flowc_kernels *kernels);
FLOWC_API flowc_dtype flowc_kernels_dtype(const flowc_kernels *kernels);

/*===----------------------------------------------------------------------===*\
|* Common kernels
\*===----------------------------------------------------------------------===*/

/* Log-densities of events. x: n x D; log_prob: n x 1. Also of a density. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_log_prob(const flowc_kernels *kernels, const flowc_model *model,
                                                     flowc_input x, flowc_input condition, flowc_output log_prob);
/* Draws `first` ... `first` + n - 1 of stream `seed`, which are the same however they are
 * split into calls. x: n x D. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_sample(const flowc_kernels *kernels, const flowc_model *model,
                                                   uint64_t seed, uint64_t first, flowc_input condition,
                                                   flowc_output x);
/* The same draws with their log-densities. x: n x D; log_prob: n x 1. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_sample_and_log_prob(const flowc_kernels *kernels, const flowc_model *model,
                                                                uint64_t seed, uint64_t first, flowc_input condition,
                                                                flowc_output x, flowc_output log_prob);
/* y = T(x), the flow's own bijections, and the log-determinant of their Jacobian. x, y: n x D;
 * log_det: n x 1. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_transform(const flowc_kernels *kernels, const flowc_model *model,
                                                      flowc_input x, flowc_input condition, flowc_output y,
                                                      flowc_output log_det);
/* The inverse x of y, and its log-determinant. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_inverse(const flowc_kernels *kernels, const flowc_model *model,
                                                    flowc_input y, flowc_input condition, flowc_output x,
                                                    flowc_output log_det);
/* The draw z of the innermost base distribution that x comes from. x, z: n x D. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_to_base(const flowc_kernels *kernels, const flowc_model *model,
                                                    flowc_input x, flowc_input condition, flowc_output z);
/* Base draws z to y = T(z) and log q(y). z, y: n x D; log_prob: n x 1. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_push(const flowc_kernels *kernels, const flowc_model *model, flowc_input z,
                                                 flowc_input condition, flowc_output y, flowc_output log_prob);
/* d log-density / dx, by row. x, score: n x D. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_score(const flowc_kernels *kernels, const flowc_model *model, flowc_input x,
                                                  flowc_input condition, flowc_output score);

/*===----------------------------------------------------------------------===*\
|* Gradients
\*===----------------------------------------------------------------------===*/

/* The mean negative log-likelihood of the rows of x (n x D, n > 0), and its gradient in the
 * trainable parameters: P numbers in leaf order, float64 or the kernels' element type.
 * `loss` may be null. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_nll_gradient(const flowc_kernels *kernels, const flowc_model *model,
                                                         flowc_input x, flowc_input condition, double *loss,
                                                         flowc_output gradient);
/* The negative ELBO, mean(log q(T(z)) - target(T(z))), at given base draws z (n x D), and its
 * gradient; the kernels need a target. `stick_the_landing`: the score of q is left
 * out of the gradient (whose expectation stays the same). */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_elbo_gradient(const flowc_kernels *kernels, const flowc_model *model,
                                                          flowc_input z, flowc_input condition, int stick_the_landing,
                                                          double *loss, flowc_output gradient);

/* Pull-backs take the derivatives of any scalar L in the results of a program, by row, and
 * give those in what the results were computed from: `parameters` (P numbers, summed over
 * the rows, float64 or the kernels' type), `inputs` (n x D), `cond` (n x C; by row, also
 * if one condition serves all rows). */

/* Of log q(x). cot_log_prob: dL / d log q(x), n x 1. A row of cotangent 0 counts for nothing. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_pull_back_log_prob(const flowc_kernels *kernels, const flowc_model *model,
                                                               flowc_input x, flowc_input condition,
                                                               flowc_input cot_log_prob, flowc_output parameters,
                                                               flowc_output inputs, flowc_output cond);
/* Of y = T(x) and its log-determinant. cot_y: n x D; cot_log_det: n x 1. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_pull_back_transform(const flowc_kernels *kernels, const flowc_model *model,
                                                                flowc_input x, flowc_input condition, flowc_input cot_y,
                                                                flowc_input cot_log_det, flowc_output parameters,
                                                                flowc_output inputs, flowc_output cond);
/* Of y = T(z) and log q(y), at given base draws z. cot_y: n x D; cot_log_prob: n x 1. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_pull_back_push(const flowc_kernels *kernels, const flowc_model *model,
                                                           flowc_input z, flowc_input condition, flowc_input cot_y,
                                                           flowc_input cot_log_prob, flowc_output parameters,
                                                           flowc_output inputs, flowc_output cond);
/* The same for the draws `first` ... of stream `seed`, those of `flowc_sample_and_log_prob`,
 * as many as `cot_y` has rows. Draws of the base follow its parameters. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_pull_back_sample(const flowc_kernels *kernels, const flowc_model *model,
                                                             uint64_t seed, uint64_t first, flowc_input condition,
                                                             flowc_input cot_y, flowc_input cot_log_prob,
                                                             flowc_output parameters);

/*===----------------------------------------------------------------------===*\
|* Any kernel, by name
\*===----------------------------------------------------------------------===*/

/* The table of kernels (docs/ABI.md): how many there are, and the name of one ("" beyond the
 * last). */
FLOWC_API size_t flowc_num_kernels(void);
FLOWC_API const char *flowc_kernel_name(size_t i);

/* An array that a kernel takes or gives. */
typedef enum flowc_array_role { FLOWC_INPUT = 0, FLOWC_OUTPUT = 1 } flowc_array_role;
/* How many arrays of rows `kernel` takes or gives for this flow. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_kernels_num_arrays(const flowc_kernels *kernels, const char *kernel,
                                                               flowc_array_role role, size_t *count);
/* The name of array `i` of them and the numbers that it has for each row. Both may be null. The
 * name lives for ever. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_kernels_array(const flowc_kernels *kernels, const char *kernel,
                                                          flowc_array_role role, size_t i, const char **name,
                                                          int64_t *columns);
/* Compiles or loads a kernel now; the seconds it took (may be null). */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_kernels_prepare(const flowc_kernels *kernels, const char *kernel,
                                                            double *seconds);
/* Multiply-adds of a kernel's layers for one row (docs/ABI.md). */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_kernels_macs_per_row(const flowc_kernels *kernels, const char *kernel,
                                                                 int64_t *count);

typedef struct flowc_run_options {
  size_t size;           /* Of this struct: `flowc_run_options_init` sets it. */
  uint64_t seed, first;  /* Of kernels that draw: draws `first` ... of stream `seed`. 0. */
  int64_t rows;          /* Of kernels that have no arrays of rows; 0: that of the arrays. 0. */
  int32_t sum;           /* Whether sums are not divided by the number of rows. 0. */
  int32_t reserved;      /* 0. */
  double *loss;          /* Receives the value of kernels that sum; null: not wanted. Null. */
  flowc_output gradient; /* Of kernels that sum: P numbers. No output. */
  /* Of kernels with `_jvp_params` in their names: a direction in the parameters, P numbers in
   * leaf order, float64 or the kernels' type. No input. */
  flowc_input tangent;
} flowc_run_options;

FLOWC_API void flowc_run_options_init(flowc_run_options *options, size_t size);

/* Runs a kernel on the rows of its arrays, in the order of docs/ABI.md, which is that of
 * `flowc_kernels_array`. All have as many rows (a condition may have one); `options` may be
 * null. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_run(const flowc_kernels *kernels, const flowc_model *model,
                                                const char *kernel, const flowc_input *inputs, size_t num_inputs,
                                                const flowc_output *outputs, size_t num_outputs,
                                                const flowc_run_options *options);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* FLOWC_FLOWC_C_KERNELS_H */
