// One function for every constraint of docs/Spec.md on ops of the flow graph,
// named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @affine_c1(%x: tensor<3xf32>, %loc: tensor<2xf32>, %scale: tensor<3xf32>) {
  // expected-error @+1 {{loc must have the event's type 'tensor<3xf32>' but has 'tensor<2xf32>'}}
  %y = flow.affine %x, %loc, %scale : tensor<3xf32>, tensor<2xf32>, tensor<3xf32>
  return
}

// -----

func.func @affine_c2(%x: tensor<3xf32>, %loc: tensor<3xf32>, %scale: f32) {
  // expected-error @+1 {{scale must have the event's type 'tensor<3xf32>' but has 'f32'}}
  %y = flow.affine %x, %loc, %scale : tensor<3xf32>, tensor<3xf32>, f32
  return
}

// -----

func.func @loc_c1(%x: f32, %loc: tensor<1xf32>) {
  // expected-error @+1 {{loc must have the event's type 'f32' but has 'tensor<1xf32>'}}
  %y = flow.loc %x, %loc : f32, tensor<1xf32>
  return
}

// -----

func.func @scale_c1(%x: tensor<3xf32>, %scale: tensor<3xf64>) {
  // expected-error @+1 {{scale must have the event's type 'tensor<3xf32>' but has 'tensor<3xf64>'}}
  %y = flow.scale %x, %scale : tensor<3xf32>, tensor<3xf64>
  return
}

// -----

func.func @rational_quadratic_spline_c1(%x: tensor<5xf32>, %x_pos: tensor<5xf32>, %y_pos: tensor<5xf32>, %slopes: tensor<5xf32>) {
  // expected-error @+1 {{needs a scalar event but has 'tensor<5xf32>'}}
  %y = flow.rational_quadratic_spline %x, %x_pos, %y_pos, %slopes {lower = -1.0 : f64, upper = 1.0 : f64}
      : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
  return
}

// -----

func.func @rational_quadratic_spline_c2(%x: f32, %x_pos: tensor<5xf32>, %y_pos: tensor<5xf32>, %slopes: tensor<4xf32>) {
  // expected-error @+1 {{x_pos, y_pos and derivatives need the same number of elements, at least 2}}
  %y = flow.rational_quadratic_spline %x, %x_pos, %y_pos, %slopes {lower = -1.0 : f64, upper = 1.0 : f64}
      : f32, tensor<5xf32>, tensor<5xf32>, tensor<4xf32>
  return
}

// -----

func.func @rational_quadratic_spline_c3(%x: f32, %x_pos: tensor<5xf32>, %y_pos: tensor<5xf64>, %slopes: tensor<5xf32>) {
  // expected-error @+1 {{parameters must have elements of type 'f32'}}
  %y = flow.rational_quadratic_spline %x, %x_pos, %y_pos, %slopes {lower = -1.0 : f64, upper = 1.0 : f64}
      : f32, tensor<5xf32>, tensor<5xf64>, tensor<5xf32>
  return
}

// -----

func.func @rational_quadratic_spline_c4(%x: f32, %x_pos: tensor<5xf32>, %y_pos: tensor<5xf32>, %slopes: tensor<5xf32>) {
  // expected-error @+1 {{lower must be less than upper}}
  %y = flow.rational_quadratic_spline %x, %x_pos, %y_pos, %slopes {lower = 1.0 : f64, upper = 1.0 : f64}
      : f32, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
  return
}

// -----

func.func @permute_c1(%x: f32, %permutation: tensor<1xi32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.permute %x, %permutation, %permutation : f32, tensor<1xi32>, tensor<1xi32>
  return
}

// -----

func.func @permute_c2(%x: tensor<3xf32>, %permutation: tensor<3xi32>, %inverse: tensor<2xi32>) {
  // expected-error @+1 {{permutation and inverse_permutation need 3 elements}}
  %y = flow.permute %x, %permutation, %inverse : tensor<3xf32>, tensor<3xi32>, tensor<2xi32>
  return
}

// -----

func.func @permute_c3(%x: tensor<3xf32>) {
  %p = arith.constant dense<[0, 9, -5]> : tensor<3xi32>
  // expected-error @+1 {{has a constant permutation that is none: it needs each of 0 ... 2 once}}
  %y = flow.permute %x, %p, %p : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  return
}

// -----

func.func @permute_twice(%x: tensor<3xf32>, %q: tensor<3xi32>) {
  %p = arith.constant dense<[0, 1, 1]> : tensor<3xi32>
  // expected-error @+1 {{has a constant permutation that is none: it needs each of 0 ... 2 once}}
  %y = flow.permute %x, %q, %p : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  return
}

// -----

func.func @permute_inverse(%x: tensor<3xf32>) {
  %p = arith.constant dense<[1, 2, 0]> : tensor<3xi32>
  // expected-error @+1 {{has a constant permutation whose inverse is another one}}
  %y = flow.permute %x, %p, %p : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  return
}

// -----

func.func @invert_c1(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must take one 'tensor<3xf32>'}}
  %y = flow.invert %x : tensor<3xf32> {
  ^bb0(%a: tensor<2xf32>):
    %b = flow.flip %a : tensor<2xf32>
    flow.yield %b : tensor<2xf32>
  }
  return
}

// -----

func.func @invert_c2(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must yield one 'tensor<3xf32>'}}
  %y = flow.invert %x : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    flow.yield %a, %a : tensor<3xf32>, tensor<3xf32>
  }
  return
}

// -----

