// RUN: not flowc-opt %s -split-input-file -flow-specialize=program=log_prob 2>&1 | FileCheck %s
// RUN: not flowc-opt %s -split-input-file -flow-specialize=program=logprob 2>&1 | FileCheck %s --check-prefix=KERNEL

// KERNEL: error: unknown program 'logprob'

// CHECK: error: has no flow graph: neither @flow nor @bijection
module {
}

// -----

// CHECK: error: program 'log_prob' needs a flow, not a bijection
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %y = flow.tanh %x : f32
  return %y : f32
}

// -----

// CHECK: error: the result must be a draw of a base distribution after bijections
func.func @flow(%x: f32) -> f32 {
  %y = flow.tanh %x : f32
  return %y : f32
}

// -----

// CHECK: error: the result must be the event after bijections
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %y = arith.negf %x : f32
  return %y : f32
}

// -----

// CHECK: error: 'flow.tanh' op is used as an event and as a parameter
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  %y = flow.tanh %z : f32
  %w = flow.loc %y, %y : f32, f32
  return %w : f32
}

// -----

// CHECK: error: 'flow.scan' op in a flow graph must carry the event alone
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  %c0 = arith.constant 0.0 : f32
  %y, %w = flow.scan 2 carries(%z, %c0 : f32, f32) {
  ^bb0(%a: f32, %b: f32):
    %c = flow.tanh %a : f32
    flow.yield %c, %b : f32, f32
  } -> (f32, f32), ()
  return %y : f32
}
