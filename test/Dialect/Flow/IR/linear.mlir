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
  // CHECK: flow.weight_normalize %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<4xf32>
  %0 = flow.weight_normalize %w, %s : tensor<4x3xf32>, tensor<4xf32>
  // CHECK: flow.weight_normalize_vjp %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<4xf32>
  %1:2 = flow.weight_normalize_vjp %w, %s, %0 : tensor<4x3xf32>, tensor<4xf32>
  // CHECK: flow.diagonal %{{.*}} : tensor<4x4xf32> -> tensor<4xf32>
  %2 = flow.diagonal %a : tensor<4x4xf32> -> tensor<4xf32>
  // CHECK: flow.triangle %{{.*}}, %{{.*}} : tensor<4x4xf32>, tensor<4xf32>
  %3 = flow.triangle %a, %2 : tensor<4x4xf32>, tensor<4xf32>
  // CHECK: flow.triangle %{{.*}}, %{{.*}} upper : tensor<4x4xf32>, tensor<4xf32>
  %4 = flow.triangle %3, %1#1 upper : tensor<4x4xf32>, tensor<4xf32>
  // CHECK: flow.triangular_inverse %{{.*}} upper : tensor<4x4xf32>
  %5 = flow.triangular_inverse %4 upper : tensor<4x4xf32>
  // CHECK: flow.triangular_inverse_vjp %{{.*}}, %{{.*}} : tensor<4x4xf32>
  %6 = flow.triangular_inverse_vjp %5, %a : tensor<4x4xf32>
  // CHECK: flow.triangular_inverse_jvp %{{.*}}, %{{.*}} upper : tensor<4x4xf32>
  %8 = flow.triangular_inverse_jvp %5, %a upper : tensor<4x4xf32>
  // CHECK: flow.anti_transpose %{{.*}} : tensor<4x3xf32> -> tensor<3x4xf32>
  %9 = flow.anti_transpose %w : tensor<4x3xf32> -> tensor<3x4xf32>
  // CHECK: flow.cosine_matrix : tensor<4x4xf32>
  %7 = flow.cosine_matrix : tensor<4x4xf32>
  return %6 : tensor<4x4xf32>
}
