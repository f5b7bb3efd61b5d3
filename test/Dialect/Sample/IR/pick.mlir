// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: @pick
// CHECK: sample.pick %{{.*}}[%{{.*}}] : tensor<3xf32>[tensor<5xi32>] -> tensor<5xf32>
func.func @pick(%x: tensor<3xf32>, %p: tensor<5xi32>) -> tensor<5xf32> {
  %y = sample.pick %x[%p] : tensor<3xf32>[tensor<5xi32>] -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// CHECK-LABEL: @scatter_sum
// CHECK: sample.scatter_sum %{{.*}} to %{{.*}} : tensor<5xf64> to tensor<5xi32> -> tensor<3xf64>
func.func @scatter_sum(%x: tensor<5xf64>, %p: tensor<5xi32>) -> tensor<3xf64> {
  %y = sample.scatter_sum %x to %p : tensor<5xf64> to tensor<5xi32> -> tensor<3xf64>
  return %y : tensor<3xf64>
}
