/* What an installed flowc is tried with: draws and scores of a flow. */
#include <flowc/flowc-c.h>
#include <stdio.h>

int main(void) {
  flowc_flow *flow = NULL;
  flowc_model *model = NULL;
  flowc_kernels *kernels = NULL;
  float x[200], log_prob[100];
  flowc_error *error =
      flowc_flow_parse("flow f = coupling_flow(standard_normal([2]), nn_width = 4)", NULL, NULL, &flow);
  if (!error)
    error = flowc_model_init(flow, FLOWC_F32, 1, &model);
  if (!error)
    error = flowc_compile(flow, NULL, &kernels);
  if (!error)
    error = flowc_sample(kernels, model, 7, 0, flowc_no_input(), flowc_out_f32(x, 100, 2));
  if (!error)
    error = flowc_log_prob(kernels, model, flowc_in_f32(x, 100, 2), flowc_no_input(), flowc_out_f32(log_prob, 100, 1));
  printf("flowc %s: %s\n", flowc_version(), error ? flowc_error_message(error) : "100 draws");
  flowc_error_free(error);
  flowc_kernels_free(kernels);
  flowc_model_free(model);
  flowc_flow_free(flow);
  return error != NULL;
}
