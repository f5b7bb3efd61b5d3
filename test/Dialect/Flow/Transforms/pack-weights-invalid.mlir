// RUN: flowc-opt %s --split-input-file --verify-diagnostics --flow-pack-weights

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32> {flow.row}) -> tensor<2xf32> {
  // The weight comes with the rows.
  // expected-error @below {{a weight must be a parameter, not a row input}}
  %y = flow.dense %w, %x mask <out = [0, 1], in = [0, 0, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
