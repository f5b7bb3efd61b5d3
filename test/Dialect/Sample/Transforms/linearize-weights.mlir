// RUN: flowc-opt %s --split-input-file --sample-linearize=of=params --canonicalize --cse | FileCheck %s

// A sweep backwards reads the state behind a step and units from the step on: the mask
// of what tangents of its transposed weights make of these.
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[W0:[a-z0-9]+]]: tensor<2x4xf32> {flow.trainable}, %[[W1:[a-z0-9]+]]: tensor<4x2xf32> {flow.trainable}
// CHECK: %[[U:.*]], %[[X:.*]] = sample.sweep 2 reverse transposed
// CHECK: sample.dense %{{.*}}, %[[X]] transposed mask <out = [0, 1], in = [0, 0, 1, 1], strict = true>
// CHECK: sample.dense %{{.*}}, %[[U]] transposed mask <out = [0, 0, 1, 1], in = [0, 1], strict = false>
// CHECK: sample.sweep 2 reverse transposed weights(%[[W0]], %[[W1]]
func.func @kernel(%y: tensor<2xf32> {flow.row}, %w0: tensor<2x4xf32> {flow.trainable}, %w1: tensor<4x2xf32> {flow.trainable}) -> tensor<2xf32> {
  %u, %x = sample.sweep 2 reverse transposed weights(%w0, %w1 : tensor<2x4xf32>, tensor<4x2xf32>) indexed(%y : tensor<2xf32>) attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 2, 4>, array<i64: 0, 1, 2>]} {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    sample.yield %t : f32
  }, {
  ^bb0(%b: f32, %yd: f32):
    %x = arith.subf %yd, %b : f32
    sample.yield %x : f32
  } -> (tensor<4xf32>), tensor<2xf32>, (), ()
  return %x : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[W0:[a-z0-9]+]]: tensor<2x2xf32> {flow.trainable}, %[[W1:[a-z0-9]+]]: tensor<2x2xf32> {flow.trainable}, %[[D:[^:]*]]: tensor<2x1xf32>, %[[DW0:[a-z0-9]+]]: tensor<2x2xf32> {{.*}}, %[[DW1:[a-z0-9]+]]: tensor<2x2xf32>
// CHECK: %[[L:.*]] = sample.block_adjoint
// CHECK-DAG: sample.dense %[[DW1]], %[[L]] transposed mask
// CHECK-DAG: sample.dense %[[DW0]], %{{.*}} transposed mask
// CHECK: sample.block_adjoint
func.func @kernel(%g: tensor<2xf32> {flow.row}, %s: tensor<2xf32> {flow.row}, %w0: tensor<2x2xf32> {flow.trainable}, %w1: tensor<2x2xf32> {flow.trainable}, %d: tensor<2x1xf32>) -> tensor<2xf32> {
  %l = sample.block_adjoint %g slopes(%s : tensor<2xf32>) weights(%w0, %w1 : tensor<2x2xf32>, tensor<2x2xf32>) diagonals(%d, %d : tensor<2x1xf32>, tensor<2x1xf32>) : tensor<2xf32> -> tensor<2xf32>
  return %l : tensor<2xf32>
}
