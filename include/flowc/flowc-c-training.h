/*===- flowc-c-training.h - Training from C ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of flowc, under the Apache License v2.0 with LLVM Exceptions.         *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A part of flowc/flowc-c.h: four ways to train (docs/Training.md). Three    *|
|* loops over one step, `flowc_fit_to_data` (epochs over rows),               *|
|* `flowc_fit_to_target` (steps on draws) and `flowc_optimize` (any           *|
|* objective), have one struct of options; `flowc_fit_table` chooses a flow.  *|
|* Rows are of the model's element type. Results do not depend on the number  *|
|* of threads.                                                                *|
|*                                                                            *|
|* Callbacks get the options' `user_data`. They run on the calling thread     *|
|* unless it says otherwise, must return (no exception, no longjmp), and must *|
|* not write or free the objects of the call.                                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef FLOWC_FLOWC_C_TRAINING_H
#define FLOWC_FLOWC_C_TRAINING_H

#ifndef FLOWC_FLOWC_C_H
#error "include flowc/flowc-c.h instead"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Targets
\*===----------------------------------------------------------------------===*/

/* What a flow is to approximate: a log-density up to a constant. */
typedef struct flowc_target flowc_target;

/* Writes the log-densities of `rows` events (row-major in `x`) and, unless `gradient` is null,
 * their derivatives in x, row-major. Outside of the support the log-density is -INFINITY and
 * the gradient 0. Returns 0, or another number if it failed. */
typedef int (*flowc_target_function)(void *user_data, const double *x, int64_t rows, double *log_density,
                                     double *gradient);

/* A density in the language (`flowc_flow_parse_density`), which is fused into the kernels. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_target_from_density(const flowc_flow *density, flowc_target **result);
/* A function of `dim` coordinates. `name` is for messages. Unless `is_thread_safe`, one thread
 * at a time calls it, though not always the same one. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_target_from_function(const char *name, int64_t dim, int is_thread_safe,
                                                                 flowc_target_function function, void *user_data,
                                                                 flowc_target **result);
/* A shared library with the functions of flowc/target.h or of BridgeStan (docs/Targets.md);
 * `data` (null: none) is given to it. Its code runs in this process. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_target_load_library(const char *path, const char *data,
                                                                flowc_target **result);
FLOWC_API void flowc_target_free(flowc_target *target);
FLOWC_API int64_t flowc_target_get_dim(const flowc_target *target);

/*===----------------------------------------------------------------------===*\
|* Options and results
\*===----------------------------------------------------------------------===*/

/* What one step came to. Given by pointer; may grow at the end. */
typedef struct flowc_step {
  int64_t iteration; /* From 1. */
  double loss, gradient_norm, learning_rate;
  double seconds; /* Since the training began, earlier parts of it included. */
} flowc_step;

/* After an epoch, or a round of steps (from 1). Another number than 0 stops the training. */
typedef int (*flowc_round_callback)(void *user_data, int64_t round, double train_loss, double val_loss);
/* After a step of `flowc_optimize`, with the new parameters. Another number than 0 stops. */
typedef int (*flowc_step_callback)(void *user_data, const flowc_step *step, const flowc_model *model);
/* Before every step. Another number than 0 interrupts the training. */
typedef int (*flowc_interrupt_callback)(void *user_data);
/* When a training goes back to its last good parameters with a smaller rate. */
typedef void (*flowc_message_callback)(void *user_data, const char *message);

/* The three loops, whose options differ in defaults. */
typedef enum flowc_loop { FLOWC_LOOP_DATA = 0, FLOWC_LOOP_TARGET = 1, FLOWC_LOOP_OPTIMIZE = 2 } flowc_loop;

/* Defaults stand behind the comments, for the three loops if they differ; - where a loop
 * has no use for an option. Choices are `NAME` or `NAME:SETTING=VALUE,...`, as the tool
 * has them. Null texts stand for the default. */
