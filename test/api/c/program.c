/*===- program.c - The C interface from a program of C99 -------------------===*\
|*                                                                            *|
|* Part of flowc, under the Apache License v2.0 with LLVM Exceptions.         *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* What a user does, in a strict C99 program that knows libflowc.so alone:    *|
|* parse, train, score, draw, save, load; errors; threads. Values are         *|
|* compared with the C++ interface in test/unit/CApiTest.cpp.                 *|
|*                                                                            *|
|*   c-program FOLDER     a folder to write to                                *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _POSIX_C_SOURCE 200809L
#include "flowc/flowc-c.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 400, DIM = 2, THREADS = 8 };

static int numChecks = 0;

static void check(int holds, const char *what, int line) {
  ++numChecks;
  if (holds)
    return;
  fprintf(stderr, "line %d: %s does not hold\n", line, what);
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

/* Ends the program with the message of an error. */
static void succeed(flowc_error *error, int line) {
  if (!error)
    return;
  fprintf(stderr, "line %d: %s\n", line, flowc_error_message(error));
  exit(1);
}
#define OK(call) succeed(call, __LINE__)

/* Expects an error of a kind whose message has `part`. */
static void fail(flowc_error *error, flowc_status status, const char *part, int line) {
  const char *message = flowc_error_message(error);
  if (flowc_error_status(error) != status || !strstr(message, part)) {
    fprintf(stderr, "line %d: status %d, '%s'; expected %d, '... %s ...'\n", line, (int)flowc_error_status(error),
            message, (int)status, part);
    exit(1);
  }
  ++numChecks;
  flowc_error_free(error);
}
#define FAILS(call, status, part) fail(call, status, part, __LINE__)

/* An arc with some width. */
static void fillData(float *x) {
  int i;
  for (i = 0; i < ROWS; ++i) {
    double t = 0.0075 * i;
    x[DIM * i] = (float)(cos(t) + 0.1 * sin(1.7 * i));
    x[DIM * i + 1] = (float)(sin(t) + 0.1 * cos(2.3 * i));
  }
}

/*===----------------------------------------------------------------------===*\
|* A model from data
\*===----------------------------------------------------------------------===*/

typedef struct losses {
  int count;
  double last;
} losses;

/* Stops after three epochs. */
static int onEpoch(void *data, int64_t epoch, double trainLoss, double valLoss) {
  losses *seen = (losses *)data;
  CHECK(epoch == seen->count + 1);
  CHECK(isfinite(valLoss));
  seen->last = trainLoss;
  return ++seen->count == 3;
}

static flowc_model *trainModel(const float *x) {
  flowc_flow *flow = NULL, *inUnits = NULL;
  flowc_model *model = NULL;
  flowc_training *training = NULL;
  flowc_train_options options;
  losses seen = {0, 0};
  OK(flowc_flow_parse("flow arc = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 8)", NULL, NULL,
                      &flow));
  CHECK(flowc_flow_get_kind(flow) == FLOWC_DISTRIBUTION);
  CHECK(strcmp(flowc_flow_name(flow), "arc") == 0);
  OK(flowc_flow_standardize(flow, flowc_in_f32(x, ROWS, DIM), flowc_no_input(), &inUnits));
  OK(flowc_model_init(inUnits, FLOWC_F32, 1, &model));
  flowc_train_options_init(&options, sizeof options, FLOWC_LOOP_DATA);
  CHECK(options.max_epochs == 100 && options.val_prop == 0.1);
  options.batch_size = 50;
  options.optimizer = "adam:beta1=0.8";
  options.on_round = onEpoch;
  options.user_data = &seen;
  OK(flowc_fit_to_data(model, flowc_in_f32(x, ROWS, DIM), flowc_no_input(), &options, &training));
  CHECK(seen.count == 3);
  CHECK(flowc_training_num_rounds(training) == 3);
  CHECK(flowc_training_train_losses(training)[2] == seen.last);
  CHECK(flowc_training_train_losses(training)[2] < flowc_training_train_losses(training)[0]);
  /* Objects keep alive what they were made of. */
  flowc_flow_free(flow);
  flowc_flow_free(inUnits);
  flowc_training_free(training);
  return model;
}

/*===----------------------------------------------------------------------===*\
|* Kernels
\*===----------------------------------------------------------------------===*/

static flowc_kernels *compileKernels(const flowc_model *model, flowc_dtype dtype) {
  flowc_compile_options options;
  flowc_kernels *kernels = NULL;
  flowc_compile_options_init(&options, sizeof options);
  options.dtype = dtype;
  OK(flowc_compile(flowc_model_flow(model), &options, &kernels));
  CHECK(flowc_kernels_dtype(kernels) == dtype);
  return kernels;
}

