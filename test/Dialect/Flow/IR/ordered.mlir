// Ordered vectors survive printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @ordered
func.func @ordered(%x: tensor<3xf32>) -> tensor<3xf32> {
  // CHECK: flow.ordered %{{.*}} : tensor<3xf32>
  %y = flow.ordered %x : tensor<3xf32>
  return %y : tensor<3xf32>
}
