// One function for every constraint of docs/Spec.md on sample.pick and
// sample.scatter_sum, named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @pick_c1(%x: tensor<3xf32>, %p: tensor<5xi32>) {
  // expected-error @+1 {{has 5 positions for 4 elements}}
  %0 = sample.pick %x[%p] : tensor<3xf32>[tensor<5xi32>] -> tensor<4xf32>
  return
}

// -----

func.func @pick_c2(%x: tensor<3xf32>, %p: tensor<5xi32>) {
  // expected-error @+1 {{'sample.pick' op mixes 'f32' and 'f64'}}
  %0 = sample.pick %x[%p] : tensor<3xf32>[tensor<5xi32>] -> tensor<5xf64>
  return
}

// -----

func.func @scatter_sum_c1(%x: tensor<4xf32>, %p: tensor<5xi32>) {
  // expected-error @+1 {{has 5 positions for 4 elements}}
  %0 = sample.scatter_sum %x to %p : tensor<4xf32> to tensor<5xi32> -> tensor<3xf32>
  return
}

// -----

func.func @scatter_sum_c2(%x: tensor<5xf32>, %p: tensor<5xi32>) {
  // expected-error @+1 {{'sample.scatter_sum' op mixes 'f32' and 'f64'}}
  %0 = sample.scatter_sum %x to %p : tensor<5xf32> to tensor<5xi32> -> tensor<3xf64>
  return
}

// -----

func.func @pick_c3(%x: tensor<3xf32>) {
  %p = arith.constant dense<[0, 3]> : tensor<2xi32>
  // expected-error @below {{has the position 3, which is not in 0 ... 2}}
  %y = sample.pick %x[%p] : tensor<3xf32>[tensor<2xi32>] -> tensor<2xf32>
  return
}

// -----

func.func @scatter_sum_c3(%x: tensor<2xf32>) {
  %p = arith.constant dense<[0, -1]> : tensor<2xi32>
  // expected-error @below {{has the position -1, which is not in 0 ... 2}}
  %y = sample.scatter_sum %x to %p : tensor<2xf32> to tensor<2xi32> -> tensor<3xf32>
  return
}
