// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s

// Many rows: an outer product with transposed inputs, of whole vectors. The two columns behind them and the biases are sums
// along lanes. Of 25 columns nine are behind the first vector, which are a vector with the ones.

// CHECK-DAG: llvm.mlir.global internal constant @[[REST:.*]](dense<[0, 4, 48, 2, 0, 0, 50, 1, 4, 4, 48, 2,
// CHECK-LABEL: func.func @kernel
// CHECK: llvm.mlir.addressof @[[REST]]
// CHECK: call @dots_4x4_f32x16
// CHECK: call @transpose_f32x16(%{{.*}}, %{{.*}}, %c48{{.*}}, %c48
// CHECK: call @outer_whole_f32x16
// CHECK: call @transpose_f32x16(%{{.*}}, %{{.*}}, %c25{{.*}}, %c32
// CHECK: call @outer_tail16_f32x16
func.func @prepare() {
  return
}
func.func @kernel(%g: tensor<48xf32> {flow.row}, %x: tensor<50xf32> {flow.row}, %v: tensor<25xf32> {flow.row})
    -> (f32 {flow.sum}, tensor<48x50xf32> {flow.sum}, tensor<48xf32> {flow.sum}, tensor<48x25xf32> {flow.sum}) {
  %loss = arith.constant 0.0 : f32
  %dw, %db = sample.outer %g, %x : tensor<48xf32>, tensor<50xf32> -> tensor<48x50xf32>, tensor<48xf32>
  %dv, %unused = sample.outer %g, %v : tensor<48xf32>, tensor<25xf32> -> tensor<48x25xf32>, tensor<48xf32>
  return %loss, %dw, %db, %dv : f32, tensor<48x50xf32>, tensor<48xf32>, tensor<48x25xf32>
}
