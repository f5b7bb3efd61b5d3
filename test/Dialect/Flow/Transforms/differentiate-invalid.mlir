// RUN: flowc-opt %s --split-input-file --verify-diagnostics --flow-differentiate

// expected-error @below {{needs a function @kernel with results}}
module {
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
