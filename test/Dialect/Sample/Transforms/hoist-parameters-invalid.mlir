// RUN: flowc-opt %s --split-input-file --verify-diagnostics --sample-hoist-parameters

// expected-error @below {{needs the function @kernel, which flow-specialize makes}}
module {
}

// -----

// expected-error @below {{is there already: parameters are hoisted once}}
func.func @prepare() {
  return
}
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  return %x : f32
}

// -----

// expected-error @below {{must be one block that returns}}
func.func private @kernel(%x: f32 {flow.row}) -> f32

// -----

func.func @kernel(%x: tensor<4xf32> {flow.row}, %a: f32) -> tensor<4xf32> {
  %c = arith.constant 1.0 : f64
  // expected-error @below {{has 'tensor<4xf32>' where the kernel works in 'f64'}}
  return %x : tensor<4xf32>
}
