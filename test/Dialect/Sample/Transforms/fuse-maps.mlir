// RUN: flowc-opt %s --sample-fuse-maps --canonicalize --cse | FileCheck %s

// The later map takes the elements where the earlier one computes them; what
// others use of the earlier one stays a result.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[A:.*]]: f32)
// CHECK: %[[R:.*]], %[[SUM:.*]] = sample.map 4 indexed(%[[X]] : tensor<4xf32>) shared(%[[A]] : f32) init(%{{.*}} : f32) {
// CHECK-NEXT: ^bb0(%[[XI:.*]]: f32, %[[AI:.*]]: f32)
// CHECK-NEXT: %[[E:.*]] = math.exp %[[XI]]
// CHECK-NEXT: %[[S:.*]] = arith.mulf %[[E]], %[[AI]]
// CHECK-NEXT: sample.yield %[[S]], %[[E]] : f32, f32
// CHECK-NEXT: } -> (tensor<4xf32>), (f32)
// CHECK-NEXT: return %[[R]], %[[SUM]]
func.func @chain(%x: tensor<4xf32>, %a: f32) -> (tensor<4xf32>, f32) {
  %zero = arith.constant 0.0 : f32
  %e, %sum = sample.map 4 indexed(%x : tensor<4xf32>) init(%zero : f32) {
  ^bb0(%xi: f32):
    %ei = math.exp %xi : f32
    sample.yield %ei, %ei : f32, f32
  } -> (tensor<4xf32>), (f32)
  %y = sample.map 4 indexed(%e : tensor<4xf32>) shared(%a : f32) {
  ^bb0(%ei: f32, %ai: f32):
    %yi = arith.mulf %ei, %ai : f32
    sample.yield %yi : f32
  } -> (tensor<4xf32>), ()
  return %y, %sum : tensor<4xf32>, f32
}

// A sum is complete only after the last element.
// CHECK-LABEL: func.func @sum_first
// CHECK: %[[SUM:.*]] = sample.map 4
// CHECK: sample.map 4 {{.*}} shared(%[[SUM]] : f32)
func.func @sum_first(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %sum = sample.map 4 indexed(%x : tensor<4xf32>) init(%zero : f32) {
  ^bb0(%xi: f32):
    sample.yield %xi : f32
  } -> (), (f32)
  %y = sample.map 4 indexed(%x : tensor<4xf32>) shared(%sum : f32) {
  ^bb0(%xi: f32, %s: f32):
    %yi = arith.divf %xi, %s : f32
    sample.yield %yi : f32
  } -> (tensor<4xf32>), ()
  return %y : tensor<4xf32>
}

// Between the two maps another op needs the first and gives to the second.
// CHECK-LABEL: func.func @blocked
// CHECK: sample.map 4
// CHECK: sample.reverse
// CHECK: sample.map 4
func.func @blocked(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = sample.map 4 indexed(%x : tensor<4xf32>) {
  ^bb0(%xi: f32):
    %ei = math.exp %xi : f32
    sample.yield %ei : f32
  } -> (tensor<4xf32>), ()
  %r = sample.reverse %e : tensor<4xf32>
  %y = sample.map 4 indexed(%e, %r : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%ei: f32, %ri: f32):
    %yi = arith.mulf %ei, %ri : f32
    sample.yield %yi : f32
  } -> (tensor<4xf32>), ()
  return %y : tensor<4xf32>
}

// A map of a dense layer's outputs is its activation.
// CHECK-LABEL: func.func @activation
// CHECK: %[[H:.*]] = sample.dense {{.*}} -> tensor<3xf32> {
// CHECK-NEXT: ^bb0(%[[U:.*]]: f32)
// CHECK-NEXT: %[[T:.*]] = math.tanh %[[U]]
// CHECK-NEXT: sample.yield %[[T]]
// CHECK-NEXT: }
// CHECK-NEXT: return %[[H]]
func.func @activation(%w: tensor<3x2xf32>, %x: tensor<2xf32>) -> tensor<3xf32> {
  %p = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  %h = sample.map 3 indexed(%p : tensor<3xf32>) {
  ^bb0(%u: f32):
    %t = math.tanh %u : f32
    sample.yield %t : f32
  } -> (tensor<3xf32>), ()
  return %h : tensor<3xf32>
}

