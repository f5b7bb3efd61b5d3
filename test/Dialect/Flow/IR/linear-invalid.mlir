// One function for every constraint of docs/Spec.md, named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @triangular_affine_c1(%x: f32, %loc: tensor<1xf32>, %a: tensor<1x1xf32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.triangular_affine %x, %loc, %a : f32, tensor<1xf32>, tensor<1x1xf32>
  return
}

// -----

func.func @triangular_affine_c2(%x: tensor<3xf32>, %loc: tensor<2xf32>, %a: tensor<3x3xf32>) {
  // expected-error @+1 {{loc must have the event's type 'tensor<3xf32>' but has 'tensor<2xf32>'}}
  %y = flow.triangular_affine %x, %loc, %a : tensor<3xf32>, tensor<2xf32>, tensor<3x3xf32>
  return
}

// -----

func.func @triangular_affine_c3(%x: tensor<3xf32>, %loc: tensor<3xf32>, %a: tensor<3x2xf32>) {
  // expected-error @+1 {{needs a matrix of 3 rows and columns but has 'tensor<3x2xf32>'}}
  %y = flow.triangular_affine %x, %loc, %a : tensor<3xf32>, tensor<3xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @householder_c1(%x: f32, %v: tensor<1xf32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.householder %x, %v : f32, tensor<1xf32>
  return
}

// -----

func.func @householder_c2(%x: tensor<3xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{normal must have the event's type 'tensor<3xf32>' but has 'tensor<4xf32>'}}
  %y = flow.householder %x, %v : tensor<3xf32>, tensor<4xf32>
  return
}

// -----

func.func @discrete_cosine_c1(%x: f32) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %y = flow.discrete_cosine %x size 1 : f32
  return
}

// -----

func.func @discrete_cosine_c2(%x: tensor<6xf32>) {
  // expected-error @+1 {{cannot split 6 elements into groups of 4}}
  %y = flow.discrete_cosine %x size 4 : tensor<6xf32>
  return
}

// -----

func.func @weight_normalize_c1(%w: tensor<4x3xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{needs one scale per row, 4, but has 3}}
  %y = sample.weight_normalize %w, %s : tensor<4x3xf32>, tensor<3xf32>
  return
}

// -----

func.func @diagonal_c1(%a: tensor<3x4xf32>) {
  // expected-error @+1 {{needs a square matrix but has 'tensor<3x4xf32>'}}
  %y = sample.diagonal %a : tensor<3x4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @diagonal_c2(%a: tensor<3x3xf32>) {
  // expected-error @+1 {{needs a diagonal of 3 elements but has 4}}
  %y = sample.diagonal %a : tensor<3x3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @triangle_c1(%a: tensor<3x4xf32>, %d: tensor<3xf32>) {
  // expected-error @+1 {{needs a square matrix but has 'tensor<3x4xf32>'}}
  %y = sample.triangle %a, %d : tensor<3x4xf32>, tensor<3xf32>
  return
}

// -----

func.func @triangle_c2(%a: tensor<3x3xf32>, %d: tensor<2xf32>) {
  // expected-error @+1 {{needs a diagonal of 3 elements but has 2}}
  %y = sample.triangle %a, %d : tensor<3x3xf32>, tensor<2xf32>
  return
}

// -----

func.func @triangular_inverse_c1(%a: tensor<3x4xf32>) {
  // expected-error @+1 {{needs a square matrix but has 'tensor<3x4xf32>'}}
  %y = sample.triangular_inverse %a : tensor<3x4xf32>
  return
}

// -----

func.func @cosine_matrix_c1() {
  // expected-error @+1 {{needs a square matrix but has 'tensor<3x4xf32>'}}
  %y = sample.cosine_matrix : tensor<3x4xf32>
  return
}

// -----

func.func @anti_transpose_c1(%a: tensor<3x2xf32>) {
  // expected-error @+1 {{cannot mirror 'tensor<3x2xf32>' to 'tensor<3x2xf32>'}}
  %y = sample.anti_transpose %a : tensor<3x2xf32> -> tensor<3x2xf32>
  return
}