typedef struct flowc_train_options {
  size_t size;                          /* Of this struct: `flowc_train_options_init` sets it. */
  const char *objective;                /* What is minimised. likelihood, elbo, - */
  const char *objective_text;           /* If not null, its last `objective` item is minimised, and
                                           `objective` is the name of its file. Null, null, - */
  const flowc_flow *density;            /* The prior of the objective `contrastive`. Null, -, - */
  double learning_rate;                 /* 5e-4, 2e-3, 1e-3 */
  int64_t max_epochs;                   /* 100, -, - */
  int64_t max_patience;                 /* Epochs without a better validation loss. 5, -, - */
  int64_t steps;                        /* -, 20000, 10000 */
  int64_t batch_size;                   /* Rows or draws of a step. 100, 256, 100 */
  double val_prop;                      /* Share of the rows that only validate. 0.1, -, - */
  int64_t val_samples;                  /* Draws that tell which parameters are best. -, 2048, - */
  double tolerance;                     /* Stops when half the variance of log q - target is below. -, 1e-6, - */
  int32_t redraw;                       /* Whether each step has draws of its own. -, 1, - */
  int32_t return_best;                  /* Whether the best parameters are kept, or the last. 1, 1, - */
  int32_t is_start;                     /* Whether the parameters are initial ones, which may be made
                                           smaller before the first step. 1, -, - */
  int32_t threads;                      /* 0: all processors. 0 */
  int32_t use_cache;                    /* Whether objects are kept on the disk. 1, 1, - */
  int32_t reserved;                     /* 0. */
  uint64_t seed;                        /* 0 */
  const char *optimizer;                /* adam */
  const char *schedule;                 /* Of the learning rate. constant, warmup_cosine, constant */
  double clip_norm;                     /* Longer gradients are scaled to this length; 0: never. 0, 10, 0 */
  double average;                       /* Decay of an average of the parameters, which is kept; 0: none. 0 */
  int64_t max_recoveries;               /* Returns to the last good parameters, at most. 5 */
  const char *const *freeze;            /* Patterns (* and ?) of names of parameters that stay. Null */
  size_t num_freeze;                    /* How many these are. 0 */
  const char *checkpoint;               /* A file that the state of the training is written to; null: none. Null */
  double checkpoint_seconds;            /* After so many seconds. 10 */
  int64_t checkpoint_steps;             /* After so many steps, too; 0: not by steps. 0 */
  const char *resume;                   /* The file to go on from; null: training begins anew. Null */
  void *user_data;                      /* Given to callbacks. Null */
  flowc_round_callback on_round;        /* Null, null, - */
  flowc_step_callback on_step;          /* -, -, null */
  flowc_interrupt_callback interrupted; /* Null */
  flowc_message_callback on_recovery;   /* Null */
} flowc_train_options;

/* Sets all options to the defaults of a loop. `size` is `sizeof *options`. */
FLOWC_API void flowc_train_options_init(flowc_train_options *options, size_t size, flowc_loop loop);

/* How a training went. */
typedef struct flowc_training flowc_training;
FLOWC_API void flowc_training_free(flowc_training *training);
/* Epochs or rounds, and `num_rounds` mean losses each. */
FLOWC_API size_t flowc_training_num_rounds(const flowc_training *training);
FLOWC_API const double *flowc_training_train_losses(const flowc_training *training);
FLOWC_API const double *flowc_training_val_losses(const flowc_training *training);
/* The round with the lowest validation loss, from 1; 0: none. */
FLOWC_API int64_t flowc_training_best_round(const flowc_training *training);
/* Steps of a target or an objective, the first of them, and one; null beyond the last. */
FLOWC_API size_t flowc_training_num_steps(const flowc_training *training);
FLOWC_API const flowc_step *flowc_training_step(const flowc_training *training, size_t i);
/* 1 or 0: whether `interrupted` ended it; whether it converged. */
FLOWC_API int flowc_training_was_interrupted(const flowc_training *training);
FLOWC_API int flowc_training_has_converged(const flowc_training *training);
/* Of `flowc_fit_table`: what was tried and how good it is, JSON for `flowc_model_save`; else "". */
FLOWC_API const char *flowc_training_record(const flowc_training *training);

/*===----------------------------------------------------------------------===*\
|* The three loops
\*===----------------------------------------------------------------------===*/

/* In what follows, `options` may be null (all defaults), and `result` may be null if nobody
 * wants to know. The model is trained in place. If a training fails it has its last good
 * parameters. */

