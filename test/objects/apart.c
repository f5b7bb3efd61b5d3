/* Parameters at run time: those of the flow are taken, others are not. */
#include "apart.h"
#include "one.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 100 };

static int failures;

static void expect(int holds, const char *what) {
  if (!holds) {
    printf("does not hold: %s\n", what);
    ++failures;
  }
}

static unsigned char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  unsigned char *bytes = malloc(1 << 20);
  *size = file ? fread(bytes, 1, 1 << 20, file) : 0;
  if (file)
    fclose(file);
  return bytes;
}

int main(void) {
  float x[ROWS][ONE_DIM], log_prob[ROWS], own[ROWS][APART_DIM], own_log_prob[ROWS];
  size_t size, other_size, prepared_size = apart_prepared_size();
  unsigned char *parameters = read_file("one.bin", &size), *others = read_file("two.bin", &other_size);
  void *prepared = calloc(prepared_size, 1);
  void *workspace = malloc(one_workspace_size() + apart_workspace_size());

  expect(apart_sample_and_log_prob(prepared, ROWS, 7, 0, own[0], own_log_prob, workspace, apart_workspace_size()) ==
             APART_NOT_PREPARED,
         "what is not prepared is refused");
  expect(apart_prepare(parameters, size, prepared, prepared_size - 1) == APART_SMALL_WORKSPACE, "little memory");
  expect(apart_prepare(NULL, size, prepared, prepared_size) == APART_NULL_POINTER, "no parameters");
  expect(apart_prepare(parameters, size, NULL, prepared_size) == APART_NULL_POINTER, "no memory");
  expect(apart_prepare(others, other_size, prepared, prepared_size) == APART_WRONG_PARAMETERS, "another flow's");
  expect(apart_prepare(parameters, size - 1, prepared, prepared_size) == APART_WRONG_PARAMETERS, "cut off");
  expect(apart_prepare(parameters, 0, prepared, prepared_size) == APART_WRONG_PARAMETERS, "no bytes");
  for (size_t i = 0; i < size; i += 37) {
    parameters[i] ^= 4;
    if (i / 8 != 2 && i / 8 < 4) /* The number of bytes is known; the rest of the head is zeros. */
      expect(apart_prepare(parameters, size, prepared, prepared_size) == APART_WRONG_PARAMETERS, "a damaged head");
    if (i >= 64)
      expect(apart_prepare(parameters, size, prepared, prepared_size) == APART_WRONG_PARAMETERS, "damaged numbers");
    parameters[i] ^= 4;
  }
  expect(apart_prepare(parameters, size, prepared, prepared_size) == APART_OK, "the flow's own");
  expect(apart_sample_and_log_prob(prepared, ROWS, 7, 0, own[0], own_log_prob, workspace, apart_workspace_size()) ==
             APART_OK,
         "draws");
  expect(one_sample_and_log_prob(ROWS, 7, 0, x[0], log_prob, workspace, one_workspace_size()) == ONE_OK, "draws");
  expect(!memcmp(x, own, sizeof x) && !memcmp(log_prob, own_log_prob, sizeof log_prob),
         "parameters give the same at run time and as a part of the object");
  free(parameters);
  free(others);
  free(prepared);
  free(workspace);
  if (!failures)
    printf("all holds\n");
  return failures != 0;
}
