// RUN: flowc-opt %s --split-input-file --sample-linearize --canonicalize --cse | FileCheck %s
// RUN: flowc-opt %s --split-input-file --sample-linearize=of=params --canonicalize --cse | FileCheck %s --check-prefix=PARAMS

// The inverse of an autoregressive map. Its tangent is a sweep over the same ranks with
// the same weights: the bodies are the tangents of the primal's, which read the units
// (tanh) or need nothing.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[Y:[^ ]*]]: tensor<3xf32> {flow.row}, %[[DY:[^ ]*]]: tensor<3xf32> {flow.row, flow.tangent}, %[[W0:[^ ]*]]: tensor<4x3xf32>
// CHECK: %[[U:.*]], %[[X:.*]] = sample.sweep 3 weights
// CHECK: sample.yield
// CHECK: sample.yield
// CHECK: %{{.*}}, %[[DX:.*]] = sample.sweep 3 weights(%[[W0]], %{{.*}} : tensor<4x3xf32>, tensor<3x4xf32>) indexed(%[[U]], %[[DY]] : tensor<4xf32>, tensor<3xf32>)
// CHECK-SAME: indexed_stage = array<i64: 0, 1>
// CHECK-SAME: row_ends = [array<i64: 0, 0, 2, 4>, array<i64: 0, 1, 2, 3>]
// CHECK-NEXT: ^bb0(%[[DA:.*]]: f32, %[[UI:.*]]: f32)
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
// CHECK-NEXT: %[[UU:.*]] = arith.mulf %[[UI]], %[[UI]]
// CHECK-NEXT: %[[SLOPE:.*]] = arith.subf %[[ONE]], %[[UU]]
// CHECK-NEXT: %[[DU:.*]] = arith.mulf %[[DA]], %[[SLOPE]]
// CHECK-NEXT: sample.yield %[[DU]]
// CHECK-NEXT: }, {
// CHECK-NEXT: ^bb0(%[[DB:.*]]: f32, %[[DYI:.*]]: f32)
// CHECK-NEXT: %[[DXI:.*]] = arith.subf %[[DYI]], %[[DB]]
// CHECK-NEXT: sample.yield %[[DXI]]
// CHECK: return %[[X]], %[[DX]]

// What tangents of weights and biases make of the units is known before the sweep.

// PARAMS-LABEL: func.func @kernel
// PARAMS: %[[U:.*]], %[[X:.*]] = sample.sweep 3 weights
// PARAMS: %[[A:.*]] = sample.dense %[[DW0:.*]], %[[X]] bias(%[[DB0:.*]] : tensor<4xf32>) mask <out = [0, 0, 1, 1], in = [0, 1, 2], strict = false>
// PARAMS: %[[B:.*]] = sample.dense %[[DW1:.*]], %[[U]] mask <out = [0, 1, 2], in = [0, 0, 1, 1], strict = true>
// PARAMS: sample.sweep 3 weights(%{{.*}}) indexed(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>, tensor<3xf32>)
func.func @kernel(%y: tensor<3xf32> {flow.row}, %w0: tensor<4x3xf32> {flow.trainable}, %b0: tensor<4xf32> {flow.trainable},
                  %w1: tensor<3x4xf32> {flow.trainable}, %b1: tensor<3xf32>) -> tensor<3xf32> {
  %u, %x = sample.sweep 3 weights(%w0, %w1 : tensor<4x3xf32>, tensor<3x4xf32>) biases(%b0, %b1 : tensor<4xf32>, tensor<3xf32>)
      indexed(%y : tensor<3xf32>)
      attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 2, 4>, array<i64: 0, 1, 2, 3>]} {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    sample.yield %t : f32
  }, {
  ^bb0(%b: f32, %yi: f32):
    %xi = arith.subf %yi, %b : f32
    sample.yield %xi : f32
  } -> (tensor<4xf32>), tensor<3xf32>, (), ()
  return %x : tensor<3xf32>
}

// -----

