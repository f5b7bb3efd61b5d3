// RUN: flowc-opt %s --sample-outline-maps | FileCheck %s

// Ops of one extent become one map; constants are copied into its body, a splat
// becomes a shared float.

// CHECK-LABEL: func.func @elementwise
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>, %[[A:.*]]: f32)
// CHECK-NEXT: %[[R:.*]] = sample.map 4 indexed(%[[X]], %[[Y]] : tensor<4xf32>, tensor<4xf32>) shared(%[[A]] : f32) {
// CHECK-NEXT: ^bb0(%[[XI:.*]]: f32, %[[YI:.*]]: f32, %[[AI:.*]]: f32)
// CHECK-NEXT: %[[TWO:.*]] = arith.constant 2.0
// CHECK-NEXT: %[[S:.*]] = arith.mulf %[[XI]], %[[TWO]] : f32
// CHECK-NEXT: %[[T:.*]] = arith.addf %[[S]], %[[YI]] : f32
// CHECK-NEXT: %[[U:.*]] = arith.mulf %[[T]], %[[AI]] : f32
// CHECK-NEXT: sample.yield %[[U]] : f32
// CHECK-NEXT: } -> (tensor<4xf32>), ()
// CHECK-NEXT: return %[[R]]
func.func @elementwise(%x: tensor<4xf32>, %y: tensor<4xf32>, %a: f32) -> tensor<4xf32> {
  %two = arith.constant dense<2.0> : tensor<4xf32>
  %s = arith.mulf %x, %two : tensor<4xf32>
  %t = arith.addf %s, %y : tensor<4xf32>
  %as = sample.splat %a : f32 -> tensor<4xf32>
  %u = arith.mulf %t, %as : tensor<4xf32>
  return %u : tensor<4xf32>
}

// Floats are a map of extent 1. A condition is computed by the maps that read it.
// CHECK-LABEL: func.func @floats
// CHECK-SAME: %[[X:.*]]: f32, %[[T:.*]]: tensor<2xf32>)
// CHECK-NEXT: sample.map 1 indexed(%[[X]] : f32) {
// CHECK-NEXT: ^bb0(%[[XI:.*]]: f32)
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: %[[C:.*]] = arith.cmpf ogt, %[[XI]], %[[ZERO]]
// CHECK-NEXT: arith.select %[[C]], %[[XI]], %[[ZERO]]
// CHECK: } -> (f32), ()
// CHECK: sample.map 2 indexed(%[[T]] : tensor<2xf32>) shared(%[[X]] : f32)
// CHECK: arith.cmpf ogt
// CHECK: arith.select
// CHECK: } -> (tensor<2xf32>), ()
func.func @floats(%x: f32, %t: tensor<2xf32>) -> (f32, tensor<2xf32>) {
  %zero = arith.constant 0.0 : f32
  %c = arith.cmpf ogt, %x, %zero : f32
  %y = arith.select %c, %x, %zero : f32
  %none = arith.constant dense<0.0> : tensor<2xf32>
  %u = arith.select %c, %t, %none : tensor<2xf32>
  return %y, %u : f32, tensor<2xf32>
}

