// RUN: flowc-opt %s --split-input-file --verify-diagnostics --flow-pack-weights

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32> {flow.row}) -> tensor<2xf32> {
  // The weight comes with the rows.
  // expected-error @below {{a weight must be a parameter, not a row input}}
  %y = flow.dense %w, %x : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%g: tensor<5xf32> {flow.row}, %x: tensor<3xf32> {flow.row}) -> (tensor<5x3xf32>, tensor<5xf32>) {
  // expected-error @below {{can only be summed over rows}}
  %w, %b = flow.outer %g, %x : tensor<5xf32>, tensor<3xf32> -> tensor<5x3xf32>, tensor<5xf32>
  return %w, %b : tensor<5x3xf32>, tensor<5xf32>
}