// Bodies that are not linear read what the primal has accumulated, which it keeps; a sum
// has a tangent that is a sum.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[X:.*]], %[[SAVED:.*]], %[[SUM:.*]] = sample.sweep 2 weights
// CHECK: sample.yield %{{.*}}, %[[ACC:.*]], %{{.*}} : f32, f32, f32
// CHECK: %[[DX:.*]], %[[DSUM:.*]] = sample.sweep 2 weights(%{{.*}}) indexed(%{{.*}} : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) init
// CHECK: return %[[X]], %[[SUM]], %[[DX]], %[[DSUM]]
func.func @kernel(%y: tensor<2xf32> {flow.row}, %w: tensor<2x2xf32>, %b: tensor<2xf32>) -> (tensor<2xf32>, f32) {
  %zero = arith.constant 0.0 : f32
  %x, %sum = sample.sweep 2 weights(%w : tensor<2x2xf32>) biases(%b : tensor<2xf32>) indexed(%y : tensor<2xf32>) init(%zero : f32)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>]} {
  ^bb0(%a: f32, %yi: f32):
    %s = math.sin %a : f32
    %xi = arith.mulf %yi, %s : f32
    sample.yield %xi, %s : f32, f32
  } -> (), tensor<2xf32>, (), (f32)
  return %x, %sum : tensor<2xf32>, f32
}

// -----

// A block network of two coordinates with one hidden unit each. J dx = dy is solved by
// the adjoint of the network whose Jacobian is J^T, in reverse order.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[Y:[^ ]*]]: tensor<2xf32> {flow.row}, %[[DY:[^ ]*]]: tensor<2xf32> {flow.row, flow.tangent}, %[[W0:[^ ]*]]: tensor<2x2xf32>, %{{[^ ]*}}: tensor<2xf32>, %[[W1:[^ ]*]]: tensor<2x2xf32>
// CHECK: %[[X:.*]], %[[LD:.*]] = sample.block_sweep %[[Y]]
// CHECK: %[[M0:.*]] = sample.anti_transpose %[[W1]]
// CHECK: %[[M1:.*]] = sample.anti_transpose %[[W0]]
// CHECK: %[[SLOPES:.*]] = sample.reverse %{{.*}}
// CHECK: %[[R:.*]] = sample.reverse %[[DY]]
// CHECK: %[[L:.*]] = sample.block_adjoint %[[R]] slopes(%[[SLOPES]] : tensor<2xf32>) weights(%[[M0]], %[[M1]]
// CHECK: %[[DX:.*]] = sample.reverse %[[L]]
// CHECK: return %[[X]], %[[LD]], %[[DX]], %{{.*}}
func.func @kernel(%y: tensor<2xf32> {flow.row}, %w0: tensor<2x2xf32>, %b0: tensor<2xf32>, %w1: tensor<2x2xf32>, %b1: tensor<2xf32>,
                  %d0: tensor<2x1xf32>, %d1: tensor<2x1xf32>) -> (tensor<2xf32>, f32) {
  %x, %l = sample.block_sweep %y weights(%w0, %w1 : tensor<2x2xf32>, tensor<2x2xf32>) biases(%b0, %b1 : tensor<2xf32>, tensor<2xf32>)
      diagonals(%d0, %d1 : tensor<2x1xf32>, tensor<2x1xf32>) attributes {leak = 0.0 : f64} {
  ^bb0(%z: f32):
    %e = math.exp %z : f32
    sample.yield %e, %e : f32, f32
  } : tensor<2xf32> -> tensor<2xf32>, f32
  return %x, %l : tensor<2xf32>, f32
}

// -----

// The solution of J^T lambda = g moves with g and with the slopes.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[L:.*]] = sample.block_adjoint %{{.*}} slopes(%[[S:.*]] : tensor<2xf32>)
// CHECK: %[[H:.*]] = sample.dense %[[W1:.*]], %[[L]] transposed
// CHECK: %[[DH:.*]] = arith.mulf %[[DS:.*]], %[[H]]
// CHECK: %[[C:.*]] = sample.dense %[[W0:.*]], %[[DH]] transposed
// CHECK: %[[R:.*]] = arith.subf %[[DG:.*]], %[[C]]
// CHECK: %[[DL:.*]] = sample.block_adjoint %[[R]] slopes(%[[S]]
// CHECK: return %[[L]], %[[DL]]
func.func @kernel(%x: tensor<4xf32> {flow.row}, %w0: tensor<2x2xf32>, %w1: tensor<2x2xf32>, %d0: tensor<2x1xf32>, %d1: tensor<2x1xf32>)
    -> tensor<2xf32> {
  %g, %s = sample.split %x : tensor<4xf32> -> tensor<2xf32>, tensor<2xf32>
  %l = sample.block_adjoint %g slopes(%s : tensor<2xf32>) weights(%w0, %w1 : tensor<2x2xf32>, tensor<2x2xf32>)
      diagonals(%d0, %d1 : tensor<2x1xf32>, tensor<2x1xf32>) : tensor<2xf32> -> tensor<2xf32>
  return %l : tensor<2xf32>
}
