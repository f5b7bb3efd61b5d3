// RUN: flowc-opt %s --split-input-file --sample-differentiate --canonicalize --cse | FileCheck %s

// Layers x <- exp(s) x with log-determinant s: the forward scan keeps each layer's
// input, the reverse scan runs from the last layer to the first and gives every
// layer its cotangent. The log-determinant's cotangent is the same in all layers
// and no carry; nothing is unrolled.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:.*]]: f32 {flow.row}, %[[S:.*]]: tensor<5xf32>, %[[C:.*]]: f32)
// CHECK-SAME: -> (f32 {flow.sum}, tensor<5xf32> {flow.sum}, f32 {flow.sum})
// CHECK: %[[W:.*]] = sample.row_weight
// CHECK: %[[F:.*]]:2, %[[SAVED:.*]] = sample.scan 5 carries(%[[X]], %{{.*}} : f32, f32) over(%[[S]] : tensor<5xf32>) shared(%[[C]] : f32)
// CHECK-NEXT: ^bb0(%[[XL:.*]]: f32, %[[LD:.*]]: f32, %[[SL:.*]]: f32, %{{.*}}: f32)
// CHECK: sample.yield %{{.*}}, %{{.*}}, %[[XL]]
// CHECK: %[[DF:.*]]:2, %[[DS:.*]] = sample.scan 5 reverse carries(%{{[^ ]*}}, %{{[^ ]*}} : f32, f32)
// CHECK-SAME: over(%[[SAVED]], %[[S]] : tensor<5xf32>, tensor<5xf32>) shared(%[[C]], %[[W]] : f32, f32)
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[DC:.*]]: f32, %[[XL:.*]]: f32, %[[SL:.*]]: f32, %[[CL:.*]]: f32, %[[WL:.*]]: f32)
// CHECK-DAG: %[[E:.*]] = math.exp %[[SL]]
// CHECK-DAG: %[[GC:.*]] = arith.mulf %[[G]], %[[CL]]
// CHECK-DAG: %[[EX:.*]] = arith.mulf %[[E]], %[[XL]]
// CHECK-DAG: %[[DCL:.*]] = arith.mulf %[[G]], %[[EX]]
// CHECK-DAG: %[[DX:.*]] = arith.mulf %[[GC]], %[[E]]
// CHECK-DAG: %[[DE:.*]] = arith.mulf %[[GC]], %[[XL]]
// CHECK-DAG: %[[DES:.*]] = arith.mulf %[[DE]], %[[E]]
// CHECK-DAG: %[[DSL:.*]] = arith.addf %[[WL]], %[[DES]]
// CHECK-DAG: %[[DCS:.*]] = arith.addf %[[DC]], %[[DCL]]
// CHECK: sample.yield %[[DX]], %[[DCS]], %[[DSL]]
// CHECK: return %{{.*}}, %[[DS]], %[[DF]]#1
func.func @prepare(%s: tensor<5xf32> {flow.name = "s", flow.trainable}, %c: f32 {flow.name = "c", flow.trainable}) -> (tensor<5xf32>, f32) {
  return %s, %c : tensor<5xf32>, f32
}
func.func @kernel(%x: f32 {flow.row}, %s: tensor<5xf32>, %c: f32) -> f32 {
  %zero = arith.constant 0.0 : f32
  %y, %ld = sample.scan 5 carries(%x, %zero : f32, f32) over(%s : tensor<5xf32>) shared(%c : f32) {
  ^bb0(%xl: f32, %ldl: f32, %sl: f32, %cl: f32):
    %e = math.exp %sl : f32
    %ex = arith.mulf %e, %xl : f32
    %yl = arith.mulf %ex, %cl : f32
    %next = arith.addf %ldl, %sl : f32
    sample.yield %yl, %next : f32, f32
  } -> (f32, f32), ()
  %yy = arith.mulf %y, %y : f32
  %l = arith.addf %yy, %ld : f32
  return %l : f32
}

// -----

// A carry without a final cotangent gets one from the layers (here %b, through %a).

// CHECK-LABEL: func.func @kernel
// CHECK: sample.scan 3 reverse carries(%{{.*}}, %{{.*}} : f32, f32) over(%{{.*}} : tensor<3xf32>, tensor<3xf32>) {
// CHECK-NEXT: ^bb0(%[[DA:.*]]: f32, %[[DB:.*]]: f32, %[[A:.*]]: f32, %[[B:.*]]: f32)
// CHECK-DAG: %[[SIN:.*]] = math.sin %[[B]]
// CHECK-DAG: %[[DAN:.*]] = arith.mulf %[[DA]], %[[SIN]]
// CHECK-DAG: %[[DSIN:.*]] = arith.mulf %[[DA]], %[[A]]
// CHECK-DAG: %[[COS:.*]] = math.cos %[[B]]
// CHECK-DAG: %[[DBL:.*]] = arith.mulf %[[DSIN]], %[[COS]]
// CHECK-DAG: %[[DBN:.*]] = arith.addf %[[DB]], %[[DBL]]
// CHECK: sample.yield %[[DAN]], %[[DBN]], %[[DB]]
func.func @prepare(%p: tensor<3xf32> {flow.name = "p", flow.trainable}) -> tensor<3xf32> {
  return %p : tensor<3xf32>
}
func.func @kernel(%x: f32 {flow.row}, %p: tensor<3xf32>) -> f32 {
  %a, %b = sample.scan 3 carries(%x, %x : f32, f32) over(%p : tensor<3xf32>) {
  ^bb0(%al: f32, %bl: f32, %pl: f32):
    %sin = math.sin %bl : f32
    %an = arith.mulf %sin, %al : f32
    %bn = arith.addf %bl, %pl : f32
    sample.yield %an, %bn : f32, f32
  } -> (f32, f32), ()
  return %a : f32
}

