// RUN: not flowc-opt %s -split-input-file -flow-specialize=program=transform 2>&1 | FileCheck %s

// An event is no parameter of what is done to it.

// CHECK: error: 'flow.loc' op takes its own event as a parameter, too
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %y = flow.loc %x, %x : f32, f32
  return %y : f32
}

// -----

// CHECK: error: 'flow.loc' op takes its own event as a parameter, too
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %y = flow.invert %x : f32 {
  ^bb0(%a: f32):
    %b = flow.loc %a, %a : f32, f32
    flow.yield %b : f32
  }
  return %y : f32
}

// -----

// An event that reaches a region from outside.
// CHECK: error: 'flow.invert' op takes its own event as a parameter, too
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %y = flow.invert %x : f32 {
  ^bb0(%a: f32):
    %b = flow.loc %a, %x : f32, f32
    flow.yield %b : f32
  }
  return %y : f32
}

// -----

// Computed from the event.
// CHECK: error: 'arith.negf' op takes its own event as a parameter, too
func.func @bijection(%x: f32 {flow.row}) -> f32 {
  %l = arith.negf %x : f32
  %y = flow.loc %x, %l : f32, f32
  return %y : f32
}
