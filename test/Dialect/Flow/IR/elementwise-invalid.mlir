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

// -----

func.func @bounded_affine_c1(%x: tensor<2xf32>, %loc: tensor<1xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{loc must have the event's type 'tensor<2xf32>' but has 'tensor<1xf32>'}}
  %y = flow.bounded_affine %x, %loc, %s bound 2.0 : tensor<2xf32>, tensor<1xf32>, tensor<2xf32>
  return
}

// -----

func.func @bounded_affine_c2(%x: f32, %loc: f32, %s: tensor<1xf32>) {
  // expected-error @+1 {{log_scale must have the event's type 'f32' but has 'tensor<1xf32>'}}
  %y = flow.bounded_affine %x, %loc, %s bound 2.0 : f32, f32, tensor<1xf32>
  return
}

// -----

func.func @bounded_affine_c3(%x: f32, %p: f32) {
  // expected-error @+1 {{bound must be positive and at most 80 but is}}
  %y = flow.bounded_affine %x, %p, %p bound 81.0 : f32, f32, f32
  return
}
