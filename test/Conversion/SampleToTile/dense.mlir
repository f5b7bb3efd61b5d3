// Products are ops with tables of their blocks; what is applied to sums is their region. A weight gradient is made
// of sums along lanes, or of products with transposed rows.
// RUN: flowc-opt %s --convert-sample-to-tile --canonicalize --cse | FileCheck %s

// CHECK-DAG: tile.table @[[BLOCKS:.*]] dense<[0, 4, 0, 3, 0, 0, 3, 1, 4, 1, 0, 3, 4, 12, 3, 1]> : tensor<16xi32>
// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %{{.*}}: !tile.memory, %{{.*}}: !tile.memory, %{{.*}}: !tile.memory, %[[WORKSPACE:.*]]: !tile.memory,
// CHECK: %[[W:.*]] = tile.parameter %{{.*}}[0] : <15xf32, uniform>
// CHECK: %[[B:.*]] = tile.parameter %{{.*}}[16] : <5xf32, uniform>
// CHECK: %[[SUMS:.*]] = tile.argument %{{.*}}[1] : <{{[0-9]+}}xf32, uniform>
// CHECK: tile.clear
// CHECK: %[[DW:.*]] = tile.view %[[SUMS]][%{{.*}}] : {{.*}} to <15xf32, uniform>
// CHECK: tile.load_rows %{{.*}}, %[[X:[^ ]*]] rows
// CHECK: %[[Y:.*]] = tile.alloc %[[WORKSPACE]]
// CHECK: %[[T:.*]] = tile.constant @[[BLOCKS]]
// CHECK: tile.dense %[[W]], %[[B]] by %[[T]] blocks %{{.*}} to %{{.*}} of %[[X]] into %[[Y]] rows %[[N:[^ ]*]] lanes repeated : {{.*}} {
// CHECK-NEXT: ^bb0(%[[U:.*]]: f32):
// CHECK-NEXT: %[[H:.*]] = math.tanh %[[U]] : f32
// CHECK-NEXT: sample.yield %[[H]] : f32
// The map that follows is computed with the sums in registers.
// CHECK: tile.dense {{.*}} of %[[X]] into %[[G:[^ ]*]] with %[[Y]] : !tile.buffer<5xf32, rows> rows %[[N]] lanes repeated {of_operand = 1 : i64} : {{.*}} {
// CHECK-NEXT: ^bb0(%[[U:.*]]: f32, %[[V:.*]]: f32):
// CHECK-NEXT: arith.mulf %[[U]], %[[V]] : f32
// CHECK: tile.dots %[[G]], %[[X]] into %[[DW]], %{{.*}} by %{{.*}} rows %[[N]] first %{{.*}} columns = 3 which = all blocks =
func.func @prepare(%w: tensor<5x3xf32> {flow.name = ".w", flow.trainable}, %b: tensor<5xf32> {flow.name = ".b", flow.trainable})
    -> (tensor<5x3xf32>, tensor<5xf32>) {
  return %w, %b : tensor<5x3xf32>, tensor<5xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<5x3xf32>, %b: tensor<5xf32>)
    -> (tensor<5xf32>, f32 {flow.sum}, tensor<5x3xf32> {flow.sum}, tensor<5xf32> {flow.sum}) {
  %loss = arith.constant 0.0 : f32
  %y = sample.dense %w, %x bias(%b : tensor<5xf32>) : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32> {
  ^bb0(%u: f32):
    %h = math.tanh %u : f32
    sample.yield %h : f32
  }
  %p = sample.dense %w, %x : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  %g = sample.map 5 indexed(%p, %y : tensor<5xf32>, tensor<5xf32>) {
  ^bb0(%u: f32, %v: f32):
    %m = arith.mulf %u, %v : f32
    sample.yield %m : f32
  } -> (tensor<5xf32>), ()
  %dw, %db = sample.outer %g, %x : tensor<5xf32>, tensor<3xf32> -> tensor<5x3xf32>, tensor<5xf32>
  return %y, %loss, %dw, %db : tensor<5xf32>, f32, tensor<5x3xf32>, tensor<5xf32>
}