// -----

// An input that every layer first permutes is kept permuted, once. The way back only
// permutes cotangents.

// CHECK-LABEL: func.func @kernel
// CHECK: %{{.*}}, %[[KEPT:.*]] = sample.scan 3 carries(
// CHECK: ^bb0(%[[CARRY:[a-z0-9]+]]: tensor<4xf32>
// CHECK: %[[MOVED:.*]] = sample.gather %[[CARRY]]
// CHECK: sample.yield %{{.*}}, %[[MOVED]] : tensor<4xf32>, tensor<4xf32>
// CHECK: } -> (tensor<4xf32>), (tensor<3x4xf32>)
// CHECK: sample.scan 3 reverse carries(%{{.*}} : tensor<4xf32>) over({{.*}}%[[KEPT]]
// CHECK: sample.map
// CHECK: sample.gather
// CHECK-NOT: sample.gather
// CHECK: sample.yield
func.func @prepare(%w: tensor<3x4xf32> {flow.name = ".w", flow.trainable}, %p: tensor<3x4xi32> {flow.name = ".p"},
                   %q: tensor<3x4xi32> {flow.name = ".q"}) -> (tensor<3x4xf32>, tensor<3x4xi32>, tensor<3x4xi32>) {
  return %w, %p, %q : tensor<3x4xf32>, tensor<3x4xi32>, tensor<3x4xi32>
}
func.func @kernel(%x: tensor<4xf32> {flow.row}, %w: tensor<3x4xf32>, %p: tensor<3x4xi32>, %q: tensor<3x4xi32>) -> f32 {
  %y = sample.scan 3 carries(%x : tensor<4xf32>) over(%w, %p, %q : tensor<3x4xf32>, tensor<3x4xi32>, tensor<3x4xi32>) {
  ^bb0(%c: tensor<4xf32>, %wl: tensor<4xf32>, %pl: tensor<4xi32>, %ql: tensor<4xi32>):
    %g = sample.gather %c, %pl, %ql : tensor<4xf32>, tensor<4xi32>, tensor<4xi32>
    %m = sample.map 4 indexed(%g, %wl : tensor<4xf32>, tensor<4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.mulf %a, %b : f32
      sample.yield %s : f32
    } -> (tensor<4xf32>), ()
    sample.yield %m : tensor<4xf32>
  } -> (tensor<4xf32>), ()
  %zero = arith.constant 0.0 : f32
  %sum = sample.map 4 indexed(%y : tensor<4xf32>) init(%zero : f32) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (), (f32)
  return %sum : f32
}

// -----

// A sweep is as dear as a network: the way there keeps its units, its state and the sums
// that its steps started from, and the way back sweeps only in reverse.

// CHECK-LABEL: func.func @kernel
// CHECK: %{{.*}}, %[[KEPT:.*]]:4 = sample.scan 2 carries(
// CHECK: %[[UNITS:.*]], %[[STATE:.*]], %[[SUMS:.*]] = sample.sweep 3 weights
// CHECK: ^bb0(%{{.*}}: f32):
// CHECK: ^bb0(%[[SUM:.*]]: f32, %{{.*}}: f32):
// CHECK: sample.yield %{{.*}}, %[[SUM]] : f32, f32
// CHECK: sample.yield %[[STATE]], %[[UNITS]], %[[STATE]], %[[SUMS]]
// CHECK: sample.scan 2 reverse
// CHECK-SAME: %[[KEPT]]#0, %[[KEPT]]#1, %[[KEPT]]#2
// CHECK-NOT: sample.sweep 3 weights
// CHECK: sample.sweep 3 reverse transposed weights
// CHECK-NOT: sample.sweep
// CHECK: return
func.func @prepare(%w0: tensor<2x4x3xf32> {flow.name = ".w0", flow.trainable}, %w1: tensor<2x3x4xf32> {flow.name = ".w1", flow.trainable})
    -> (tensor<2x4x3xf32>, tensor<2x3x4xf32>) {
  return %w0, %w1 : tensor<2x4x3xf32>, tensor<2x3x4xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w0: tensor<2x4x3xf32>, %w1: tensor<2x3x4xf32>) -> f32 {
  %y = sample.scan 2 carries(%x : tensor<3xf32>) over(%w0, %w1 : tensor<2x4x3xf32>, tensor<2x3x4xf32>) {
  ^bb0(%c: tensor<3xf32>, %v0: tensor<4x3xf32>, %v1: tensor<3x4xf32>):
    %units, %state = sample.sweep 3 weights(%v0, %v1 : tensor<4x3xf32>, tensor<3x4xf32>) indexed(%c : tensor<3xf32>)
        attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 2, 4>, array<i64: 0, 1, 2, 3>]} {
    ^bb0(%u: f32):
      %h = math.tanh %u : f32
      sample.yield %h : f32
    }, {
    ^bb0(%p: f32, %xi: f32):
      %e = math.exp %p : f32
      %yi = arith.mulf %e, %xi : f32
      sample.yield %yi : f32
    } -> (tensor<4xf32>), tensor<3xf32>, (), ()
    sample.yield %state : tensor<3xf32>
  } -> (tensor<3xf32>), ()
  %zero = arith.constant 0.0 : f32
  %sum = sample.map 3 indexed(%y : tensor<3xf32>) init(%zero : f32) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (), (f32)
  return %sum : f32
}
