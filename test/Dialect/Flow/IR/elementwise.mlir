// Elementwise bijections survive printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK: flow.exp %{{.*}} : tensor<3xf32>
  %0 = flow.exp %x : tensor<3xf32>
  // CHECK: flow.sigmoid %{{.*}} : tensor<3xf32>
  %1 = flow.sigmoid %0 : tensor<3xf32>
  // CHECK: flow.leaky_tanh %{{.*}} max 3.000000e+00 : tensor<3xf32>
  %2 = flow.leaky_tanh %1 max 3.0 : tensor<3xf32>
  // CHECK: flow.power %{{.*}} exponent -5.000000e-01 : tensor<3xf32>
  %3 = flow.power %2 exponent -0.5 : tensor<3xf32>
  // CHECK: flow.bounded_affine %{{.*}}, %{{.*}}, %{{.*}} bound 2.000000e+00 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  %4 = flow.bounded_affine %3, %x, %x bound 2.0 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  return %4 : tensor<3xf32>
}
