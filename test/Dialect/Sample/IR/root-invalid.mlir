// One function for every constraint of docs/Spec.md on sample.root, named after its
// label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @root_c1(%lower: f64) {
  // expected-error @+1 {{'sample.root' op mixes 'f64' and 'f32'}}
  %0 = sample.root above(%lower : f64) {
  ^bb0(%t: f32):
    sample.yield %t, %t : f32, f32
  } : f32
  return
}

// -----

func.func @root_c2(%c: f32) {
  // expected-error @+1 {{body must take 'f32', 'f32' but takes 'f32'}}
  %0 = sample.root operands(%c : f32) {
  ^bb0(%t: f32):
    sample.yield %t, %t : f32, f32
  } : f32
  return
}

// -----

func.func @root_c3() {
  // expected-error @+1 {{body must yield two or three values of 'f32' but yields 'f32'}}
  %0 = sample.root {
  ^bb0(%t: f32):
    sample.yield %t : f32
  } : f32
  return
}

// -----

func.func @root_c4() {
  // expected-error @+1 {{tolerance must be a positive number but is 0}}
  %0 = sample.root attributes {tolerance = 0.0} {
  ^bb0(%t: f32):
    sample.yield %t, %t : f32, f32
  } : f32
  return
}
