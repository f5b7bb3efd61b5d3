// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s
// RUN: flowc-opt %s --convert-sample-to-tile=vectors=avx --tile-assign-storage --convert-tile-to-llvm | FileCheck %s --check-prefix=AVX2

// A weight is read as it lies, forwards by rows and transposed by columns: {row0,
// rows, k0, columns, bias, offset, distance of rows, distance of columns} of blocks
// of up to four rows (with 32 registers). Without a bias there are four zeros.

// CHECK-DAG: @info(dense<[1, 112, {{[0-9]+}}, 144, 2, 1, 0, 180, 0]>
// CHECK-DAG: llvm.mlir.global internal constant @[[FORWARD:.*]](dense<[0, 4, 0, 18, 0, 0, 18, 1, 4, 1, 0, 18, 4, 72, 18, 1]>
// CHECK-DAG: llvm.mlir.global internal constant @[[ZEROS:.*]](dense<0> : tensor<8xi32>)
// CHECK-DAG: llvm.mlir.global internal constant @[[BACKWARD:.*]](dense<[0, 4, 0, 5, 0, 0, 1, 18, 4, 4, 0, 5, 0, 4, 1, 18, {{.*}}16, 2, 0, 5, 0, 16, 1, 18]>
// Five rows of weights are too few to transpose their inputs: sums along lanes, of two rows by eight columns.
// CHECK-DAG: llvm.mlir.global internal constant @[[DOTS:.*]](dense<[0, 2, 0, 18, 0, 0, 18, 1, 2, 2, {{.*}}4, 1, 0, 18, 4, 72, 18, 1]>
// All five rows of three columns each are a block.
// CHECK-DAG: llvm.mlir.global internal constant @[[MASKED:.*]](dense<[0, 5, 0, 3, 0, 0, 3, 1]>
// Ranks are there for a vector from the last one on.
// CHECK-DAG: llvm.mlir.global internal constant @[[OUT:.*]](dense<[0, 0, 1, 1, 2, 0, {{[0, ]*}}]> : tensor<21xi32>)
// CHECK-DAG: llvm.mlir.global internal constant @[[IN:.*]](dense<[0, 1, 2, 0, {{[0, ]*}}]> : tensor<32xi32>)
// CHECK-LABEL: func.func @kernel
// Masked sums start from zero: outer products leave some of their elements alone.
// CHECK: "llvm.intr.memset"
// CHECK: scf.if
// CHECK: "llvm.intr.memset"
// CHECK: "llvm.intr.memset"({{.*}}) <{isVolatile = false}>
// CHECK: scf.for
// CHECK: llvm.mlir.addressof @[[FORWARD]]
// CHECK: call @dense_identity_f32x16
// CHECK: llvm.mlir.addressof @[[ZEROS]]
// CHECK: llvm.mlir.addressof @[[BACKWARD]]
// CHECK: call @dense_identity_f32x16
// CHECK-NOT: call @transpose
// CHECK: llvm.mlir.addressof @[[DOTS]]
// CHECK: call @dots_2x8_f32x16
// CHECK: llvm.mlir.addressof @[[OUT]]
// CHECK: llvm.mlir.addressof @[[IN]]
// CHECK: llvm.mlir.addressof @[[MASKED]]
// CHECK: call @dots_5x3_all_at_least_f32x16

// AVX2-DAG: @info(dense<[1, 112, {{[0-9]+}}, 160, 2, 1, 0, 180, 0]>
// With 16 registers, blocks have up to six rows; those of weight gradients still four.
// AVX2-DAG: llvm.mlir.global internal constant @{{.*}}(dense<[0, 5, 0, 18, 0, 0, 18, 1]>
// AVX2-DAG: llvm.mlir.global internal constant @{{.*}}(dense<[0, 6, 0, 5, 0, 0, 1, 18, 6, 6, 0, 5, 0, 6, 1, 18, 12, 6, 0, 5, 0, 12, 1, 18]>
// The first block of a masked gradient has two columns, the second the third one, too.
// AVX2-DAG: llvm.mlir.global internal constant @{{.*}}(dense<[0, 4, 0, 2, 0, 0, 3, 1, 4, 1, 0, 3, 4, 12, 3, 1]>
// With 8 lanes, vectors are not halved. The fourth number of @info is the size of the sums: with 16 registers there is
// room for one more vector, which stores of a gradient's last columns may reach.
// AVX2: call @outer_tail8_f32x8
// AVX2: call @outer_tail8_at_least_f32x8
func.func @prepare(%w: tensor<5x18xf32> {flow.name = "weight", flow.trainable},
                   %b: tensor<5xf32> {flow.name = "bias", flow.trainable}) -> (tensor<5x18xf32>, tensor<5xf32>) {
  return %w, %b : tensor<5x18xf32>, tensor<5xf32>
}
func.func @kernel(%x: tensor<18xf32> {flow.row}, %v: tensor<3xf32> {flow.row}, %w: tensor<5x18xf32>, %b: tensor<5xf32>)
    -> (f32 {flow.sum}, tensor<18xf32>, tensor<5x18xf32> {flow.sum}, tensor<5xf32> {flow.sum}, tensor<5x3xf32> {flow.sum}) {
  %loss = arith.constant 0.0 : f32
  %y = sample.dense %w, %x bias(%b : tensor<5xf32>) : tensor<5x18xf32>, tensor<18xf32> -> tensor<5xf32>
  %g = sample.dense %w, %y transposed : tensor<5x18xf32>, tensor<5xf32> -> tensor<18xf32>
  %dw, %db = sample.outer %y, %x : tensor<5xf32>, tensor<18xf32> -> tensor<5x18xf32>, tensor<5xf32>
  %dv, %unused = sample.outer %y, %v mask <out = [0, 0, 1, 1, 2], in = [0, 1, 2], strict = false>
      : tensor<5xf32>, tensor<3xf32> -> tensor<5x3xf32>, tensor<5xf32>
  return %loss, %g, %dw, %db, %dv : f32, tensor<18xf32>, tensor<5x18xf32>, tensor<5xf32>, tensor<5x3xf32>
}
