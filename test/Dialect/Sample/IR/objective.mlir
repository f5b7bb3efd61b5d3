// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @detach
func.func @detach(%x: f32, %w: tensor<4x3xf32>) -> (f32, tensor<4x3xf32>) {
  // CHECK: sample.detach %{{.*}} : f32
  %a = sample.detach %x : f32
  // CHECK: sample.detach %{{.*}} : tensor<4x3xf32>
  %b = sample.detach %w : tensor<4x3xf32>
  return %a, %b : f32, tensor<4x3xf32>
}

// CHECK-LABEL: func @surrogate
func.func @surrogate(%l: f32, %x: tensor<2xf32>, %p: tensor<6xf32>) -> (f32, tensor<2xf32>) {
  // CHECK: sample.surrogate %{{.*}} at %{{.*}} slope %{{.*}} : f32, tensor<2xf32>
  %a = sample.surrogate %l at %x slope %x : f32, tensor<2xf32>
  // CHECK: sample.surrogate %{{.*}} at %{{.*}}, %{{.*}} slope %{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xf32>, tensor<6xf32>
  %b = sample.surrogate %x at %x, %p slope %x, %p : tensor<2xf32>, tensor<2xf32>, tensor<6xf32>
  return %a, %b : f32, tensor<2xf32>
}
