// RUN: flowc-opt %s --split-input-file --verify-diagnostics --sample-pack-weights

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32> {flow.row}) -> tensor<2xf32> {
  // The weight comes with the rows.
  // expected-error @below {{a weight must be a parameter, not a row input}}
  %y = sample.dense %w, %x mask <out = [0, 1], in = [0, 0, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare(%w: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %w : tensor<2x2xf32>
}
func.func @kernel(%x: tensor<2xf32> {flow.row}, %w: tensor<2x2xf32>) -> tensor<2xf32> {
  // What is carried from layer to layer is no parameter.
  %last, %y = sample.scan 2 carries(%w, %x : tensor<2x2xf32>, tensor<2xf32>) {
  ^bb0(%wl: tensor<2x2xf32>, %xl: tensor<2xf32>):
    // expected-error @below {{a weight must be a parameter}}
    %yl = sample.dense %wl, %xl mask <out = [0, 1], in = [0, 1], strict = false> : tensor<2x2xf32>, tensor<2xf32> -> tensor<2xf32>
    sample.yield %wl, %yl : tensor<2x2xf32>, tensor<2xf32>
  } -> (tensor<2x2xf32>, tensor<2xf32>), ()
  return %y : tensor<2xf32>
}

// -----

// expected-error @below {{needs the function @prepare, which sample-hoist-parameters makes}}
module {
  func.func @kernel(%x: f32 {flow.row}) -> f32 {
    return %x : f32
  }
}

// -----

// What @kernel takes is what @prepare returns.

func.func @prepare() {
  return
}
// expected-error @below {{takes 'tensor<2x3xf32>' apart from rows but @prepare returns }}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32>) -> tensor<2xf32> {
  %y = sample.dense %w, %x mask <out = [0, 1], in = [0, 0, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare(%w: tensor<3x3xf32>) -> tensor<3x3xf32> {
  return %w : tensor<3x3xf32>
}
// expected-error @below {{takes 'tensor<2x3xf32>' apart from rows but @prepare returns 'tensor<3x3xf32>'}}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32>) -> tensor<2xf32> {
  %y = sample.dense %w, %x mask <out = [0, 1], in = [0, 0, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
