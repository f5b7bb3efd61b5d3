/* Two models in one program, called by 64 threads, with what can go wrong. Prints what does not
 * hold. */
#include "two.h"
#include "one.h"

#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300, THREADS = 64 };

static int failures;

static void expect(int holds, const char *what) {
  if (!holds) {
    printf("does not hold: %s\n", what);
    ++failures;
  }
}

static float x[ROWS][ONE_DIM], log_prob[ROWS];
static double y[ROWS][TWO_DIM], condition[ROWS][TWO_CONDITION_DIM], log_prob_2[ROWS];

/* Draws of both models, in a thread. */
static void *draw(void *same) {
  float own[ROWS][ONE_DIM], own_log_prob[ROWS];
  double two_own[ROWS][TWO_DIM], own_log_prob_2[ROWS];
  void *one_workspace = malloc(one_workspace_size()), *two_workspace = malloc(two_workspace_size());
  int status = one_sample_and_log_prob(ROWS, 7, 0, own[0], own_log_prob, one_workspace, one_workspace_size());
  status |= two_sample_and_log_prob(condition[0], ROWS, 7, 0, two_own[0], own_log_prob_2, two_workspace,
                                    two_workspace_size());
  *(int *)same = status == ONE_OK && !memcmp(own, x, sizeof x) && !memcmp(own_log_prob, log_prob, sizeof log_prob) &&
                 !memcmp(two_own, y, sizeof y) && !memcmp(own_log_prob_2, log_prob_2, sizeof log_prob_2);
  free(one_workspace);
  free(two_workspace);
  return NULL;
}

static void check_threads(void) {
  pthread_t threads[THREADS];
  int same[THREADS] = {0};
  for (int i = 0; i < THREADS; ++i)
    expect(pthread_create(&threads[i], NULL, draw, &same[i]) == 0, "a thread starts");
  for (int i = 0; i < THREADS; ++i) {
    pthread_join(threads[i], NULL);
    expect(same[i], "threads draw the same");
  }
}

/* Rows are what they are, whatever is beside them, and wherever the memory is. */
static void check_rows(void) {
  size_t size = one_workspace_size();
  char *workspace = malloc(size + 1);
  float last[1][ONE_DIM], last_log_prob, again[ROWS];
  int status = one_sample_and_log_prob(1, 7, ROWS - 1, last[0], &last_log_prob, workspace + 1, size);
  expect(status == ONE_OK && !memcmp(last, x[ROWS - 1], sizeof last) && last_log_prob == log_prob[ROWS - 1],
         "a draw does not depend on those beside it");
  memset(workspace, 0xff, size + 1);
  status = one_log_prob(x[0], ROWS, again, workspace, size);
  expect(status == ONE_OK, "rows are scored");
  for (int i = 0; i < ROWS; ++i)
    expect(again[i] - log_prob[i] < 1e-3f && log_prob[i] - again[i] < 1e-3f, "draws are scored like their draws");
  free(workspace);
}

static void check_errors(void) {
  size_t size = one_workspace_size();
  void *workspace = malloc(size);
  expect(one_log_prob(NULL, 1, log_prob, workspace, size) == ONE_NULL_POINTER, "no rows");
  expect(one_log_prob(x[0], 1, NULL, workspace, size) == ONE_NULL_POINTER, "no results");
  expect(one_log_prob(x[0], 1, log_prob, NULL, size) == ONE_NULL_POINTER, "no workspace");
  expect(one_log_prob(x[0], -1, log_prob, workspace, size) == ONE_NEGATIVE_ROWS, "a negative number of rows");
  expect(one_log_prob(x[0], 1, log_prob, workspace, size - 1) == ONE_SMALL_WORKSPACE, "a small workspace");
  expect(one_log_prob(NULL, 0, NULL, NULL, 0) == ONE_OK, "no row needs no array");
  for (int status = -1; status < 10; ++status)
    expect(strlen(one_error_message(status)) > 5, "every status has a message");
  expect(!strcmp(one_error_message(12345), "unknown status"), "numbers that are no status are said to be none");
  free(workspace);
}

/* The caller's state does not matter, and stays. */
static void check_floating_point_state(void) {
  float own[ROWS][ONE_DIM], own_log_prob[ROWS];
  void *workspace = malloc(one_workspace_size());
  fesetround(FE_UPWARD);
  feclearexcept(FE_ALL_EXCEPT);
  int status = one_sample_and_log_prob(ROWS, 7, 0, own[0], own_log_prob, workspace, one_workspace_size());
  expect(fegetround() == FE_UPWARD && !fetestexcept(FE_ALL_EXCEPT), "the floating-point state stays");
  fesetround(FE_TONEAREST);
  expect(status == ONE_OK && !memcmp(own, x, sizeof x) && !memcmp(own_log_prob, log_prob, sizeof log_prob),
         "the rounding mode does not matter");
  free(workspace);
}

int main(void) {
  void *one_workspace = malloc(one_workspace_size()), *two_workspace = malloc(two_workspace_size());
  for (int i = 0; i < ROWS; ++i)
    for (int j = 0; j < TWO_CONDITION_DIM; ++j)
      condition[i][j] = 0.01 * i - j;
  expect(one_sample_and_log_prob(ROWS, 7, 0, x[0], log_prob, one_workspace, one_workspace_size()) == ONE_OK, "draws");
  expect(two_sample_and_log_prob(condition[0], ROWS, 7, 0, y[0], log_prob_2, two_workspace, two_workspace_size()) ==
             TWO_OK,
         "draws under conditions");
  check_rows();
  check_threads();
  check_errors();
  check_floating_point_state();
  free(one_workspace);
  free(two_workspace);
  if (!failures)
    printf("all holds\n");
  return failures != 0;
}
