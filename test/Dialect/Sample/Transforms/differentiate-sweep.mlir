// RUN: flowc-opt %s --split-input-file --sample-differentiate --canonicalize --cse | FileCheck %s

// The inverse of an autoregressive map x(s) = (y(s) - b(s)) with b a network of the
// x before s. Its derivative is a sweep from the last step to the first: stage 0
// maps the cotangents of the outputs (the state) through W1^T to those of the hidden
// units, stage 1 maps these through W0^T to the ones of x, which its body hands on.
// A hidden unit of step s is complete after step s - 1 of the reverse sweep.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[Y:.*]]: tensor<3xf32> {flow.row}, %[[W0:[^ ]*]]: tensor<4x3xf32>, %[[B0:[^ ]*]]: tensor<4xf32>, %[[W1:[^ ]*]]: tensor<3x4xf32>, %[[B1:[^ ]*]]: tensor<3xf32>)
// CHECK: %[[U:.*]], %[[X:.*]] = sample.sweep 3 weights(%[[W0]], %[[W1]]
// CHECK: %[[DX:.*]] = sample.map 3 indexed(%[[X]] : tensor<3xf32>) shared
// CHECK: %[[DU:.*]], %[[DB:.*]] = sample.sweep 3 reverse transposed weights(%[[W1]], %[[W0]] : tensor<3x4xf32>, tensor<4x3xf32>)
// The derivative of tanh reads the units: no accumulated sum is kept.
// CHECK-SAME: indexed(%[[U]], %[[DX]] : tensor<4xf32>, tensor<3xf32>)
// CHECK-SAME: indexed_stage = array<i64: 0, 1>
// CHECK-SAME: row_ends = [array<i64: 0, 2, 4, 4>, array<i64: 0, 1, 2, 3>]
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[UI:.*]]: f32)
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
// CHECK-NEXT: %[[UU:.*]] = arith.mulf %[[UI]], %[[UI]]
// CHECK-NEXT: %[[D:.*]] = arith.subf %[[ONE]], %[[UU]]
// CHECK-NEXT: %[[GD:.*]] = arith.mulf %[[G]], %[[D]]
// CHECK-NEXT: sample.yield %[[GD]]
// CHECK-NEXT: }, {
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[DXI:.*]]: f32)
// CHECK-NEXT: %[[T:.*]] = arith.addf %[[ACC]], %[[DXI]]
// CHECK-NEXT: %[[N:.*]] = arith.negf %[[T]]
// CHECK-NEXT: sample.yield %[[N]]
// CHECK: %[[DW0:.*]], %[[DB0:.*]] = sample.outer %[[DU]], %[[X]] mask <out = [0, 0, 1, 1], in = [0, 1, 2], strict = false>
// CHECK: %[[DW1:.*]], %[[DB1:.*]] = sample.outer %[[DB]], %[[U]] mask <out = [0, 1, 2], in = [0, 0, 1, 1], strict = true>
// CHECK: return %{{.*}}, %[[DW0]], %[[DB0]], %[[DW1]], %[[DB1]]
func.func @prepare(%w0: tensor<4x3xf32> {flow.name = "w0", flow.trainable}, %b0: tensor<4xf32> {flow.name = "b0", flow.trainable},
                   %w1: tensor<3x4xf32> {flow.name = "w1", flow.trainable}, %b1: tensor<3xf32> {flow.name = "b1", flow.trainable})
    -> (tensor<4x3xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>) {
  return %w0, %b0, %w1, %b1 : tensor<4x3xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>
}
func.func @kernel(%y: tensor<3xf32> {flow.row}, %w0: tensor<4x3xf32>, %b0: tensor<4xf32>, %w1: tensor<3x4xf32>, %b1: tensor<3xf32>) -> f32 {
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
  %zero = arith.constant 0.0 : f32
  %nll = sample.map 3 indexed(%x : tensor<3xf32>) init(%zero : f32) {
  ^bb0(%xi: f32):
    %half = arith.constant 0.5 : f32
    %xx = arith.mulf %xi, %xi : f32
    %h = arith.mulf %xx, %half : f32
    sample.yield %h : f32
  } -> (), (f32)
  return %nll : f32
}

// -----

// With a condition (the prefix), one hidden unit reads nothing else: it comes after
// the sweep, whose last stage leaves the prefix's columns of W0 out (its row ends
// start at 2). The derivative of silu reads the accumulated sum, which the forward
// sweep now keeps.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[U:.*]], %[[X:.*]], %[[A:.*]] = sample.sweep 2 prefix(%[[C:[^ ]*]] : tensor<2xf32>)
// CHECK: sample.yield %{{.*}}, %{{.*}} : f32, f32
// CHECK: -> (tensor<3xf32>), tensor<2xf32>, (tensor<3xf32>), ()
// CHECK: %[[DU:.*]], %[[DB:.*]] = sample.sweep 2 reverse transposed weights(%[[W1:[^ ]*]], %[[W0:[^ ]*]] : tensor<2x3xf32>, tensor<3x4xf32>)
// CHECK-SAME: row_ends = [array<i64: 1, 3, 3>, array<i64: 2, 3, 4>]
// CHECK: %[[G:.*]] = sample.dense %[[W1]], %[[DB]] transposed mask <out = [0, 0], in = [-1, 1, 1], strict = false>
// CHECK: %[[GF:.*]]:2 = sample.split %[[G]] : tensor<3xf32> -> tensor<1xf32>, tensor<2xf32>
// CHECK: %[[AF:.*]]:2 = sample.split %[[A]]
// CHECK: %[[FIRST:.*]] = sample.map 1 indexed(%[[GF]]#0, %[[AF]]#0
// CHECK: %[[REST:.*]]:2 = sample.split %[[DU]]
// CHECK: %[[DA:.*]] = sample.concat %[[FIRST]], %[[REST]]#1
// CHECK: %[[IN:.*]] = sample.concat %[[C]], %[[X]]
// CHECK: sample.outer %[[DA]], %[[IN]] mask <out = [-1, 0, 0], in = [-1, -1, 0, 1], strict = false>
func.func @prepare(%w0: tensor<3x4xf32> {flow.name = "w0", flow.trainable}, %w1: tensor<2x3xf32> {flow.name = "w1", flow.trainable})
    -> (tensor<3x4xf32>, tensor<2x3xf32>) {
  return %w0, %w1 : tensor<3x4xf32>, tensor<2x3xf32>
}
func.func @kernel(%y: tensor<2xf32> {flow.row}, %c: tensor<2xf32> {flow.row}, %w0: tensor<3x4xf32>, %w1: tensor<2x3xf32>) -> f32 {
  %u, %x = sample.sweep 2 prefix(%c : tensor<2xf32>) weights(%w0, %w1 : tensor<3x4xf32>, tensor<2x3xf32>)
      indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 1, 3>, array<i64: 0, 1, 2>]} {
  ^bb0(%a: f32):
    %s = sample.inv_logit %a : f32
    %t = arith.mulf %s, %a : f32
    sample.yield %t : f32
  }, {
  ^bb0(%b: f32, %yi: f32):
    %xi = arith.subf %yi, %b : f32
    sample.yield %xi : f32
  } -> (tensor<3xf32>), tensor<2xf32>, (), ()
  %zero = arith.constant 0.0 : f32
  %l = sample.map 2 indexed(%x : tensor<2xf32>) init(%zero : f32) {
  ^bb0(%xi: f32):
    sample.yield %xi : f32
  } -> (), (f32)
  return %l : f32
}