/* FlowJAX's `fit_to_data`: maximum likelihood on rows. x: n x D; condition: n x C. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_fit_to_data(flowc_model *model, flowc_input x, flowc_input condition,
                                                        const flowc_train_options *options, flowc_training **result);
/* A model of `flow` from which training towards `target` begins well: standardised as if draws
 * of Markov chains on the target were data, and fitted to them for a while. Takes
 * `seed`, `threads` and `use_cache` from the options. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_init_towards(const flowc_flow *flow, flowc_dtype dtype,
                                                               const flowc_target *target,
                                                               const flowc_train_options *options,
                                                               flowc_model **result);
/* Fits the model to a target, on draws of the flow. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_fit_to_target(flowc_model *model, const flowc_target *target,
                                                          const flowc_train_options *options, flowc_training **result);

/* A loss of a model: the mean over the rows of a batch. */
typedef struct flowc_objective flowc_objective;

/* The rows of one step, by pointer; may grow at the end. */
typedef struct flowc_batch {
  const void *x;         /* n x D in the model's type; null: rows are draws. */
  const void *condition; /* n x C; null: none. */
  const void *weights;   /* n x 1; null: 1. */
  int64_t rows;
  uint64_t first, seed; /* Draws `first` ... of stream `seed`. */
} flowc_batch;

/* Writes the loss of `model` and its gradient in the trainable parameters, in leaf order.
 * Returns 0, or another number if it failed. */
typedef int (*flowc_loss_function)(void *user_data, const flowc_model *model, const flowc_batch *batch, double *loss,
                                   double *gradient);

/* An objective of the table (docs/Training.md), such as "elbo" or "renyi:alpha=0.5", for models
 * of `flow` in `options->dtype`; `options->target` is the density that it needs. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_objective_create(const char *objective, const flowc_flow *flow,
                                                             const flowc_compile_options *options,
                                                             flowc_objective **result);
/* The `objective` item `name` (null: the last one) of a text. `file` is for messages. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_objective_parse(const char *text, const char *name, const char *file,
                                                            const flowc_flow *flow,
                                                            const flowc_compile_options *options,
                                                            flowc_objective **result);
/* A function, which one thread calls. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_objective_from_function(const char *name, flowc_loss_function function,
                                                                    void *user_data, flowc_objective **result);
FLOWC_API void flowc_objective_free(flowc_objective *objective);

/* The loss of a batch and its gradient, float64 or the model's type (both may be left out).
 * `x`: the rows; without them draws `first` ... `first` + n - 1 of stream `seed`. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_objective_value_and_gradient(flowc_objective *objective,
                                                                         const flowc_model *model, flowc_input x,
                                                                         flowc_input condition, int64_t n,
                                                                         uint64_t seed, uint64_t first, double *loss,
                                                                         flowc_output gradient);
/* NormalizingFlows.jl's `optimize`: minimises any objective, on draws. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_optimize(flowc_model *model, flowc_objective *objective,
                                                     const flowc_train_options *options, flowc_training **result);

/*===----------------------------------------------------------------------===*\
|* From a table to a flow
\*===----------------------------------------------------------------------===*/

/* What is being done, and the share of the budget that is spent; from any thread, but from
 * one at a time. */
typedef void (*flowc_progress_callback)(void *user_data, const char *what, double share);

typedef struct flowc_fit_table_options {
  size_t size;            /* Of this struct: `flowc_fit_table_options_init` sets it. */
  double seconds;         /* That it may take. 60. */
  int64_t steps;          /* If not 0, a budget of steps instead. 0. */
  uint64_t seed;          /* 0. */
  int32_t dtype;          /* Of the model, a flowc_dtype. FLOWC_F32. */
  int32_t threads;        /* 0: all processors. 0. */
  int32_t use_cache;      /* 1. */
  int32_t reserved;       /* 0. */
  const char *checkpoint; /* A file that trainings are written to as they end. Null. */
  const char *resume;     /* The file to go on from. Null. */
  void *user_data;
  flowc_progress_callback progress;     /* Null. */
  flowc_interrupt_callback interrupted; /* From any thread: ends the search, the best is kept. Null. */
  /* The names of all columns of x and of the condition, for messages and the record. Null. */
  const char *const *names, *const *condition_names;
} flowc_fit_table_options;

FLOWC_API void flowc_fit_table_options_init(flowc_fit_table_options *options, size_t size);

/* Trains several kinds of flows on the rows and keeps the one that fits rows best that it was
 * not trained on (docs/Fitting.md). x: n x D; condition: n x C or none; of either
 * element type. `training` may be null. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_fit_table(flowc_input x, flowc_input condition,
                                                      const flowc_fit_table_options *options, flowc_model **result,
                                                      flowc_training **training);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* FLOWC_FLOWC_C_TRAINING_H */
