// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s

// The derivative of a relu is computed with the product on the way back, of which it is the only user. A longer map of a
// product, and one of a product that is used again, are loops.

// CHECK-LABEL: func.func @kernel
// CHECK: call @dense_activation_{{[0-9A-F]+}}_0_1_f32x16
// CHECK: call @dense_identity_f32x16
// CHECK: arith.subf
// CHECK-NOT: arith.cmpf ugt
// CHECK-LABEL: func.func private @dense_activation_{{[0-9A-F]+}}_0_1_f32x16(
// CHECK: arith.cmpf ugt
func.func @prepare(%w: tensor<5x3xf32> {flow.name = "weight"}) -> tensor<5x3xf32> {
  return %w : tensor<5x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %h: tensor<5xf32> {flow.row}, %w: tensor<5x3xf32>)
    -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) {
  %a = sample.dense %w, %x : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  %gated = sample.map 5 indexed(%a, %h : tensor<5xf32>, tensor<5xf32>) {
  ^bb0(%u: f32, %v: f32):
    %zero = arith.constant 0.0 : f32
    %positive = arith.cmpf ugt, %v, %zero : f32
    %r = arith.select %positive, %u, %zero : f32
    sample.yield %r : f32
  } -> (tensor<5xf32>), ()
  %b = sample.dense %w, %x : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  %difference = sample.map 5 indexed(%b, %h : tensor<5xf32>, tensor<5xf32>) {
  ^bb0(%u: f32, %v: f32):
    %r = arith.subf %u, %v : f32
    sample.yield %r : f32
  } -> (tensor<5xf32>), ()
  return %gated, %difference, %b : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
}
