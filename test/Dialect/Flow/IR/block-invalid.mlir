// One function for every constraint of docs/Spec.md on block autoregressive networks,
// named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @block_autoregressive_network_c1(%x: f32, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %0 = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) : f32
  return
}

// -----

func.func @block_autoregressive_network_c2(%x: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<5xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{bias 'tensor<5xf32>' does not fit the weight 'tensor<6x3xf32>'}}
  %0 = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<5xf32>, tensor<3xf32>) : tensor<3xf32>
  return
}

// -----

func.func @block_autoregressive_network_c3(%x: tensor<3xf32>, %w0: tensor<7x3xf32>, %b0: tensor<7xf32>, %w1: tensor<3x7xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{weight 'tensor<7x3xf32>' of layer 0 must have 3 columns and a multiple of 3 rows}}
  %0 = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<7x3xf32>, tensor<3x7xf32>) biases(%b0, %b1 : tensor<7xf32>, tensor<3xf32>) : tensor<3xf32>
  return
}

// -----

func.func @block_autoregressive_network_c3_last(%x: tensor<3xf32>, %w: tensor<6x3xf32>, %b: tensor<6xf32>) {
  // expected-error @+1 {{the last layer must have 3 rows but has 6}}
  %0 = flow.block_autoregressive_network %x weights(%w : tensor<6x3xf32>) biases(%b : tensor<6xf32>) : tensor<3xf32>
  return
}

// -----

func.func @block_autoregressive_network_c4(%x: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %c: tensor<2xf32>) {
  // expected-error @+1 {{needs both or neither of condition and cond_weight}}
  %0 = flow.block_autoregressive_network %x condition(%c : tensor<2xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) : tensor<3xf32>
  return
}

// -----

func.func @block_autoregressive_network_c4_shape(%x: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %c: tensor<2xf32>, %v: tensor<6x3xf32>) {
  // expected-error @+1 {{cond_weight 'tensor<6x3xf32>' does not map the condition 'tensor<2xf32>' to the first layer}}
  %0 = flow.block_autoregressive_network %x condition(%c : tensor<2xf32>) cond_weight(%v : tensor<6x3xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) : tensor<3xf32>
  return
}

// -----

func.func @block_autoregressive_network_c5(%x: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{needs the name of an activation or a bijection, but not both}}
  %0 = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) {activation = "step"} : tensor<3xf32>
  return
}

// -----

func.func @block_autoregressive_network_c6(%x: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{activation must take one 'f32'}}
  %0 = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) : tensor<3xf32> {
  ^bb0(%z: tensor<3xf32>):
    flow.yield %z : tensor<3xf32>
  }
  return
}

// -----

func.func @block_autoregressive_network_c6_chain(%x: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %0 = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) : tensor<3xf32> {
  ^bb0(%z: f32):
    %t = math.tanh %z : f32
    flow.yield %t : f32
  }
  return
}

// -----

func.func @block_diagonal_c1(%a: tensor<5x6xf32>) {
  // expected-error @+1 {{cannot cut 'tensor<5x6xf32>' into 3 x 3 blocks}}
  %0 = sample.block_diagonal %a blocks = 3 : tensor<5x6xf32> -> tensor<5x2xf32>
  return
}

// -----

func.func @block_diagonal_c2(%a: tensor<6x6xf32>) {
  // expected-error @+1 {{diagonal blocks of 'tensor<6x6xf32>' need 6 x 2 elements but have 'tensor<6x3xf32>'}}
  %0 = sample.block_diagonal %a blocks = 3 : tensor<6x6xf32> -> tensor<6x3xf32>
  return
}

// -----

func.func @block_triangle_c1(%a: tensor<6x5xf32>, %d: tensor<6x2xf32>) {
  // expected-error @+1 {{cannot cut 'tensor<6x5xf32>' into 3 x 3 blocks}}
  %0 = sample.block_triangle %a, %d blocks = 3 : tensor<6x5xf32>, tensor<6x2xf32>
  return
}

// -----

func.func @block_triangle_c2(%a: tensor<6x6xf32>, %d: tensor<3x2xf32>) {
  // expected-error @+1 {{diagonal blocks of 'tensor<6x6xf32>' need 6 x 2 elements but have 'tensor<3x2xf32>'}}
  %0 = sample.block_triangle %a, %d blocks = 3 : tensor<6x6xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @block_dense_c1(%w: tensor<6x2xf32>, %x: tensor<5xf32>) {
  // expected-error @+1 {{3 blocks of 'tensor<6x2xf32>' do not map 'tensor<5xf32>' to 'tensor<6xf32>'}}
  %0 = sample.block_dense %w, %x blocks = 3 : tensor<6x2xf32>, tensor<5xf32> -> tensor<6xf32>
  return
}

// -----

func.func @block_outer_c1(%g: tensor<6xf32>, %x: tensor<5xf32>) {
  // expected-error @+1 {{3 blocks of 'tensor<6x2xf32>' do not map 'tensor<5xf32>' to 'tensor<6xf32>'}}
  %0 = sample.block_outer %g, %x blocks = 3 : tensor<6xf32>, tensor<5xf32> -> tensor<6x2xf32>
  return
}

// -----

func.func @block_sweep_c1(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<5xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>) {
  // expected-error @+1 {{bias 'tensor<5xf32>' does not fit the weight 'tensor<6x3xf32>'}}
  %0:2 = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<5xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_sweep_c1_diagonal(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x1xf32>) {
  // expected-error @+1 {{diagonal blocks of 'tensor<3x6xf32>' need 3 x 2 elements but have 'tensor<3x1xf32>'}}
  %0:2 = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x1xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_sweep_c2(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>, %o: tensor<5xf32>) {
  // expected-error @+1 {{offset 'tensor<5xf32>' must have the type of the first bias, 'tensor<6xf32>'}}
  %0:2 = sample.block_sweep %y offset(%o : tensor<5xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_sweep_c3(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>) {
  // expected-error @+1 {{needs no bounds or five of type 'tensor<3xf32>'}}
  %0:2 = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) bounds(%y, %y : tensor<3xf32>, tensor<3xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_sweep_c4(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>) {
  // expected-error @+1 {{activation must take 'f32' but takes 'f32', 'f32'}}
  %0:2 = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32, %s: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_sweep_c4_yield(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>) {
  // expected-error @+1 {{activation must yield a value and its derivative}}
  %0:2 = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32):
    sample.yield %z : f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_sweep_c5(%y: tensor<3xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>, %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>) {
  // expected-error @+1 {{has a surrogate but no bounds}}
  %0:2 = sample.block_sweep %y weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) attributes {leak = 0.0} {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } surrogate {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  return
}

// -----

func.func @block_adjoint_c1(%g: tensor<3xf32>, %s: tensor<6xf32>, %w0: tensor<6x3xf32>, %w1: tensor<3x6xf32>, %d0: tensor<6x1xf32>, %d1: tensor<2x3xf32>) {
  // expected-error @+1 {{diagonal blocks of 'tensor<3x6xf32>' need 3 x 2 elements but have 'tensor<2x3xf32>'}}
  %0 = sample.block_adjoint %g slopes(%s : tensor<6xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<2x3xf32>) : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @block_adjoint_c2(%g: tensor<3xf32>, %s: tensor<5xf32>, %w0: tensor<6x3xf32>, %w1: tensor<3x6xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>) {
  // expected-error @+1 {{slopes 'tensor<5xf32>' do not fit the weight 'tensor<6x3xf32>'}}
  %0 = sample.block_adjoint %g slopes(%s : tensor<5xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) : tensor<3xf32> -> tensor<3xf32>
  return
}
