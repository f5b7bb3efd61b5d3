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

// -----

// CHECK: error: 'flow.standard_gumbel' op is a draw, which cannot be a parameter
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  %w = flow.standard_gumbel : f32
  %y = flow.loc %z, %w : f32, f32
  return %y : f32
}

// -----

// CHECK: error: 'flow.standard_exponential' op is a draw, which cannot be a parameter
func.func @flow() -> f32 {
  %d = flow.standard_exponential : f32
  %z = flow.standard_student_t %d : f32
  return %z : f32
}

// -----

// CHECK: error: the result must be a draw of a base distribution after bijections
func.func @flow() -> f32 {
  %0 = arith.constant dense<0.0> : tensor<2xf32>
  %y = flow.scan 2 over(%0 : tensor<2xf32>) {
  ^bb0(%a: f32):
    flow.yield %a : f32
  } -> (), (tensor<2xf32>)
  %s = flow.reduce_sum %y : tensor<2xf32> -> f32
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

// CHECK: error: '{{.*}}' op needs tensors of known extents, at least 1, but has 'tensor<0xf32>'
func.func @flow() -> tensor<0xf32> {
  %z = flow.standard_normal : tensor<0xf32>
  return %z : tensor<0xf32>
}

// -----

// CHECK: error: '{{.*}}' op needs tensors of known extents, at least 1, but has 'tensor<?xf32>'
func.func @flow() -> tensor<?xf32> {
  %z = flow.standard_normal : tensor<?xf32>
  return %z : tensor<?xf32>
}

// -----

// CHECK: error: 'flow.dense' op mixes 'f64' and 'f32'
func.func @density(%x: tensor<2xf32>) -> f32 {
  %w = arith.constant dense<1.0> : tensor<1x2xf64>
  %y = flow.dense %w, %x : tensor<1x2xf64>, tensor<2xf32> -> tensor<1xf32>
  %s = flow.reduce_sum %y : tensor<1xf32> -> f32
  return %s : f32
}