func.func @invert_c2(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.invert %x : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    %b = arith.negf %a : tensor<3xf32>
    flow.yield %b : tensor<3xf32>
  }
  return
}

// -----

func.func @graph_scan_c1(%x: tensor<3xf32>) {
  // expected-error @+1 {{number of layers must be positive but is 0}}
  %y = flow.scan 0 %x : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    %b = flow.flip %a : tensor<3xf32>
    flow.yield %b : tensor<3xf32>
  }
  return
}

// -----

func.func @graph_scan_c2(%x: tensor<3xf32>, %stack: tensor<4x3xf32>) {
  // expected-error @+1 {{stack of type 'tensor<4x3xf32>' needs a leading extent of 2}}
  %y = flow.scan 2 %x : tensor<3xf32> over(%stack : tensor<4x3xf32>) {
  ^bb0(%a: tensor<3xf32>, %l: tensor<3xf32>):
    %b = flow.loc %a, %l : tensor<3xf32>, tensor<3xf32>
    flow.yield %b : tensor<3xf32>
  }
  return
}

// -----

func.func @graph_scan_c3(%x: tensor<3xf32>, %stack: tensor<2x3xf32>) {
  // expected-error @+1 {{layer must take}}
  %y = flow.scan 2 %x : tensor<3xf32> over(%stack : tensor<2x3xf32>) {
  ^bb0(%a: tensor<3xf32>):
    %b = flow.flip %a : tensor<3xf32>
    flow.yield %b : tensor<3xf32>
  }
  return
}

// -----

func.func @graph_scan_c4(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.scan 2 %x : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    %b = arith.negf %a : tensor<3xf32>
    flow.yield %b : tensor<3xf32>
  }
  return
}

// -----

func.func @graph_scan_c4(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must yield one 'tensor<3xf32>'}}
  %y = flow.scan 2 %x : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    flow.yield %a, %a : tensor<3xf32>, tensor<3xf32>
  }
  return
}

// -----

func.func @coupling_c1(%x: f32, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 0 : i64, activation = "relu"} : f32 {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c2(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{cannot leave 4 of 4 coordinates untransformed}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 4 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c2_nothing_to_see(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{cannot leave 0 of 4 coordinates untransformed}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 0 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c3(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<4xf32>) {
  // expected-error @+1 {{needs as many biases as weights, at least one, but has 2 weights and 1 biases}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0 : tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c4(%x: tensor<4xf32>, %w0: tensor<3x3xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{layer 0 takes 3 inputs but gets 2}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x3xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c4_condition(%x: tensor<4xf32>, %c: tensor<3xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{layer 0 takes 2 inputs but gets 5}}
  %y = flow.coupling %x condition(%c : tensor<3xf32>) weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c4_bias(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{bias of layer 1 needs 4 elements}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<3xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c5(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{has unknown activation 'rleu'}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "rleu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c6(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<3x3xf32>, %b0: tensor<3xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{network has 3 outputs for 2 transformed coordinates}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<3x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<3xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c7(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{transformer must take 'f32' and 'tensor<2xf32>'}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: f32):
    %b = flow.loc %a, %p : f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c8(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>, %o: f32) {
  // expected-error @+1 {{transformer must not use values from outside}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %b = flow.loc %a, %o : f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @coupling_c9(%x: tensor<4xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.coupling %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {untransformed_dim = 2 : i64, activation = "relu"} : tensor<4xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %b = arith.negf %a : f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c1(%x: f32, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : f32 {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c2(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{in_ranks must be 0 ... 1, then -1 for every element of the condition}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 1, 0>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c3(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<4xf32>) {
  // expected-error @+1 {{needs as many biases as weights, at least one, but has 2 weights and 1 biases}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0 : tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c4(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x2xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{layer 1 takes 2 inputs but gets 3}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x2xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c5(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{has unknown activation 'rleu'}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "rleu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c6(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<3x3xf32>, %b0: tensor<3xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{network has 3 outputs for 2 transformed coordinates}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<3x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<3xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c7(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{transformer must take 'f32' and 'tensor<2xf32>'}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: f32):
    %b = flow.loc %a, %p : f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c8(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>, %o: f32) {
  // expected-error @+1 {{transformer must not use values from outside}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %b = flow.loc %a, %o : f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c9(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %b = arith.negf %a : f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c10(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{hidden layer of 3 units needs as many ranks, not 2}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c11(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{hidden rank 1 is not in -1 ... 0}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 1, 0>,
       out_ranks = array<i64: 0, 0, 1, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

func.func @masked_autoregressive_c12(%x: tensor<2xf32>, %w0: tensor<3x2xf32>, %w1: tensor<4x3xf32>, %b0: tensor<3xf32>, %b1: tensor<4xf32>) {
  // expected-error @+1 {{out_ranks must repeat each of 0 ... 1 2 times}}
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<3x2xf32>, tensor<4x3xf32>)
      biases(%b0, %b1 : tensor<3xf32>, tensor<4xf32>)
      {in_ranks = array<i64: 0, 1>, hidden_ranks = array<i64: 0, 0, 0>,
       out_ranks = array<i64: 0, 1, 0, 1>, activation = "relu"} : tensor<2xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return
}

// -----

// A chain that leads in a circle: looking for its beginning ends.
func.func @invert_circle(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.invert %x : tensor<3xf32> {
  ^bb0(%t: tensor<3xf32>):
    %a = flow.tanh %b : tensor<3xf32>
    %b = flow.tanh %a : tensor<3xf32>
    flow.yield %b : tensor<3xf32>
  }
  return
}
