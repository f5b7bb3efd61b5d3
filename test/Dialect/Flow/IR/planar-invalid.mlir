// One function for every constraint of docs/Spec.md on flow.planar, named after
// its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @planar_c1(%x: f32, %p: tensor<3xf32>) {
  // expected-error @+1 {{needs an event of rank 1 but has 'f32'}}
  %0 = flow.planar %x, %p : f32, tensor<3xf32>
  return
}

// -----

func.func @planar_c2(%x: tensor<3xf32>, %p: tensor<6xf32>) {
  // expected-error @+1 {{parameters of 'tensor<3xf32>' must be 'tensor<7xf32>' but are 'tensor<6xf32>'}}
  %0 = flow.planar %x, %p : tensor<3xf32>, tensor<6xf32>
  return
}

// -----

func.func @planar_c3(%x: tensor<3xf32>, %p: tensor<7xf32>) {
  // expected-error @+1 {{negative_slope must be a positive number but is 0}}
  %0 = flow.planar %x, %p {negative_slope = 0.0} : tensor<3xf32>, tensor<7xf32>
  return
}
