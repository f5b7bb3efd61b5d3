// RUN: flowc-opt %s --split-input-file --flow-pack-weights | FileCheck %s

// Five rows are a block of four and one of one: {row, rows, column, columns,
// offset} each. The panel takes biases and weights block by block.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[W:.*]]: tensor<5x3xf32> {{.*}}, %[[B:.*]]: tensor<5xf32> {{.*}}) -> tensor<20xf32>
// CHECK: %[[PANEL:.*]] = flow.pack %[[W]] bias(%[[B]] : tensor<5xf32>) blocks = [0, 4, 0, 3, 0, 4, 1, 0, 3, 16]
// CHECK: return %[[PANEL]]
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[P:.*]]: tensor<20xf32>)
// CHECK: flow.panel_dense %[[P]], %[[X]] blocks = [0, 4, 0, 3, 0, 4, 1, 0, 3, 16] macs = 15
func.func @prepare(%w: tensor<5x3xf32> {flow.name = "weight"}, %b: tensor<5xf32> {flow.name = "bias"})
    -> (tensor<5x3xf32>, tensor<5xf32>) {
  return %w, %b : tensor<5x3xf32>, tensor<5xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<5x3xf32>, %b: tensor<5xf32>) -> tensor<5xf32> {
  %y = flow.dense %w, %x bias(%b : tensor<5xf32>) : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// Of a masked weight a block covers the columns that any of its rows has: here
// the first block none of the last column, and the mask fills the holes.

// CHECK-LABEL: func.func @prepare
// CHECK: flow.pack %{{.*}} blocks = [0, 4, 0, 2, 0, 4, 1, 0, 3, 12] mask <out = [0, 0, 1, 1, 2], in = [0, 1, 2], strict = false>
// CHECK-LABEL: func.func @kernel
// CHECK: macs = 9
func.func @prepare(%w: tensor<5x3xf32> {flow.name = "weight"}) -> tensor<5x3xf32> {
  return %w : tensor<5x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<5x3xf32>) -> tensor<5xf32> {
  %y = flow.dense %w, %x mask <out = [0, 0, 1, 1, 2], in = [0, 1, 2], strict = false> : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// Layers of a scan are packed by a scan.

// CHECK-LABEL: func.func @prepare
// CHECK: %[[PANELS:.*]] = flow.scan 7 over(%{{.*}} : tensor<7x2x3xf32>)
// CHECK: flow.pack
// CHECK: } -> (), (tensor<7x8xf32>)
// CHECK: return %[[PANELS]]
// CHECK-LABEL: func.func @kernel
// CHECK: flow.scan 7 carries(%{{.*}} : tensor<3xf32>) over(%{{.*}} : tensor<7x8xf32>)
// CHECK: flow.panel_dense
func.func @prepare(%w: tensor<7x2x3xf32> {flow.name = "weight"}) -> tensor<7x2x3xf32> {
  return %w : tensor<7x2x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<7x2x3xf32>) -> tensor<3xf32> {
  %y = flow.scan 7 carries(%x : tensor<3xf32>) over(%w : tensor<7x2x3xf32>) {
  ^bb0(%c: tensor<3xf32>, %l: tensor<2x3xf32>):
    %h = flow.dense %l, %c : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
    %a, %b, %d = flow.split %c : tensor<3xf32> -> f32, f32, f32
    %n = flow.concat %h, %a : tensor<2xf32>, f32 -> tensor<3xf32>
    flow.yield %n : tensor<3xf32>
  } -> (tensor<3xf32>), ()
  return %y : tensor<3xf32>
}

// -----

// The cotangents of a weight and its bias are one panel, rows padded to whole
// vectors, that @finish unpacks.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: -> (f32 {flow.sum}, tensor<5x16xf32> {flow.sum})
// CHECK: flow.panel_outer {{.*}} -> tensor<5x16xf32>
// CHECK-LABEL: func.func @finish
// CHECK-SAME: %[[PANEL:arg[0-9]+]]: tensor<5x16xf32> {flow.cotangent})
// CHECK: %[[W:.*]], %[[B:.*]] = flow.unpack_outer %[[PANEL]]
// CHECK: return %[[W]], %[[B]]
func.func @prepare() {
  return
}
func.func @kernel(%g: tensor<5xf32> {flow.row}, %x: tensor<3xf32> {flow.row})
    -> (f32 {flow.sum}, tensor<5x3xf32> {flow.sum}, tensor<5xf32> {flow.sum}) {
  %loss = arith.constant 0.0 : f32
  %w, %b = flow.outer %g, %x : tensor<5xf32>, tensor<3xf32> -> tensor<5x3xf32>, tensor<5xf32>
  return %loss, %w, %b : f32, tensor<5x3xf32>, tensor<5xf32>
}
func.func @finish(%leaf: tensor<5x3xf32> {flow.name = "weight", flow.trainable}, %w: tensor<5x3xf32> {flow.cotangent},
                  %b: tensor<5xf32> {flow.cotangent}) -> (tensor<5x3xf32>, tensor<5xf32>) {
  return %w, %b : tensor<5x3xf32>, tensor<5xf32>
}
