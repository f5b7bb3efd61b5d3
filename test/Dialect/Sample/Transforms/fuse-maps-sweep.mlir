// RUN: flowc-opt %s --split-input-file --sample-fuse-maps --cse | FileCheck %s

// What a sweep knows before it begins, and a map beside it computes, too, is computed
// once: the softplus and the quotient of %p. A cheap sum is not worth keeping, and a
// condition is found again from the number that it is about.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[MAP:.*]]:3 = sample.map 3 indexed(%{{.*}}, %{{.*}} : tensor<3xf32>, tensor<3xf32>)
// CHECK: ^bb0(%[[X:.*]]: f32, %[[P:.*]]: f32)
// CHECK: %[[SCALE:.*]] = sample.log1p_exp %[[P]]
// CHECK: %[[Y:.*]] = arith.mulf %[[SCALE]], %[[X]]
// CHECK: %[[QUOTIENT:.*]] = arith.divf %[[X]], %[[SCALE]]
// CHECK: sample.yield %[[Y]], %[[SCALE]], %[[QUOTIENT]]
// CHECK: sample.sweep 3 weights({{.*}}) indexed(%{{.*}}, %{{.*}}, %[[MAP]]#1, %[[MAP]]#2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) shared(%{{.*}} : f32)
// CHECK-SAME: indexed_stage = array<i64: 0, 0, 0, 0>
// CHECK-NEXT: ^bb0(%[[U:.*]]: f32, %[[XI:.*]]: f32, %[[PI:.*]]: f32, %[[S:.*]]: f32, %[[Q:.*]]: f32, %[[C:.*]]: f32)
// CHECK-NOT: log1p_exp
// CHECK-NOT: divf
// CHECK: %[[SUM:.*]] = arith.addf %[[XI]], %[[C]]
// CHECK: %[[LARGE:.*]] = arith.cmpf ogt, %[[Q]], %[[S]]
// CHECK: %[[ONE:.*]] = arith.select %[[LARGE]], %[[U]], %[[Q]]
// CHECK: %[[STATE:.*]] = arith.mulf %[[ONE]], %[[SUM]]
// CHECK: sample.yield %[[STATE]]
func.func @kernel(%x: tensor<3xf32> {flow.row}, %p: tensor<3xf32> {flow.row}, %c: f32 {flow.row}, %w: tensor<3x3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>) {
  %y = sample.map 3 indexed(%x, %p : tensor<3xf32>, tensor<3xf32>) {
  ^bb0(%xi: f32, %pi: f32):
    %s = sample.log1p_exp %pi : f32
    %yi = arith.mulf %s, %xi : f32
    sample.yield %yi : f32
  } -> (tensor<3xf32>), ()
  %state = sample.sweep 3 weights(%w : tensor<3x3xf32>) indexed(%x, %p : tensor<3xf32>, tensor<3xf32>) shared(%c : f32)
      attributes {indexed_stage = array<i64: 0, 0>, row_ends = [array<i64: 0, 1, 2, 3>]} {
  ^bb0(%u: f32, %xi: f32, %pi: f32, %ci: f32):
    %s = sample.log1p_exp %pi : f32
    %q = arith.divf %xi, %s : f32
    %sum = arith.addf %xi, %ci : f32
    %large = arith.cmpf ogt, %q, %s : f32
    %one = arith.select %large, %u, %q : f32
    %t = arith.mulf %one, %sum : f32
    sample.yield %t : f32
  } -> (), tensor<3xf32>, (), ()
  return %y, %state : tensor<3xf32>, tensor<3xf32>
}

// -----

// Without a map that goes through the same elements there is nothing to share.

// CHECK-LABEL: func.func @kernel
// CHECK: sample.sweep
// CHECK: sample.log1p_exp
// CHECK: sample.yield
func.func @kernel(%x: tensor<3xf32> {flow.row}, %p: tensor<3xf32> {flow.row}, %w: tensor<3x3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>) {
  %y = sample.map 3 indexed(%x : tensor<3xf32>) {
  ^bb0(%xi: f32):
    %e = math.exp %xi : f32
    sample.yield %e : f32
  } -> (tensor<3xf32>), ()
  %state = sample.sweep 3 weights(%w : tensor<3x3xf32>) indexed(%p : tensor<3xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2, 3>]} {
  ^bb0(%u: f32, %pi: f32):
    %s = sample.log1p_exp %pi : f32
    %t = arith.mulf %u, %s : f32
    sample.yield %t : f32
  } -> (), tensor<3xf32>, (), ()
  return %y, %state : tensor<3xf32>, tensor<3xf32>
}

// -----

// Many numbers would take longer to keep than to compute twice.

// CHECK-LABEL: func.func @kernel
// CHECK: sample.sweep
// CHECK: math.exp
// CHECK: sample.yield
func.func @kernel(%p: tensor<27xf32> {flow.row}, %w: tensor<3x3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %y = sample.map 3 indexed(%p : tensor<27xf32>) {
  ^bb0(%pi: tensor<9xf32>):
    %e = math.exp %pi : tensor<9xf32>
    %s = sample.reduce_sum %e : tensor<9xf32> -> f32
    sample.yield %s : f32
  } -> (tensor<3xf32>), ()
  %state = sample.sweep 3 weights(%w : tensor<3x3xf32>) indexed(%p : tensor<27xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2, 3>]} {
  ^bb0(%u: f32, %pi: tensor<9xf32>):
    %e = math.exp %pi : tensor<9xf32>
    %us = sample.splat %u : f32 -> tensor<9xf32>
    %t = arith.mulf %e, %us : tensor<9xf32>
    %s = sample.reduce_sum %t : tensor<9xf32> -> f32
    sample.yield %s : f32
  } -> (), tensor<3xf32>, (), ()
  return %y, %state : tensor<3xf32>, tensor<3xf32>
}

// -----

// A network's last layer on the units of a sweep is what the sweep's last stage started
// from: with the sweep's weights, where exactly what a step knows is not masked. (The
// second layer's mask leaves out the units of the own step, the third has no bias.)

// CHECK-LABEL: func.func @kernel
// CHECK: %{{.*}}, %{{.*}}, %[[SUMS:.*]] = sample.sweep 2
// CHECK-COUNT-2: sample.dense
// CHECK-NOT: sample.dense
// CHECK: return %[[SUMS]], %{{.*}}, %{{.*}} :
func.func @kernel(%x: tensor<2xf32> {flow.row}, %v: tensor<3x2xf32>, %w: tensor<2x3xf32>, %c: tensor<3xf32>, %b: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %units, %state, %sums = sample.sweep 2 weights(%v, %w : tensor<3x2xf32>, tensor<2x3xf32>) biases(%c, %b : tensor<3xf32>, tensor<2xf32>)
      indexed(%x : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 1, 3>, array<i64: 0, 1, 2>]} {
  ^bb0(%u: f32):
    %h = math.tanh %u : f32
    sample.yield %h : f32
  }, {
  ^bb0(%p: f32, %xi: f32):
    %y = arith.mulf %p, %xi : f32
    sample.yield %y, %p : f32, f32
  } -> (tensor<3xf32>), tensor<2xf32>, (tensor<2xf32>), ()
  %same = sample.dense %w, %units bias(%b : tensor<2xf32>) mask <out = [0, 1], in = [0, 1, 1], strict = false>
      : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  %fewer = sample.dense %w, %units bias(%b : tensor<2xf32>) mask <out = [0, 1], in = [0, 1, 1], strict = true>
      : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  %unbiased = sample.dense %w, %units mask <out = [0, 1], in = [0, 1, 1], strict = false>
      : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %same, %fewer, %unbiased : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
