// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @detach
func.func @detach(%x: f32, %w: tensor<4x3xf32>) -> (f32, tensor<4x3xf32>) {
  // CHECK: flow.detach %{{.*}} : f32
  %a = flow.detach %x : f32
  // CHECK: flow.detach %{{.*}} : tensor<4x3xf32>
  %b = flow.detach %w : tensor<4x3xf32>
  return %a, %b : f32, tensor<4x3xf32>
}