/* Draws are those of the whole, whatever part of them is drawn, and score what they say. */
static void drawAndScore(const flowc_kernels *kernels, const flowc_model *model) {
  static float x[ROWS * DIM], rest[ROWS * DIM], logProb[ROWS], again[ROWS];
  int i;
  OK(flowc_sample_and_log_prob(kernels, model, 7, 0, flowc_no_input(), flowc_out_f32(x, ROWS, DIM),
                               flowc_out_f32(logProb, ROWS, 1)));
  OK(flowc_sample(kernels, model, 7, 100, flowc_no_input(), flowc_out_f32(rest, ROWS - 100, DIM)));
  CHECK(memcmp(rest, x + 100 * DIM, sizeof(float) * (ROWS - 100) * DIM) == 0);
  OK(flowc_log_prob(kernels, model, flowc_in_f32(x, ROWS, DIM), flowc_no_input(), flowc_out_f32(again, ROWS, 1)));
  for (i = 0; i < ROWS; ++i)
    CHECK(fabsf(again[i] - logProb[i]) < 1e-3f);
}

/* The model in a file is the same, and in float64 nearly so. */
static void saveAndLoad(const flowc_model *model, const char *folder, const float *x) {
  char path[4096];
  flowc_model *loaded = NULL, *wide = NULL;
  flowc_kernels *kernels = compileKernels(model, FLOWC_F32), *wideKernels;
  static float before[ROWS], after[ROWS];
  static double wideX[ROWS * DIM], wideLogProb[ROWS];
  int i;
  snprintf(path, sizeof path, "%s/arc.safetensors", folder);
  OK(flowc_model_save(model, path, "{\"rows\": 400}"));
  OK(flowc_model_load(path, NULL, &loaded));
  CHECK(strstr(flowc_model_record(loaded), "400") != NULL);
  OK(flowc_log_prob(kernels, model, flowc_in_f32(x, ROWS, DIM), flowc_no_input(), flowc_out_f32(before, ROWS, 1)));
  OK(flowc_log_prob(kernels, loaded, flowc_in_f32(x, ROWS, DIM), flowc_no_input(), flowc_out_f32(after, ROWS, 1)));
  CHECK(memcmp(before, after, sizeof before) == 0);
  OK(flowc_model_astype(loaded, FLOWC_F64, &wide));
  wideKernels = compileKernels(wide, FLOWC_F64);
  for (i = 0; i < ROWS * DIM; ++i)
    wideX[i] = x[i];
  OK(flowc_log_prob(wideKernels, wide, flowc_in_f64(wideX, ROWS, DIM), flowc_no_input(),
                    flowc_out_f64(wideLogProb, ROWS, 1)));
  for (i = 0; i < ROWS; ++i)
    CHECK(fabs(wideLogProb[i] - before[i]) < 1e-4 * (1 + fabs(wideLogProb[i])));
  flowc_model_free(loaded);
  flowc_model_free(wide);
  flowc_kernels_free(kernels);
  flowc_kernels_free(wideKernels);
}

/*===----------------------------------------------------------------------===*\
|* Errors
\*===----------------------------------------------------------------------===*/

static void makeMistakes(const flowc_kernels *kernels, flowc_model *model, const float *x) {
  flowc_flow *flow = (flowc_flow *)1;
  flowc_model *none = NULL;
  float out[ROWS];
  double nan = NAN;
  FAILS(flowc_flow_parse("flow f = coupling_flw(standard_normal([2]))", NULL, "my.flow", &flow), FLOWC_FAILED,
        "my.flow:1:10: error: ");
  CHECK(flow == NULL);
  FAILS(flowc_flow_parse(NULL, NULL, NULL, &flow), FLOWC_INVALID_ARGUMENT, "'text' is a null pointer");
  FAILS(flowc_model_load("none.safetensors", NULL, &none), FLOWC_FAILED, "none.safetensors");
  FAILS(flowc_log_prob(kernels, model, flowc_in_f32(x, ROWS, 3), flowc_no_input(), flowc_out_f32(out, ROWS, 1)),
        FLOWC_INVALID_ARGUMENT, "'x' has 400 rows of 3, expected 400 rows of 2");
  FAILS(flowc_log_prob(kernels, model, flowc_in_f32(NULL, ROWS, DIM), flowc_no_input(), flowc_out_f32(out, ROWS, 1)),
        FLOWC_INVALID_ARGUMENT, "is a null pointer");
  FAILS(flowc_log_prob(kernels, NULL, flowc_in_f32(x, ROWS, DIM), flowc_no_input(), flowc_out_f32(out, ROWS, 1)),
        FLOWC_INVALID_ARGUMENT, "'model' is a null pointer");
  FAILS(flowc_kernels_prepare(kernels, "log_porb", NULL), FLOWC_INVALID_ARGUMENT, "did you mean 'log_prob'?");
  FAILS(flowc_model_set_parameter(model, 0, flowc_in_f64(&nan, 1, 1)), FLOWC_INVALID_ARGUMENT, "expected");
  CHECK(flowc_error_status(NULL) == FLOWC_OK && flowc_error_message(NULL)[0] == 0);
  flowc_error_free(NULL);
  flowc_model_free(NULL);
}

