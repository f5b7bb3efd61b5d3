// RUN: flowc-opt %s --sample-fuse-scan --canonicalize | FileCheck %s

// The second scan uses the first one's layers: one loop.
// CHECK-LABEL: func.func @layers
// CHECK-SAME: %[[X:.*]]: f32, %[[P:.*]]: tensor<4xf32>)
// CHECK: %[[F:.*]]:2 = sample.scan 4 carries(%[[X]], %[[X]] : f32, f32) over(%[[P]] : tensor<4xf32>) {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[PL:.*]]: f32)
// CHECK-NEXT: %[[E:.*]] = math.exp %[[PL]]
// CHECK-NEXT: %[[AN:.*]] = arith.mulf %[[A]], %[[E]]
// CHECK-NEXT: %[[BN:.*]] = arith.addf %[[B]], %[[E]]
// CHECK-NEXT: sample.yield %[[AN]], %[[BN]] : f32, f32
// CHECK-NEXT: } -> (f32, f32), ()
// CHECK-NEXT: return %[[F]]#0, %[[F]]#1
func.func @layers(%x: f32, %p: tensor<4xf32>) -> (f32, f32) {
  %a, %e = sample.scan 4 carries(%x : f32) over(%p : tensor<4xf32>) {
  ^bb0(%al: f32, %pl: f32):
    %el = math.exp %pl : f32
    %an = arith.mulf %al, %el : f32
    sample.yield %an, %el : f32, f32
  } -> (f32), (tensor<4xf32>)
  %b = sample.scan 4 carries(%x : f32) over(%e : tensor<4xf32>) {
  ^bb0(%bl: f32, %el: f32):
    %bn = arith.addf %bl, %el : f32
    sample.yield %bn : f32
  } -> (f32), ()
  return %a, %b : f32, f32
}

// A final carry is known only after the last layer.
// CHECK-LABEL: func.func @final
// CHECK: sample.scan 4
// CHECK: sample.scan 4
func.func @final(%x: f32, %p: tensor<4xf32>) -> f32 {
  %a = sample.scan 4 carries(%x : f32) over(%p : tensor<4xf32>) {
  ^bb0(%al: f32, %pl: f32):
    %an = arith.mulf %al, %pl : f32
    sample.yield %an : f32
  } -> (f32), ()
  %b = sample.scan 4 carries(%a : f32) over(%p : tensor<4xf32>) {
  ^bb0(%bl: f32, %pl: f32):
    %bn = arith.addf %bl, %pl : f32
    sample.yield %bn : f32
  } -> (f32), ()
  return %b : f32
}

// All layers are known only after the last one, too.
// CHECK-LABEL: func.func @all_layers
// CHECK: sample.scan 4
// CHECK: sample.scan 4
func.func @all_layers(%x: f32, %p: tensor<4xf32>) -> f32 {
  %a, %e = sample.scan 4 carries(%x : f32) over(%p : tensor<4xf32>) {
  ^bb0(%al: f32, %pl: f32):
    %an = arith.mulf %al, %pl : f32
    sample.yield %an, %an : f32, f32
  } -> (f32), (tensor<4xf32>)
  %b = sample.scan 4 carries(%x : f32) over(%p : tensor<4xf32>) shared(%e : tensor<4xf32>) {
  ^bb0(%bl: f32, %pl: f32, %all: tensor<4xf32>):
    %sum = sample.reduce_sum %all : tensor<4xf32> -> f32
    %bn = arith.addf %bl, %sum : f32
    sample.yield %bn : f32
  } -> (f32), ()
  return %b : f32
}

// Layers in the other order, or another number of them, stay apart.
// CHECK-LABEL: func.func @apart
// CHECK: sample.scan 4 carries
// CHECK: sample.scan 4 reverse
// CHECK: sample.scan 5
func.func @apart(%x: f32, %p: tensor<4xf32>, %q: tensor<5xf32>) -> (f32, f32, f32) {
  %a = sample.scan 4 carries(%x : f32) over(%p : tensor<4xf32>) {
  ^bb0(%al: f32, %pl: f32):
    %an = arith.mulf %al, %pl : f32
    sample.yield %an : f32
  } -> (f32), ()
  %b = sample.scan 4 reverse carries(%x : f32) over(%p : tensor<4xf32>) {
  ^bb0(%al: f32, %pl: f32):
    %an = arith.mulf %al, %pl : f32
    sample.yield %an : f32
  } -> (f32), ()
  %c = sample.scan 5 carries(%x : f32) over(%q : tensor<5xf32>) {
  ^bb0(%al: f32, %pl: f32):
    %an = arith.mulf %al, %pl : f32
    sample.yield %an : f32
  } -> (f32), ()
  return %a, %b, %c : f32, f32, f32
}

// A carry that serves only itself, a stacked result without a use and the operands
// that only they read disappear; a carry that never changes is shared.
// CHECK-LABEL: func.func @unused
// CHECK-SAME: %[[X:.*]]: f32, %[[P:.*]]: tensor<4xf32>, %[[Q:.*]]: tensor<4xf32>, %[[C:.*]]: f32)
// CHECK: %[[F:.*]] = sample.scan 4 carries(%[[X]] : f32) over(%[[P]] : tensor<4xf32>) shared(%[[C]] : f32) {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[PL:.*]]: f32, %[[CL:.*]]: f32)
// CHECK-NEXT: %[[M:.*]] = arith.mulf %[[A]], %[[PL]]
// CHECK-NEXT: %[[N:.*]] = arith.addf %[[M]], %[[CL]]
// CHECK-NEXT: sample.yield %[[N]] : f32
// CHECK-NEXT: } -> (f32), ()
func.func @unused(%x: f32, %p: tensor<4xf32>, %q: tensor<4xf32>, %c: f32) -> f32 {
  %a, %ld, %k, %s = sample.scan 4 carries(%x, %x, %c : f32, f32, f32) over(%p, %q : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%al: f32, %ldl: f32, %kl: f32, %pl: f32, %ql: f32):
    %m = arith.mulf %al, %pl : f32
    %an = arith.addf %m, %kl : f32
    %next = arith.addf %ldl, %ql : f32
    sample.yield %an, %next, %kl, %m : f32, f32, f32, f32
  } -> (f32, f32, f32), (tensor<4xf32>)
  return %a : f32
}
