// RUN: flowc-opt %s --split-input-file --verify-diagnostics --convert-flow-to-tile

// expected-error @below {{needs the functions @kernel and @prepare}}
module {
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<2xf32> {flow.row}) -> tensor<2xf32> {
  // Bijections are no ops of the sample program.
  // expected-error @below {{'flow.softplus' is not an op of the tile program's input}}
  %y = flow.softplus %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32> {flow.row}) -> tensor<2xf32> {
  // The weight comes with the rows.
  // expected-error @below {{a weight must be a parameter}}
  %y = flow.dense %w, %x : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare(%w: tensor<2x3xf32> {flow.name = "w"}) -> tensor<2x3xf32> {
  return %w : tensor<2x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{a masked weight must be packed first, by flow-pack-weights}}
  %y = flow.dense %w, %x mask <out = [0, 1], in = [0, 0, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
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
