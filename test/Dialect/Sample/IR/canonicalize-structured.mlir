// RUN: flowc-opt %s --canonicalize | FileCheck %s

// What nobody uses of a map disappears: results, the ops and operands behind them;
// an operand given twice is given once.
// CHECK-LABEL: func.func @map_unused
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[R:.*]] = sample.map 4 indexed(%[[X]] : tensor<4xf32>) {
// CHECK-NEXT: ^bb0(%[[XI:.*]]: f32)
// CHECK-NEXT: %[[XX:.*]] = arith.mulf %[[XI]], %[[XI]]
// CHECK-NEXT: sample.yield %[[XX]] : f32
// CHECK-NEXT: } -> (tensor<4xf32>), ()
// CHECK-NEXT: return %[[R]]
func.func @map_unused(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %a, %b, %s = sample.map 4 indexed(%x, %x, %y : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) init(%zero : f32) {
  ^bb0(%xi: f32, %xj: f32, %yi: f32):
    %xx = arith.mulf %xi, %xj : f32
    %e = math.exp %yi : f32
    sample.yield %xx, %e, %e : f32, f32, f32
  } -> (tensor<4xf32>, tensor<4xf32>), (f32)
  return %a : tensor<4xf32>
}

// Constants move into the body, a splat becomes a shared float.
// CHECK-LABEL: func.func @map_uniform
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[A:.*]]: f32)
// CHECK-NEXT: sample.map 4 indexed(%[[X]] : tensor<4xf32>) shared(%[[A]] : f32) {
// CHECK-NEXT: ^bb0(%[[XI:.*]]: f32, %[[AI:.*]]: f32)
// CHECK-NEXT: %[[TWO:.*]] = arith.constant 2.0
// CHECK-NEXT: %[[S:.*]] = arith.mulf %[[XI]], %[[TWO]]
// CHECK-NEXT: arith.addf %[[S]], %[[AI]]
func.func @map_uniform(%x: tensor<4xf32>, %a: f32) -> tensor<4xf32> {
  %two = arith.constant dense<2.0> : tensor<4xf32>
  %as = sample.splat %a : f32 -> tensor<4xf32>
  %y = sample.map 4 indexed(%x, %two, %as : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%xi: f32, %ti: f32, %ai: f32):
    %s = arith.mulf %xi, %ti : f32
    %t = arith.addf %s, %ai : f32
    sample.yield %t : f32
  } -> (tensor<4xf32>), ()
  return %y : tensor<4xf32>
}

// A table that all elements look up is a constant of the body.
// CHECK-LABEL: func.func @map_table
// CHECK-NEXT: sample.map 4 indexed(%{{.*}} : tensor<4xf32>) {
// CHECK-NEXT: ^bb0(%[[XI:.*]]: f32)
// CHECK: arith.constant dense<[1.0{{.*}}, 2.0{{.*}}]> : tensor<2xf32>
func.func @map_table(%x: tensor<4xf32>) -> tensor<4xf32> {
  %table = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = sample.map 4 indexed(%x : tensor<4xf32>) shared(%table : tensor<2xf32>) {
  ^bb0(%xi: f32, %t: tensor<2xf32>):
    %s = sample.reduce_sum %t : tensor<2xf32> -> f32
    %yi = arith.mulf %xi, %s : f32
    sample.yield %yi : f32
  } -> (tensor<4xf32>), ()
  return %y : tensor<4xf32>
}