/*===----------------------------------------------------------------------===*\
|* Threads
\*===----------------------------------------------------------------------===*/

typedef struct job {
  const flowc_kernels *kernels;
  const flowc_model *model;
  const float *x;
  float logProb[ROWS], scores[ROWS * DIM];
} job;

/* Uses kernels and a model that others use at the same time, and objects of its own. */
static void *runJob(void *data) {
  job *own = (job *)data;
  flowc_model *copy = NULL;
  flowc_error *error = NULL;
  int i;
  for (i = 0; i < 20; ++i) {
    OK(flowc_log_prob(own->kernels, own->model, flowc_in_f32(own->x, ROWS, DIM), flowc_no_input(),
                      flowc_out_f32(own->logProb, ROWS, 1)));
    OK(flowc_model_copy(own->model, &copy));
    OK(flowc_score(own->kernels, copy, flowc_in_f32(own->x, ROWS, DIM), flowc_no_input(),
                   flowc_out_f32(own->scores, ROWS, DIM)));
    flowc_model_free(copy);
    /* Each thread has its own errors. */
    error = flowc_model_load("none.safetensors", NULL, &copy);
    if (!error || !strstr(flowc_error_message(error), "none.safetensors"))
      return NULL;
    flowc_error_free(error);
  }
  return data;
}

static void runJobs(const flowc_kernels *kernels, const flowc_model *model, const float *x) {
  static job jobs[THREADS];
  pthread_t threads[THREADS];
  void *done;
  int i;
  for (i = 0; i < THREADS; ++i) {
    jobs[i].kernels = kernels;
    jobs[i].model = model;
    jobs[i].x = x;
    CHECK(pthread_create(&threads[i], NULL, runJob, &jobs[i]) == 0);
  }
  for (i = 0; i < THREADS; ++i) {
    CHECK(pthread_join(threads[i], &done) == 0);
    CHECK(done == &jobs[i]);
    CHECK(memcmp(jobs[i].logProb, jobs[0].logProb, sizeof jobs[0].logProb) == 0);
    CHECK(memcmp(jobs[i].scores, jobs[0].scores, sizeof jobs[0].scores) == 0);
  }
}

/*===----------------------------------------------------------------------===*\
|* Memory
\*===----------------------------------------------------------------------===*/

/* Pages of the process that are in memory; -1 where that cannot be known. */
static long residentPages(void) {
  long total = -1, resident = -1;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file && fscanf(file, "%ld %ld", &total, &resident) != 2)
    resident = -1;
  if (file)
    fclose(file);
  return resident;
}

static void makeAndFree(const flowc_kernels *kernels, const flowc_model *model, const float *x, int times) {
  int i;
  for (i = 0; i < times; ++i) {
    flowc_flow *flow = NULL;
    flowc_model *own = NULL, *copy = NULL;
    flowc_target *target = NULL;
    static float scores[ROWS * DIM];
    OK(flowc_flow_parse("flow f = coupling_flow(standard_normal([2]), nn_width = 20)", NULL, NULL, &flow));
    OK(flowc_model_init(flow, FLOWC_F32, (uint64_t)i, &own));
    OK(flowc_model_copy(model, &copy));
    OK(flowc_score(kernels, copy, flowc_in_f32(x, 1, DIM), flowc_no_input(), flowc_out_f32(scores, 1, DIM)));
    FAILS(flowc_target_from_density(flow, &target), FLOWC_INVALID_ARGUMENT, "is no density");
    flowc_model_free(copy);
    flowc_model_free(own);
    flowc_flow_free(flow);
  }
}

/* What is freed is gone: 3,000 models of 6 KB and their errors leave no trace. (Sanitizers keep
 * what was freed for a while.) */
static void loseNoMemory(const flowc_kernels *kernels, const flowc_model *model, const float *x) {
  long before, after;
  makeAndFree(kernels, model, x, 300);
  before = residentPages();
  makeAndFree(kernels, model, x, 3000);
  after = residentPages();
#ifndef FLOWC_SANITIZED
  CHECK(before < 0 || after - before < 512); /* 2 MB */
#endif
}

int main(int argc, char **argv) {
  static float x[ROWS * DIM];
  flowc_model *model;
  flowc_kernels *kernels;
  if (argc != 2) {
    fprintf(stderr, "usage: c-program FOLDER\n");
    return 1;
  }
  CHECK(flowc_c_api_major() == FLOWC_C_API_MAJOR && flowc_c_api_minor() >= FLOWC_C_API_MINOR);
  fillData(x);
  model = trainModel(x);
  kernels = compileKernels(model, FLOWC_F32);
  drawAndScore(kernels, model);
  saveAndLoad(model, argv[1], x);
  makeMistakes(kernels, model, x);
  runJobs(kernels, model, x);
  loseNoMemory(kernels, model, x);
  flowc_kernels_free(kernels);
  flowc_model_free(model);
  printf("%s: %d checks hold\n", flowc_version(), numChecks);
  return 0;
}
