// RUN: flowc-opt %s --split-input-file --verify-diagnostics --sample-differentiate

// expected-error @below {{needs the function @kernel, which flow-specialize makes}}
module {
}

// -----

// expected-error @below {{has a result without elements, which has no derivative}}
func.func @kernel(%x: tensor<3x0xf32> {flow.row}) -> tensor<3x0xf32> {
  %y = math.tanh %x : tensor<3x0xf32>
  return %y : tensor<3x0xf32>
}

// -----

// expected-error @below {{has no results to differentiate}}
func.func @kernel(%x: f32 {flow.row}) {
  return
}

// -----

// expected-error @below {{needs a function @prepare with one result for each of the kernel's parameters}}
func.func @kernel(%x: f32 {flow.row}, %a: f32) -> f32 {
  %y = arith.mulf %x, %a : f32
  return %y : f32
}

// -----

func.func @prepare(%a: f32 {flow.name = "a", flow.trainable}) -> f32 {
  return %a : f32
}
func.func @kernel(%x: f32 {flow.row}, %a: f32) -> f32 {
  // expected-error @below {{has no derivative}}
  %y = arith.remf %x, %a : f32
  return %y : f32
}

// -----

func.func @prepare(%a: f32 {flow.name = "a", flow.trainable}) -> f32 {
  return %a : f32
}
func.func @kernel(%x: f32 {flow.row}, %a: f32) -> (f32 {flow.sum}, f32 {flow.sum}) {
  return %x, %a : f32, f32
}
// expected-error @below {{is there already: a kernel is differentiated by its parameters once}}
func.func @finish(%a: f32 {flow.name = "a"}, %g: f32 {flow.cotangent}) -> f32 {
  return %g : f32
}
