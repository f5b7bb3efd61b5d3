// One function for every constraint of docs/Spec.md on distributions, named after
// its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @standard_student_t_c1(%df: tensor<2xf32>) {
  // expected-error @+1 {{failed to verify that all of {df, z} have same type}}
  %0 = "flow.standard_student_t"(%df) : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @standard_gamma_c1(%a: f32) {
  // expected-error @+1 {{failed to verify that all of {concentration, z} have same type}}
  %0 = "flow.standard_gamma"(%a) : (f32) -> tensor<3xf32>
  return
}

// -----

func.func @beta_c1(%a: tensor<3xf32>, %b: tensor<3xf64>) {
  // expected-error @+1 {{failed to verify that all of {alpha, beta, z} have same type}}
  %0 = "flow.beta"(%a, %b) : (tensor<3xf32>, tensor<3xf64>) -> tensor<3xf32>
  return
}

// -----

func.func @mixture_c1(%w: tensor<4xf32>, %loc: tensor<3x2xf32>) {
  // expected-error @+1 {{operands in `over` need 4 slices, but one has type 'tensor<3x2xf32>'}}
  %x = flow.mixture %w over(%loc : tensor<3x2xf32>) : tensor<4xf32> -> tensor<2xf32> {
  ^bb0(%l: tensor<2xf32>):
    %z = flow.standard_normal : tensor<2xf32>
    flow.yield %z : tensor<2xf32>
  }
  return
}

// -----

func.func @mixture_c2(%w: tensor<4xf32>, %loc: tensor<4x2xf32>) {
  // expected-error @+1 {{region must take a slice of every operand in `over`, then the shared operands}}
  %x = flow.mixture %w over(%loc : tensor<4x2xf32>) : tensor<4xf32> -> tensor<2xf32> {
  ^bb0(%l: f32):
    %z = flow.standard_normal : tensor<2xf32>
    flow.yield %z : tensor<2xf32>
  }
  return
}

// -----

func.func @mixture_c3(%w: tensor<4xf32>) {
  // expected-error @+1 {{region must yield one 'tensor<2xf32>'}}
  %x = flow.mixture %w : tensor<4xf32> -> tensor<2xf32> {
  ^bb0:
    %z = flow.standard_normal : tensor<3xf32>
    flow.yield %z : tensor<3xf32>
  }
  return
}

// -----

func.func @mixture_c4(%w: tensor<4xf32>, %loc: tensor<4x2xf32>) {
  // expected-error @+1 {{region must yield a draw of a distribution after bijections only}}
  %x = flow.mixture %w over(%loc : tensor<4x2xf32>) : tensor<4xf32> -> tensor<2xf32> {
  ^bb0(%l: tensor<2xf32>):
    flow.yield %l : tensor<2xf32>
  }
  return
}

// -----

func.func @random_gamma_c1(%a: tensor<3xf32>) {
  // expected-error @+1 {{failed to verify that all of {concentration, gamma, log_factor} have same type}}
  %0:2 = "sample.random_gamma"(%a) {stream = 1 : i64} : (tensor<3xf32>) -> (tensor<2xf32>, tensor<3xf32>)
  return
}
