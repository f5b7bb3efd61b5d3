// RUN: flowc-opt %s -split-input-file --sample-differentiate=of=inputs --canonicalize --cse | FileCheck %s

// The cotangent of y is lambda = J^-T gx with the activation's slopes at x.
// CHECK-LABEL: func @kernel
// CHECK-SAME: %[[Y:.*]]: tensor<2xf32> {flow.row}, %[[GX:.*]]: tensor<2xf32> {flow.row}
// CHECK: %[[X:.*]], %{{.*}} = sample.block_sweep %[[Y]]
// CHECK: %[[H:.*]] = sample.dense %{{.*}}, %[[X]]
// CHECK: %[[SLOPES:.*]] = sample.map 4 indexed(%[[H]] : tensor<4xf32>)
// CHECK: %[[LAMBDA:.*]] = sample.block_adjoint %[[GX]] slopes(%[[SLOPES]] : tensor<4xf32>)
// CHECK: return %[[LAMBDA]]
func.func @prepare(%w0: tensor<4x2xf32>, %b0: tensor<4xf32>, %w1: tensor<2x4xf32>, %b1: tensor<2xf32>,
                   %d0: tensor<4x1xf32>, %d1: tensor<2x2xf32>)
    -> (tensor<4x2xf32>, tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x1xf32>, tensor<2x2xf32>) {
  return %w0, %b0, %w1, %b1, %d0, %d1 : tensor<4x2xf32>, tensor<4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x1xf32>, tensor<2x2xf32>
}
func.func @kernel(%y: tensor<2xf32> {flow.row}, %w0: tensor<4x2xf32>, %b0: tensor<4xf32>, %w1: tensor<2x4xf32>,
                  %b1: tensor<2xf32>, %d0: tensor<4x1xf32>, %d1: tensor<2x2xf32>) -> tensor<2xf32> {
  %x, %l = sample.block_sweep %y weights(%w0, %w1 : tensor<4x2xf32>, tensor<2x4xf32>)
      biases(%b0, %b1 : tensor<4xf32>, tensor<2xf32>) diagonals(%d0, %d1 : tensor<4x1xf32>, tensor<2x2xf32>)
      attributes {leak = 0.0} {
  ^bb0(%z: f32):
    %v = math.sinh %z : f32
    %s = math.cosh %z : f32
    sample.yield %v, %s : f32, f32
  } : tensor<2xf32> -> tensor<2xf32>, f32
  return %x : tensor<2xf32>
}

// -----

// Products of blocks with their transposes.
// CHECK-LABEL: func @kernel
// CHECK: sample.block_dense %{{.*}}, %{{.*}} transposed blocks = 2 : tensor<6x2xf32>, tensor<6xf32> -> tensor<4xf32>
func.func @prepare(%w: tensor<6x2xf32>) -> tensor<6x2xf32> {
  return %w : tensor<6x2xf32>
}
func.func @kernel(%x: tensor<4xf32> {flow.row}, %w: tensor<6x2xf32>) -> tensor<6xf32> {
  %y = sample.block_dense %w, %x blocks = 2 : tensor<6x2xf32>, tensor<4xf32> -> tensor<6xf32>
  return %y : tensor<6xf32>
}
