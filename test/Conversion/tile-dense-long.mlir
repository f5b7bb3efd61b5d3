// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s

// A matrix of data may have any number of rows: the table describes 2048, and a loop
// moves weights and results on. 10000 = 4 * 2048 + 1808.

// CHECK-DAG: llvm.mlir.global internal constant @[[PART:.*]](dense<"0x{{[0-9A-F]*}}"> : tensor<4096xi32>)
// CHECK-DAG: llvm.mlir.global internal constant @[[REST:.*]](dense<"0x{{[0-9A-F]*}}"> : tensor<3616xi32>)
// CHECK-LABEL: func.func @kernel
// CHECK: %[[COUNT:.*]] = arith.constant 4 : index
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[COUNT]]
// CHECK: llvm.mlir.addressof @[[PART]]
// CHECK: call @dense_identity_f32x16
// CHECK: llvm.mlir.addressof @[[REST]]
// CHECK: call @dense_identity_f32x16
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<10000x3xf32>) -> tensor<10000xf32> {
  %y = sample.dense %w, %x : tensor<10000x3xf32>, tensor<3xf32> -> tensor<10000xf32>
  return %y : tensor<10000xf32>
}
func.func @prepare(%w: tensor<10000x3xf32>) -> tensor<10000x3xf32> {
  return %w : tensor<10000x3xf32>
}
