// RUN: flowc-opt %s -split-input-file -sample-differentiate=of=inputs -canonicalize -cse | FileCheck %s

// Cotangents go back to where elements were taken from, and the other way round.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[X:.*]]: tensor<3xf32> {flow.row}, %[[G:.*]]: tensor<5xf32> {flow.row}, %[[P:.*]]: tensor<5xi32>)
// CHECK: %[[DX:.*]] = sample.scatter_sum %[[G]] to %[[P]]
// CHECK: return %[[DX]]
func.func @kernel(%x: tensor<3xf32> {flow.row}, %p: tensor<5xi32>) -> tensor<5xf32> {
  %y = sample.pick %x[%p] : tensor<3xf32>[tensor<5xi32>] -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[X:.*]]: tensor<5xf32> {flow.row}, %[[G:.*]]: tensor<3xf32> {flow.row}, %[[P:.*]]: tensor<5xi32>)
// CHECK: %[[DX:.*]] = sample.pick %[[G]][%[[P]]]
// CHECK: return %[[DX]]
func.func @kernel(%x: tensor<5xf32> {flow.row}, %p: tensor<5xi32>) -> tensor<3xf32> {
  %y = sample.scatter_sum %x to %p : tensor<5xf32> to tensor<5xi32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