// Tensors of any rank: only the number of elements counts.
// CHECK-LABEL: func.func @rank_two
// CHECK: sample.map 6 indexed(%{{.*}} : tensor<2x3xf32>) {
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32)
// CHECK-NEXT: sample.log1p_exp %[[X]] : f32
// CHECK: } -> (tensor<2x3xf32>), ()
func.func @rank_two(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %y = sample.log1p_exp %x : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// An op of another kind in between ends a group.
// CHECK-LABEL: func.func @interrupted
// CHECK: %[[E:.*]] = sample.map 3
// CHECK: math.exp
// CHECK: %[[C:.*]] = sample.reverse %[[E]]
// CHECK: sample.map 3 indexed(%[[C]], %[[E]] :
// CHECK: arith.divf
func.func @interrupted(%x: tensor<3xf32>) -> tensor<3xf32> {
  %e = math.exp %x : tensor<3xf32>
  %c = sample.reverse %e : tensor<3xf32>
  %y = arith.divf %c, %e : tensor<3xf32>
  return %y : tensor<3xf32>
}

// A reduction is a map with a sum; small tensors that are read whole are shared.
// CHECK-LABEL: func.func @small
// CHECK-SAME: %[[X:.*]]: tensor<3xf32>, %[[V:.*]]: f32)
// CHECK: %[[SUM:.*]] = sample.map 3 indexed(%[[X]] : tensor<3xf32>) init
// CHECK: sample.map 1 indexed(%[[V]], %[[SUM]] : f32, f32) shared(%[[X]] : tensor<3xf32>)
// CHECK-NEXT: ^bb0(%[[VI:.*]]: f32, %[[SI:.*]]: f32, %[[T:.*]]: tensor<3xf32>)
// CHECK-NEXT: %[[BIN:.*]] = sample.bin_search %[[T]], %[[VI]]
// CHECK-NEXT: %[[K:.*]] = sample.take %[[T]][%[[BIN]] + 0]
// CHECK-NEXT: arith.divf %[[K]], %[[SI]]
func.func @small(%x: tensor<3xf32>, %v: f32) -> f32 {
  %sum = sample.reduce_sum %x : tensor<3xf32> -> f32
  %bin = sample.bin_search %x, %v : tensor<3xf32>, f32
  %k = sample.take %x[%bin + 0] : tensor<3xf32> -> f32
  %y = arith.divf %k, %sum : f32
  return %y : f32
}

// A splat that is needed as a tensor is a map of its own.
// CHECK-LABEL: func.func @splat
// CHECK-SAME: %[[A:.*]]: f32)
// CHECK: %[[S:.*]] = sample.map 3 shared(%[[A]] : f32) {
// CHECK-NEXT: ^bb0(%[[AI:.*]]: f32)
// CHECK-NEXT: sample.yield %[[AI]]
// CHECK: sample.concat %[[S]], %[[A]]
func.func @splat(%a: f32) -> tensor<4xf32> {
  %s = sample.splat %a : f32 -> tensor<3xf32>
  %y = sample.concat %s, %a : tensor<3xf32>, f32 -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// What is added to a sum is where the sum starts; inside scans too.
// CHECK-LABEL: func.func @log_det
// CHECK: sample.scan 2
// CHECK-NEXT: ^bb0(%[[LD:.*]]: f32, %[[S:.*]]: tensor<3xf32>)
// CHECK: %[[SUM:.*]] = sample.map 3 indexed(%[[S]] : tensor<3xf32>) init(%[[LD]] : f32)
// CHECK: sample.yield %[[SUM]]
func.func @log_det(%s: tensor<2x3xf32>) -> f32 {
  %zero = arith.constant 0.0 : f32
  %ld = sample.scan 2 carries(%zero : f32) over(%s : tensor<2x3xf32>) {
  ^bb0(%ldl: f32, %sl: tensor<3xf32>):
    %z = arith.constant 0.0 : f32
    %sum = sample.map 3 indexed(%sl : tensor<3xf32>) init(%z : f32) {
    ^bb0(%si: f32):
      %l = math.log %si : f32
      sample.yield %l : f32
    } -> (), (f32)
    %next = arith.addf %ldl, %sum : f32
    sample.yield %next : f32
  } -> (f32), ()
  return %ld : f32
}

// Of a tensor of one element bodies know the element, and make the tensor for ops that
// read or give it whole.
// CHECK-LABEL: func.func @one_element
// CHECK: sample.map 1 indexed(
// CHECK: %[[WHOLE:.*]] = sample.splat %{{.*}} : f32 -> tensor<1xf32>
// CHECK: %[[SUMS:.*]] = sample.cumsum %[[WHOLE]] : tensor<1xf32>
// CHECK: %[[ONLY:.*]] = sample.split %[[SUMS]] : tensor<1xf32> -> f32
// CHECK: %[[Y:.*]] = arith.mulf %[[ONLY]], %{{.*}} : f32
// CHECK: sample.yield %[[Y]] : f32
func.func @one_element(%x: tensor<1xf32>) -> tensor<1xf32> {
  %e = math.exp %x : tensor<1xf32>
  %c = sample.cumsum %e : tensor<1xf32>
  %y = arith.mulf %c, %x : tensor<1xf32>
  return %y : tensor<1xf32>
}