// Carries that only serve themselves disappear, also in a circle.
// CHECK-LABEL: func.func @scan_unused
// CHECK-SAME: %[[X:.*]]: f32, %[[P:.*]]: tensor<3xf32>)
// CHECK-NEXT: %[[F:.*]] = sample.scan 3 carries(%[[X]] : f32) over(%[[P]] : tensor<3xf32>) {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[PL:.*]]: f32)
// CHECK-NEXT: %[[N:.*]] = arith.mulf %[[A]], %[[PL]]
// CHECK-NEXT: sample.yield %[[N]] : f32
// CHECK-NEXT: } -> (f32), ()
// CHECK-NEXT: return %[[F]]
func.func @scan_unused(%x: f32, %p: tensor<3xf32>) -> f32 {
  %a, %b, %c = sample.scan 3 carries(%x, %x, %x : f32, f32, f32) over(%p : tensor<3xf32>) {
  ^bb0(%al: f32, %bl: f32, %cl: f32, %pl: f32):
    %an = arith.mulf %al, %pl : f32
    %bn = arith.addf %cl, %al : f32
    %cn = arith.addf %bl, %pl : f32
    sample.yield %an, %bn, %cn : f32, f32, f32
  } -> (f32, f32, f32), ()
  return %a : f32
}

// A carry that a live one reads stays.
// CHECK-LABEL: func.func @scan_used
// CHECK: sample.scan 3 carries(%{{.*}}, %{{.*}} : f32, f32)
func.func @scan_used(%x: f32, %p: tensor<3xf32>) -> f32 {
  %a, %b = sample.scan 3 carries(%x, %x : f32, f32) over(%p : tensor<3xf32>) {
  ^bb0(%al: f32, %bl: f32, %pl: f32):
    %an = arith.mulf %al, %bl : f32
    %bn = arith.addf %bl, %pl : f32
    sample.yield %an, %bn : f32, f32
  } -> (f32, f32), ()
  return %a : f32
}

// A carry that never changes is a shared operand, and its own final value.
// CHECK-LABEL: func.func @scan_invariant
// CHECK-SAME: %[[X:.*]]: f32, %[[C:.*]]: f32, %[[P:.*]]: tensor<3xf32>)
// CHECK-NEXT: %[[F:.*]] = sample.scan 3 carries(%[[X]] : f32) over(%[[P]] : tensor<3xf32>) shared(%[[C]] : f32)
// CHECK: return %[[F]], %[[C]]
func.func @scan_invariant(%x: f32, %c: f32, %p: tensor<3xf32>) -> (f32, f32) {
  %a, %d = sample.scan 3 carries(%x, %c : f32, f32) over(%p : tensor<3xf32>) {
  ^bb0(%al: f32, %cl: f32, %pl: f32):
    %m = arith.mulf %al, %cl : f32
    %an = arith.addf %m, %pl : f32
    sample.yield %an, %cl : f32, f32
  } -> (f32, f32), ()
  return %a, %d : f32, f32
}

// Taking apart what was just put together, and the other way round.
// CHECK-LABEL: func.func @pieces
// CHECK-SAME: %[[A:.*]]: tensor<2xf32>, %[[B:.*]]: f32, %[[X:.*]]: tensor<3xf32>)
// CHECK-NEXT: return %[[A]], %[[B]], %[[X]]
func.func @pieces(%a: tensor<2xf32>, %b: f32, %x: tensor<3xf32>) -> (tensor<2xf32>, f32, tensor<3xf32>) {
  %c = sample.concat %a, %b : tensor<2xf32>, f32 -> tensor<3xf32>
  %s:2 = sample.split %c : tensor<3xf32> -> tensor<2xf32>, f32
  %t:2 = sample.split %x : tensor<3xf32> -> f32, tensor<2xf32>
  %y = sample.concat %t#0, %t#1 : f32, tensor<2xf32> -> tensor<3xf32>
  return %s#0, %s#1, %y : tensor<2xf32>, f32, tensor<3xf32>
}

