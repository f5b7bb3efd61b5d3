// Linear bijections and the ops on matrices behind them survive printing and
// parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<4xf32>, %v: tensor<4xf32>, %a: tensor<4x4xf32>) -> tensor<4xf32> {
  // CHECK: flow.householder %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>
  %0 = flow.householder %x, %v : tensor<4xf32>, tensor<4xf32>
  // CHECK: flow.discrete_cosine %{{.*}} size 2 : tensor<4xf32>
  %1 = flow.discrete_cosine %0 size 2 : tensor<4xf32>
  // CHECK: flow.triangular_affine %{{.*}}, %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>
  %2 = flow.triangular_affine %1, %v, %a : tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>
  // CHECK: flow.triangular_affine %{{.*}}, %{{.*}}, %{{.*}} upper : tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>
  %3 = flow.triangular_affine %2, %v, %a upper : tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>
  return %3 : tensor<4xf32>
}

// CHECK-LABEL: func @matrices
func.func @matrices(%w: tensor<4x3xf32>, %s: tensor<4xf32>, %a: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK: sample.weight_normalize %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<4xf32>
  %0 = sample.weight_normalize %w, %s : tensor<4x3xf32>, tensor<4xf32>
  // CHECK: sample.weight_normalize_vjp %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<4xf32>
  %1:2 = sample.weight_normalize_vjp %w, %s, %0 : tensor<4x3xf32>, tensor<4xf32>
  // CHECK: sample.diagonal %{{.*}} : tensor<4x4xf32> -> tensor<4xf32>
  %2 = sample.diagonal %a : tensor<4x4xf32> -> tensor<4xf32>
  // CHECK: sample.triangle %{{.*}}, %{{.*}} : tensor<4x4xf32>, tensor<4xf32>
  %3 = sample.triangle %a, %2 : tensor<4x4xf32>, tensor<4xf32>
  // CHECK: sample.triangle %{{.*}}, %{{.*}} upper : tensor<4x4xf32>, tensor<4xf32>
  %4 = sample.triangle %3, %1#1 upper : tensor<4x4xf32>, tensor<4xf32>
  // CHECK: sample.triangular_inverse %{{.*}} upper : tensor<4x4xf32>
  %5 = sample.triangular_inverse %4 upper : tensor<4x4xf32>
  // CHECK: sample.triangular_inverse_vjp %{{.*}}, %{{.*}} : tensor<4x4xf32>
  %6 = sample.triangular_inverse_vjp %5, %a : tensor<4x4xf32>
  // CHECK: sample.triangular_inverse_jvp %{{.*}}, %{{.*}} upper : tensor<4x4xf32>
  %8 = sample.triangular_inverse_jvp %5, %a upper : tensor<4x4xf32>
  // CHECK: sample.anti_transpose %{{.*}} : tensor<4x3xf32> -> tensor<3x4xf32>
  %9 = sample.anti_transpose %w : tensor<4x3xf32> -> tensor<3x4xf32>
  // CHECK: sample.cosine_matrix : tensor<4x4xf32>
  %7 = sample.cosine_matrix : tensor<4x4xf32>
  return %6 : tensor<4x4xf32>
}
