// RUN: not flowc-opt %s -split-input-file -flow-specialize=program=log_prob 2>&1 | FileCheck %s
// RUN: not flowc-opt %s -split-input-file -flow-specialize=program=logprob 2>&1 | FileCheck %s --check-prefix=KERNEL
// RUN: not flowc-opt %s -split-input-file "-flow-specialize=program=nll rows=drawn" 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: program 'nll' has no kernel of drawn rows

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
  %p = arith.negf %y : f32
  %w = flow.loc %y, %p : f32, f32
  return %w : f32
}

// -----

// CHECK: error: 'flow.loc' op has a draw of 'flow.standard_gumbel' as a parameter
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  %w = flow.standard_gumbel : f32
  %y = flow.loc %z, %w : f32, f32
  return %y : f32
}

// -----

// CHECK: error: 'flow.standard_student_t' op has a draw of 'flow.standard_exponential' as a parameter
func.func @flow() -> f32 {
  %d = flow.standard_exponential : f32
  %z = flow.standard_student_t %d : f32
  return %z : f32
}

// -----

// CHECK: error: the result must be a draw of a base distribution after bijections
func.func @flow() -> f32 {
  %0 = arith.constant dense<0.0> : tensor<2xf32>
  %y = sample.scan 2 over(%0 : tensor<2xf32>) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (), (tensor<2xf32>)
  %s = sample.reduce_sum %y : tensor<2xf32> -> f32
  return %s : f32
}

// -----

// CHECK: error: 'func.func' op works in f32 or f64 but has 'f16'
func.func @density(%x: f16 {flow.row}) -> f16 {
  %y = arith.negf %x : f16
  return %y : f16
}

// -----

// CHECK: error: 'func.func' op needs tensors of known extents, at least 1, but has 'tensor<?xf32>'
func.func @density(%x: tensor<?xf32>) -> f32 {
  %y = arith.constant 0.0 : f32
  return %y : f32
}

// -----

// A draw that reaches a parameter through a computation.
// CHECK: error: 'flow.standard_gumbel' op is a draw, which cannot be a parameter
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  %w = flow.standard_gumbel : f32
  %v = arith.negf %w : f32
  %y = flow.loc %z, %v : f32, f32
  return %y : f32
}

// -----

// CHECK: error: a flow graph takes one event, but arguments 0 and 1 are rows
func.func @bijection(%x: f32 {flow.row}, %w: f32 {flow.row}) -> f32 {
  %y = flow.tanh %x : f32
  return %y : f32
}

// -----

// CHECK: error: a flow graph must be one block with one result
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  cf.br ^next
^next:
  return %z : f32
}

// -----

// CHECK: error: a density must be one block that takes an event, then data, and returns a float
func.func @density(%x: i32) -> f32 {
  %y = arith.constant 0.0 : f32
  return %y : f32
}