// Pieces in another order, some of them, or of other sizes are another value.
// CHECK-LABEL: func.func @other_pieces
// CHECK-SAME: %[[A:.*]]: tensor<2xf32>, %[[B:.*]]: f32, %[[X:.*]]: tensor<4xf32>
// CHECK: %[[C:.*]] = sample.concat %[[A]], %[[B]]
// CHECK: %[[S:.*]]:2 = sample.split %[[C]] : tensor<3xf32> -> f32, tensor<2xf32>
// CHECK: %[[T:.*]]:2 = sample.split %[[X]]
// CHECK: %[[Y:.*]] = sample.concat %[[T]]#1, %[[T]]#0
// CHECK: %[[Z:.*]] = sample.concat %[[T]]#0, %[[T]]#0
// CHECK: return %[[S]]#0, %[[S]]#1, %[[Y]], %[[Z]]
func.func @other_pieces(%a: tensor<2xf32>, %b: f32, %x: tensor<4xf32>)
    -> (f32, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>) {
  %c = sample.concat %a, %b : tensor<2xf32>, f32 -> tensor<3xf32>
  %s:2 = sample.split %c : tensor<3xf32> -> f32, tensor<2xf32>
  %t:2 = sample.split %x : tensor<4xf32> -> tensor<2xf32>, tensor<2xf32>
  %y = sample.concat %t#1, %t#0 : tensor<2xf32>, tensor<2xf32> -> tensor<4xf32>
  %z = sample.concat %t#0, %t#0 : tensor<2xf32>, tensor<2xf32> -> tensor<4xf32>
  return %s#0, %s#1, %y, %z : f32, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>
}

// A value is stacked once.
// CHECK-LABEL: func.func @scan_equal
// CHECK-SAME: %[[P:.*]]: tensor<3xf32>)
// CHECK-NEXT: %[[S:.*]] = sample.scan 3 over(%[[P]] : tensor<3xf32>) {
// CHECK: sample.yield %{{.*}} : f32
// CHECK-NEXT: } -> (), (tensor<3xf32>)
// CHECK-NEXT: return %[[S]], %[[S]]
func.func @scan_equal(%p: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %a, %b = sample.scan 3 over(%p : tensor<3xf32>) {
  ^bb0(%pl: f32):
    %e = math.exp %pl : f32
    sample.yield %e, %e : f32, f32
  } -> (), (tensor<3xf32>, tensor<3xf32>)
  return %a, %b : tensor<3xf32>, tensor<3xf32>
}

// One-hots times a function: only the elements that count are computed.
// CHECK-LABEL: func.func @one_hots_times_function
// CHECK-SAME: %[[A:.*]]: f32, %[[B:.*]]: f32, %[[I:.*]]: i32, %[[X:.*]]: tensor<5xf32>)
// CHECK-DAG: %[[X0:.*]] = sample.take %[[X]][%[[I]] + 0]
// CHECK-DAG: %[[S0:.*]] = sample.inv_logit %[[X0]] : f32
// CHECK-DAG: %[[AS:.*]] = arith.mulf %[[A]], %[[S0]] : f32
// CHECK-DAG: %[[H0:.*]] = sample.one_hot %[[AS]] at[%[[I]] + 0]
// CHECK-DAG: %[[X1:.*]] = sample.take %[[X]][%[[I]] + 1]
// CHECK-DAG: %[[S1:.*]] = sample.inv_logit %[[X1]] : f32
// CHECK-DAG: %[[BS:.*]] = arith.mulf %[[B]], %[[S1]] : f32
// CHECK-DAG: %[[H1:.*]] = sample.one_hot %[[BS]] at[%[[I]] + 1]
// CHECK: %[[R:.*]] = arith.addf %[[H0]], %[[H1]] : tensor<5xf32>
// CHECK-NOT: sample.inv_logit
// CHECK: return %[[R]]
func.func @one_hots_times_function(%a: f32, %b: f32, %i: i32, %x: tensor<5xf32>) -> tensor<5xf32> {
  %p = sample.one_hot %a at[%i + 0] : f32 -> tensor<5xf32>
  %q = sample.one_hot %b at[%i + 1] : f32 -> tensor<5xf32>
  %pq = arith.addf %p, %q : tensor<5xf32>
  %s = sample.inv_logit %x : tensor<5xf32>
  %r = arith.mulf %s, %pq : tensor<5xf32>
  return %r : tensor<5xf32>
}
