// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @planar
func.func @planar(%x: tensor<3xf32>, %p: tensor<7xf32>) -> tensor<3xf32> {
  // CHECK: flow.planar %{{.*}}, %{{.*}} : tensor<3xf32>, tensor<7xf32>
  %0 = flow.planar %x, %p : tensor<3xf32>, tensor<7xf32>
  // CHECK: flow.planar %{{.*}}, %{{.*}} {negative_slope = 1.000000e-01 : f64} : tensor<3xf32>, tensor<7xf32>
  %1 = flow.planar %0, %p {negative_slope = 0.1} : tensor<3xf32>, tensor<7xf32>
  return %1 : tensor<3xf32>
}
