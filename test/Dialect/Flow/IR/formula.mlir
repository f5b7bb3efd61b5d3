// flow.formula survives printing and parsing, in both syntaxes.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s
// RUN: flowc-opt %s --mlir-print-op-generic | flowc-opt | FileCheck %s

// CHECK-LABEL: func @scalar
func.func @scalar(%x: f32, %a: f32, %b: f32, %c: f32) -> f32 {
  // CHECK: flow.formula %{{.*}} parameters(%{{.*}} as "a" positive, %{{.*}} as "b" real, %{{.*}} as "c" interval(5.000000e-01, 2.000000e+00) : f32, f32, f32) : f32 {
  %y = flow.formula %x parameters(%a as "a" positive, %b as "b" real, %c as "c" interval(0.5, 2.0) : f32, f32, f32) : f32 {
  // CHECK-NEXT: ^bb0(%[[T:.*]]: f32, %[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32):
  ^bb0(%t: f32, %ai: f32, %bi: f32, %ci: f32):
    %p = arith.mulf %ai, %t : f32
    %s = arith.addf %p, %bi : f32
    %r = arith.mulf %s, %ci : f32
    flow.yield %r : f32
  }
  return %y : f32
}

// CHECK-LABEL: func @without_parameters
func.func @without_parameters(%x: tensor<4xf64>) -> tensor<4xf64> {
  // CHECK: flow.formula %{{.*}} : tensor<4xf64> {
  %y = flow.formula %x : tensor<4xf64> {
  ^bb0(%t: f64):
    %e = math.exp %t : f64
    flow.yield %e : f64
  }
  return %y : tensor<4xf64>
}
