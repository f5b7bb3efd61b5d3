// RUN: flowc-opt %s --split-input-file --verify-diagnostics --sample-linearize
// RUN: flowc-opt %S/Inputs/prepared.mlir --verify-diagnostics --sample-linearize=of=params
// RUN: not flowc-opt %S/Inputs/prepared.mlir --sample-linearize=of=condition 2>&1 | FileCheck %s
// CHECK: cannot differentiate with respect to 'condition', only to params or inputs

// expected-error @below {{needs the function @kernel, which flow-specialize makes}}
module {
}

// -----

// expected-error @below {{has no results to differentiate}}
func.func @kernel(%x: f32 {flow.row}) {
  return
}

// -----

// expected-error @below {{has no row input to differentiate with respect to}}
func.func @kernel(%a: f32) -> f32 {
  return %a : f32
}

// -----

func.func @kernel(%x: f32 {flow.row}, %a: f32) -> f32 {
  // expected-error @below {{has no derivative}}
  %y = arith.remf %x, %a : f32
  return %y : f32
}
