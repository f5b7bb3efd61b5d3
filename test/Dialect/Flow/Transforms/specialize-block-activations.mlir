// RUN: flowc-opt %s -split-input-file --flow-specialize=program=inverse --canonicalize --cse | FileCheck %s

// One layer is a triangular system.
// CHECK-LABEL: func @kernel
// CHECK: sample.sweep 2 weights
// CHECK: arith.subf
// CHECK: arith.divf
// CHECK-NOT: sample.block_sweep
func.func @bijection(%x: tensor<2xf32> {flow.row}, %w: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
  %y = flow.block_autoregressive_network %x weights(%w : tensor<2x2xf32>) biases(%b : tensor<2xf32>) : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// The derivative of a named function; nothing is known about where the root is.
// CHECK-LABEL: func @kernel
// CHECK: sample.block_sweep
// CHECK-NOT: bounds
// CHECK: math.expm1
// CHECK: math.absf
func.func @bijection(%x: tensor<2xf32> {flow.row}, %w0: tensor<4x2xf32>, %b0: tensor<4xf32>, %w1: tensor<2x4xf32>,
                     %b1: tensor<2xf32>) -> tensor<2xf32> {
  %y = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<4x2xf32>, tensor<2x4xf32>)
      biases(%b0, %b1 : tensor<4xf32>, tensor<2xf32>) {activation = "elu"} : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// Slopes of a bijection may underflow: the log-determinant comes from their
// logarithms, at the solution. What a parameter of the bijection needs stays
// outside of the body.
// CHECK-LABEL: func @kernel
// CHECK-SAME: %[[R:[a-z0-9]*]]: f32)
// CHECK: %[[S:.*]] = sample.log1p_exp %[[R]]
// CHECK: %[[X:.*]], %{{.*}} = sample.block_sweep {{.*}} shared(%[[S]] : f32)
// CHECK: math.exp
// CHECK: sample.dense %{{.*}}, %[[X]]
// CHECK: sample.map 2 {{.*}} shared(%[[S]] : f32)
// CHECK: sample.reduce_max
func.func @bijection(%x: tensor<2xf32> {flow.row}, %w0: tensor<4x2xf32>, %b0: tensor<4xf32>, %w1: tensor<2x4xf32>,
                     %b1: tensor<2xf32>, %r: f32) -> tensor<2xf32> {
  %y = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<4x2xf32>, tensor<2x4xf32>)
      biases(%b0, %b1 : tensor<4xf32>, tensor<2xf32>) : tensor<2xf32> {
  ^bb0(%z: f32):
    %s = sample.log1p_exp %r : f32
    %t = flow.scale %z, %s : f32, f32
    %u = flow.tanh %t : f32
    flow.yield %u : f32
  }
  return %y : tensor<2xf32>
}
