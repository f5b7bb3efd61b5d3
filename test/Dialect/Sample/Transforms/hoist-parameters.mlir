// RUN: flowc-opt %s --split-input-file --sample-hoist-parameters --canonicalize | FileCheck %s

// What depends on leaves only moves to @prepare; leaves that rows meet directly
// are passed on.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[LOC:.*]]: tensor<2xf32> {flow.name = "loc", flow.trainable}, %[[RAW:.*]]: tensor<2xf32> {flow.name = "scale"})
// CHECK-SAME: -> (tensor<2xf32>, tensor<2xf32>)
// CHECK: %[[SCALE:.*]] = sample.log1p_exp %[[RAW]]
// CHECK: return %[[LOC]], %[[SCALE]]
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32> {flow.row}, %[[A:.*]]: tensor<2xf32>, %[[B:.*]]: tensor<2xf32>)
// CHECK-NOT: sample.log1p_exp
// CHECK: sample.map 2 indexed(%[[X]], %[[A]], %[[B]] : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
func.func @kernel(%x: tensor<2xf32> {flow.row}, %loc: tensor<2xf32> {flow.name = "loc", flow.trainable},
                  %raw: tensor<2xf32> {flow.name = "scale"}) -> tensor<2xf32> {
  %scale = sample.log1p_exp %raw : tensor<2xf32>
  %y = sample.map 2 indexed(%x, %loc, %scale : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  ^bb0(%xi: f32, %l: f32, %s: f32):
    %p = arith.mulf %xi, %s : f32
    %r = arith.addf %p, %l : f32
    sample.yield %r : f32
  } -> (tensor<2xf32>), ()
  return %y : tensor<2xf32>
}

// -----

// Inside a scan over layers the uniform part becomes a scan of its own.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[RAW:.*]]: tensor<3x2xf32> {flow.name = "scale"}) -> tensor<3x2xf32>
// CHECK: %[[STACK:.*]] = sample.scan 3 over(%[[RAW]] : tensor<3x2xf32>)
// CHECK: ^bb0(%[[SLICE:.*]]: tensor<2xf32>):
// CHECK: %[[SCALE:.*]] = sample.log1p_exp %[[SLICE]]
// CHECK: sample.yield %[[SCALE]]
// CHECK: return %[[STACK]]
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32> {flow.row}, %[[PREPARED:.*]]: tensor<3x2xf32>)
// CHECK: sample.scan 3 carries(%[[X]] : tensor<2xf32>) over(%[[PREPARED]] : tensor<3x2xf32>)
// CHECK-NOT: sample.log1p_exp
func.func @kernel(%x: tensor<2xf32> {flow.row}, %raw: tensor<3x2xf32> {flow.name = "scale"}) -> tensor<2xf32> {
  %y = sample.scan 3 carries(%x : tensor<2xf32>) over(%raw : tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %r: tensor<2xf32>):
    %s = sample.log1p_exp %r : tensor<2xf32>
    %n = sample.map 2 indexed(%c, %s : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%ci: f32, %si: f32):
      %p = arith.mulf %ci, %si : f32
      sample.yield %p : f32
    } -> (tensor<2xf32>), ()
    sample.yield %n : tensor<2xf32>
  } -> (tensor<2xf32>), ()
  return %y : tensor<2xf32>
}

// -----

// A draw differs from row to row although it reads nothing.

// CHECK-LABEL: func.func @prepare() {
// CHECK-LABEL: func.func @kernel() -> tensor<2xf32>
// CHECK: sample.random_normal
func.func @kernel() -> tensor<2xf32> {
  %z = sample.random_normal : tensor<2xf32>
  return %z : tensor<2xf32>
}

// -----

// A condition that rows need is computed again: only numbers are prepared.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[A:.*]]: f32 {flow.name = "a"}) -> f32
// CHECK: %[[SOFTPLUS:.*]] = sample.log1p_exp %[[A]]
// CHECK: return %[[SOFTPLUS]]
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: f32 {flow.row}, %[[P:.*]]: f32)
// CHECK: %[[C:.*]] = arith.cmpf ogt, %[[P]]
// CHECK: arith.select %[[C]], %[[X]], %[[P]]
func.func @kernel(%x: f32 {flow.row}, %a: f32 {flow.name = "a"}) -> f32 {
  %one = arith.constant 1.0 : f32
  %s = sample.log1p_exp %a : f32
  %c = arith.cmpf ogt, %s, %one : f32
  %y = arith.select %c, %x, %s : f32
  return %y : f32
}
