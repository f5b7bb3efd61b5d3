// Every op of the flow graph survives printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<3xf32> {flow.row}, %loc: tensor<3xf32> {flow.name = ".loc", flow.trainable},
                       %scale: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK: flow.affine %{{.*}}, %{{.*}}, %{{.*}} : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  %0 = flow.affine %x, %loc, %scale : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  // CHECK: flow.loc %{{.*}}, %{{.*}} : tensor<3xf32>, tensor<3xf32>
  %1 = flow.loc %0, %loc : tensor<3xf32>, tensor<3xf32>
  // CHECK: flow.scale %{{.*}}, %{{.*}} {flow.base} : tensor<3xf32>, tensor<3xf32>
  %2 = flow.scale %1, %scale {flow.base} : tensor<3xf32>, tensor<3xf32>
  // CHECK: flow.tanh %{{.*}} : tensor<3xf32>
  %3 = flow.tanh %2 : tensor<3xf32>
  // CHECK: flow.softplus %{{.*}} : tensor<3xf32>
  %4 = flow.softplus %3 : tensor<3xf32>
  // CHECK: flow.identity %{{.*}} : tensor<3xf32>
  %5 = flow.identity %4 : tensor<3xf32>
  return %5 : tensor<3xf32>
}

// A scalar event is a float.
// CHECK-LABEL: func @scalar
func.func @scalar(%x: f64, %knots: tensor<5xf64>, %slopes: tensor<5xf64>) -> f64 {
  // CHECK: flow.tanh %{{.*}} : f64
  %0 = flow.tanh %x : f64
  // CHECK: flow.rational_quadratic_spline %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {lower = -4.000000e+00 : f64, upper = 4.000000e+00 : f64} : f64, tensor<5xf64>, tensor<5xf64>, tensor<5xf64>
  %1 = flow.rational_quadratic_spline %0, %knots, %knots, %slopes {lower = -4.0 : f64, upper = 4.0 : f64}
      : f64, tensor<5xf64>, tensor<5xf64>, tensor<5xf64>
  return %1 : f64
}

// CHECK-LABEL: func @moves
func.func @moves(%x: tensor<3xf32>, %permutation: tensor<3xi32>, %inverse: tensor<3xi32>) -> tensor<3xf32> {
  // CHECK: flow.permute %{{.*}}, %{{.*}}, %{{.*}} : tensor<3xf32>
  %0 = flow.permute %x, %permutation, %inverse : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  // CHECK: flow.flip %{{.*}} : tensor<3xf32>
  %1 = flow.flip %0 : tensor<3xf32>
  return %1 : tensor<3xf32>
}

// CHECK-LABEL: func @flow
func.func @flow(%stack: tensor<8x3xf32>) -> tensor<3xf32> {
  // CHECK: flow.standard_normal : tensor<3xf32>
  %z = flow.standard_normal : tensor<3xf32>
  // CHECK: flow.invert %{{.*}} : tensor<3xf32> {
  %y = flow.invert %z : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    // CHECK: flow.scan 8 %{{.*}} : tensor<3xf32> over(%{{.*}} : tensor<8x3xf32>)
    %b = flow.scan 8 %a : tensor<3xf32> over(%stack : tensor<8x3xf32>) {
    ^bb0(%c: tensor<3xf32>, %loc: tensor<3xf32>):
      %d = flow.loc %c, %loc : tensor<3xf32>, tensor<3xf32>
      flow.yield %d : tensor<3xf32>
    }
    flow.yield %b : tensor<3xf32>
  }
  return %y : tensor<3xf32>
}

// CHECK-LABEL: func @coupling
func.func @coupling(%x: tensor<5xf32>, %c: tensor<1xf32>, %w0: tensor<7x3xf32>, %b0: tensor<7xf32>,
                    %w1: tensor<6x7xf32>, %b1: tensor<6xf32>) -> tensor<5xf32> {
  // CHECK: flow.coupling %{{.*}} condition(%{{.*}} : tensor<1xf32>)
  // CHECK-SAME: weights(%{{.*}}, %{{.*}} : tensor<7x3xf32>, tensor<6x7xf32>)
  // CHECK-SAME: biases(%{{.*}}, %{{.*}} : tensor<7xf32>, tensor<6xf32>)
  // CHECK-SAME: {activation = "relu", untransformed_dim = 2 : i64} : tensor<5xf32> {
  %y = flow.coupling %x condition(%c : tensor<1xf32>) weights(%w0, %w1 : tensor<7x3xf32>, tensor<6x7xf32>)
      biases(%b0, %b1 : tensor<7xf32>, tensor<6xf32>) {untransformed_dim = 2 : i64, activation = "relu"}
      : tensor<5xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return %y : tensor<5xf32>
}

// With one raw parameter per coordinate the region takes a float.
// CHECK-LABEL: func @masked_autoregressive
func.func @masked_autoregressive(%x: tensor<3xf32>, %w0: tensor<4x3xf32>, %b0: tensor<4xf32>, %w1: tensor<3x4xf32>,
                                 %b1: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK: flow.masked_autoregressive %{{.*}} weights(%{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<3x4xf32>)
  // CHECK-SAME: {activation = "tanh", hidden_ranks = array<i64: 0, 1, 0, 1>, in_ranks = array<i64: 0, 1, 2>, out_ranks = array<i64: 0, 1, 2>} : tensor<3xf32> {
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<4x3xf32>, tensor<3x4xf32>)
      biases(%b0, %b1 : tensor<4xf32>, tensor<3xf32>)
      {in_ranks = array<i64: 0, 1, 2>, hidden_ranks = array<i64: 0, 1, 0, 1>, out_ranks = array<i64: 0, 1, 2>,
       activation = "tanh"} : tensor<3xf32> {
  ^bb0(%a: f32, %p: f32):
    %b = flow.loc %a, %p : f32, f32
    flow.yield %b : f32
  }
  return %y : tensor<3xf32>
}
