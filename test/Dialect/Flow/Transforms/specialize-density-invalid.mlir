// RUN: not flowc-opt %s -split-input-file -flow-specialize=program=elbo 2>&1 | FileCheck %s

// CHECK: error: program 'elbo' needs a target, a function @density
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  return %z : f32
}

// -----

// CHECK: error: program 'elbo' needs a flow, not a density
func.func @density(%x: f32 {flow.row}) -> f32 {
  return %x : f32
}

// -----

// CHECK: error: program 'elbo' needs a flow, not a bijection
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %y = flow.tanh %x : f32
  return %y : f32
}
func.func @density(%x: f32 {flow.row}) -> f32 {
  return %x : f32
}

// -----

// CHECK: error: program 'elbo' needs a target of events of 'tensor<2xf32>' but @density takes 'tensor<3xf32>'
func.func @flow() -> tensor<2xf32> {
  %z = flow.standard_normal : tensor<2xf32>
  return %z : tensor<2xf32>
}
func.func @density(%x: tensor<3xf32> {flow.row}) -> f32 {
  %c = arith.constant 0.0 : f32
  return %c : f32
}

// -----

// CHECK: error: a density must be one block that takes an event, then data, and returns a float
func.func @flow() -> f32 {
  %z = flow.standard_normal : f32
  return %z : f32
}
func.func @density(%x: f32 {flow.row}) -> (f32, f32) {
  return %x, %x : f32, f32
}
