/* What flowc_add_model is tried with: draws and scores of a model that is part of the program. */
#include <stdio.h>
#include <stdlib.h>

#include "little.h"
#include "second.h"

int main(void) {
  static float x[100][LITTLE_DIM], log_prob[100];
  double y[SECOND_DIM], log_prob_of_y = 0;
  size_t size = little_workspace_size() + second_workspace_size();
  void *workspace = malloc(size);
  int status = little_sample(100, 7, 0, x[0], workspace, size);
  if (status == LITTLE_OK)
    status = little_log_prob(x[0], 100, log_prob, workspace, size);
  for (int i = 0; i < SECOND_DIM; ++i)
    y[i] = x[99][i];
  if (status == LITTLE_OK)
    status = second_log_prob(y, 1, &log_prob_of_y, workspace, size);
  if (log_prob_of_y - log_prob[99] > 1e-3 || log_prob[99] - log_prob_of_y > 1e-3)
    puts("two types give two log-densities");
  printf("%s\n", status == LITTLE_OK ? "100 draws" : little_error_message(status));
  free(workspace);
  return status;
}
