// RUN: flowc-opt %s --split-input-file --verify-diagnostics

// What holds of every op of the dialect, without any pass.

func.func @rows_of_none() {
  // expected-error @below {{must be an event: a float or a tensor of rank 1 of one float or more, but got 'tensor<0xf32>'}}
  %z = flow.standard_normal : tensor<0xf32>
  return
}

// -----

func.func @unknown_extent() {
  // expected-error @below {{must be an event}}
  %z = flow.standard_normal : tensor<?xf32>
  return
}

// -----

func.func @half(%x: tensor<2xf16>) {
  // expected-error @below {{must be an event}}
  %y = flow.tanh %x : tensor<2xf16>
  return
}

// -----

func.func @half_weight(%w: tensor<1x2xf16>, %x: tensor<2xf32>) {
  // expected-error @below {{operand #0 must be 2D tensor of f32 or f64 values, but got 'tensor<1x2xf16>'}}
  %y = sample.dense %w, %x : tensor<1x2xf16>, tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

func.func @mixed(%w: tensor<1x2xf64>, %x: tensor<2xf32>) {
  // expected-error @below {{'sample.dense' op mixes 'f64' and 'f32'}}
  %y = sample.dense %w, %x : tensor<1x2xf64>, tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

func.func @mixed_result(%x: tensor<2xf32>) {
  // expected-error @below {{'sample.reduce_sum' op mixes 'f32' and 'f64'}}
  %y = sample.reduce_sum %x : tensor<2xf32> -> f64
  return
}

// -----

func.func @unknown_weight(%w: tensor<?x2xf32>, %x: tensor<2xf32>) {
  // expected-error @below {{needs tensors of known extents, at least 0, but has 'tensor<?x2xf32>'}}
  %y = sample.dense %w, %x : tensor<?x2xf32>, tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

func.func @too_large(%x: tensor<1099511627777xf32>) {
  // expected-error @below {{cannot hold the elements of 'tensor<1099511627777xf32>'}}
  %y = sample.detach %x : tensor<1099511627777xf32>
  return
}

// -----

func.func @long_integer(%x: i64) {
  // expected-error @below {{must be a float, an integer or a tensor of them, but got 'i64'}}
  %y = sample.detach %x : i64
  return
}

// -----

func.func @two_blocks(%w: tensor<1x2xf32>, %x: tensor<2xf32>) {
  // expected-error @below {{needs regions of one block that ends in sample.yield}}
  %y = sample.dense %w, %x : tensor<1x2xf32>, tensor<2xf32> -> tensor<1xf32> {
  ^bb0(%v: f32):
    "cf.br"()[^bb1] : () -> ()
  ^bb1:
    sample.yield %v : f32
  }
  return
}

// -----

// An event is no parameter of what is done to it.

func.func @own_event(%x: f32) {
  // expected-error @below {{'flow.loc' op takes its own event as a parameter, too}}
  %y = flow.loc %x, %x : f32, f32
  return
}

// -----

func.func @event_from_outside(%x: f32) {
  // expected-error @below {{'flow.invert' op takes its own event as a parameter, too}}
  %y = flow.invert %x : f32 {
  ^bb0(%a: f32):
    %b = flow.loc %a, %x : f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @draw_of_a_draw() {
  %d = flow.standard_exponential : f32
  // expected-error @below {{'flow.standard_student_t' op has a draw of 'flow.standard_exponential' as a parameter}}
  %z = flow.standard_student_t %d : f32
  return
}

// -----

func.func @draw_as_parameter(%x: f32) {
  %w = flow.standard_gumbel : f32
  // expected-error @below {{'flow.loc' op has a draw of 'flow.standard_gumbel' as a parameter}}
  %y = flow.loc %x, %w : f32, f32
  return
}