// A second one follows the first.
// CHECK-LABEL: func.func @two_activations
// CHECK: %[[H:.*]] = sample.dense {{.*}} -> tensor<3xf32> {
// CHECK-NEXT: ^bb0(%[[U:.*]]: f32)
// CHECK-NEXT: %[[T:.*]] = math.tanh %[[U]]
// CHECK-NEXT: %[[E:.*]] = math.exp %[[T]]
// CHECK-NEXT: sample.yield %[[E]]
func.func @two_activations(%w: tensor<3x2xf32>, %x: tensor<2xf32>) -> tensor<3xf32> {
  %p = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32> {
  ^bb0(%u: f32):
    %t = math.tanh %u : f32
    sample.yield %t : f32
  }
  %h = sample.map 3 indexed(%p : tensor<3xf32>) {
  ^bb0(%t: f32):
    %e = math.exp %t : f32
    sample.yield %e : f32
  } -> (tensor<3xf32>), ()
  return %h : tensor<3xf32>
}

// Not if the pre-activation has another use.
// CHECK-LABEL: func.func @activation_and_more
// CHECK: sample.dense {{.*}} -> tensor<3xf32>{{$}}
// CHECK: sample.map 3
func.func @activation_and_more(%w: tensor<3x2xf32>, %x: tensor<2xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %p = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  %h = sample.map 3 indexed(%p : tensor<3xf32>) {
  ^bb0(%u: f32):
    %t = math.tanh %u : f32
    sample.yield %t : f32
  } -> (tensor<3xf32>), ()
  return %h, %p : tensor<3xf32>, tensor<3xf32>
}

// What a map of extent 1 adds to a sum is where the sum starts; a reduction of a
// map's result is a sum of that map.
// CHECK-LABEL: func.func @sums
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[LD:.*]]: f32)
// CHECK-NEXT: %[[SUM:.*]] = sample.map 4 indexed(%[[X]] : tensor<4xf32>) init(%[[LD]] : f32)
// CHECK: math.log
// CHECK: %[[R:.*]] = sample.map 1 indexed(%[[SUM]] : f32)
// CHECK-NEXT: ^bb0(%[[S:.*]]: f32)
// CHECK-NEXT: arith.negf %[[S]]
// CHECK: return %[[R]]
func.func @sums(%x: tensor<4xf32>, %ld: f32) -> f32 {
  %l = sample.map 4 indexed(%x : tensor<4xf32>) {
  ^bb0(%xi: f32):
    %li = math.log %xi : f32
    sample.yield %li : f32
  } -> (tensor<4xf32>), ()
  %sum = sample.reduce_sum %l : tensor<4xf32> -> f32
  %y = sample.map 1 indexed(%sum, %ld : f32, f32) {
  ^bb0(%s: f32, %a: f32):
    %t = arith.addf %s, %a : f32
    %n = arith.negf %t : f32
    sample.yield %n : f32
  } -> (f32), ()
  return %y : f32
}

// Maps that read the same elements read them once.
// CHECK-LABEL: func.func @side_by_side
// CHECK: %[[R:.*]]:2 = sample.map 4
// CHECK: sample.yield %{{.*}}, %{{.*}} : f32, f32
// CHECK-NEXT: } -> (tensor<4xf32>, tensor<4xf32>), ()
// CHECK-NEXT: return %[[R]]#0, %[[R]]#1
func.func @side_by_side(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = sample.map 4 indexed(%x : tensor<4xf32>) {
  ^bb0(%xi: f32):
    %y = math.sin %xi : f32
    sample.yield %y : f32
  } -> (tensor<4xf32>), ()
  %b = sample.map 4 indexed(%x : tensor<4xf32>) {
  ^bb0(%xi: f32):
    %y = math.cos %xi : f32
    sample.yield %y : f32
  } -> (tensor<4xf32>), ()
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
