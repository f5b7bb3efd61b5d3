// One function for every constraint of docs/Spec.md, named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @leaky_tanh_c1(%x: f32) {
  // expected-error @+1 {{max_val must be positive but is 0.0}}
  %y = flow.leaky_tanh %x max 0.0 : f32
  return
}

// -----

func.func @power_c1(%x: f32) {
  // expected-error @+1 {{exponent must be finite and not zero but is 0.0}}
  %y = flow.power %x exponent 0.0 : f32
  return
}

// -----

func.func @power_c1_infinite(%x: f32) {
  // expected-error @+1 {{exponent must be finite and not zero but is}}
  %y = flow.power %x exponent 0x7FF0000000000000 : f32
  return
}
