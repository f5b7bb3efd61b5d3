// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @detach
func.func @detach(%x: f32, %w: tensor<4x3xf32>) -> (f32, tensor<4x3xf32>) {
  // CHECK: flow.detach %{{.*}} : f32
  %a = flow.detach %x : f32
  // CHECK: flow.detach %{{.*}} : tensor<4x3xf32>
  %b = flow.detach %w : tensor<4x3xf32>
  return %a, %b : f32, tensor<4x3xf32>
}

// CHECK-LABEL: func @surrogate
func.func @surrogate(%l: f32, %x: tensor<2xf32>, %p: tensor<6xf32>) -> (f32, tensor<2xf32>) {
  // CHECK: flow.surrogate %{{.*}} at %{{.*}} slope %{{.*}} : f32, tensor<2xf32>
  %a = flow.surrogate %l at %x slope %x : f32, tensor<2xf32>
  // CHECK: flow.surrogate %{{.*}} at %{{.*}}, %{{.*}} slope %{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xf32>, tensor<6xf32>
  %b = flow.surrogate %x at %x, %p slope %x, %p : tensor<2xf32>, tensor<2xf32>, tensor<6xf32>
  return %a, %b : f32, tensor<2xf32>
}
