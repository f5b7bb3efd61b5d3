// RUN: flowc-opt %s --split-input-file --sample-pack-weights | FileCheck %s

// Five rows are a block of four and one of one: {row, rows, column, columns,
// offset} each. The panel takes biases and weights block by block. A block covers
// the columns that any of its rows has: here the first block none of the last
// column, and the mask fills the holes.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[W:.*]]: tensor<5x3xf32> {{.*}}, %[[B:.*]]: tensor<5xf32> {{.*}}) -> tensor<16xf32>
// CHECK: %[[PANEL:.*]] = sample.pack %[[W]] bias(%[[B]] : tensor<5xf32>) blocks = [0, 4, 0, 2, 0, 4, 1, 0, 3, 12] mask <out = [0, 0, 1, 1, 2], in = [0, 1, 2], strict = false>
// CHECK: return %[[PANEL]]
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[P:.*]]: tensor<16xf32>)
// CHECK: sample.panel_dense %[[P]], %[[X]] blocks = [0, 4, 0, 2, 0, 4, 1, 0, 3, 12] macs = 9
func.func @prepare(%w: tensor<5x3xf32> {flow.name = "weight"}, %b: tensor<5xf32> {flow.name = "bias"})
    -> (tensor<5x3xf32>, tensor<5xf32>) {
  return %w, %b : tensor<5x3xf32>, tensor<5xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<5x3xf32>, %b: tensor<5xf32>) -> tensor<5xf32> {
  %y = sample.dense %w, %x bias(%b : tensor<5xf32>) mask <out = [0, 0, 1, 1, 2], in = [0, 1, 2], strict = false>
      : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// A weight without a mask is read as it lies.

// CHECK-LABEL: func.func @prepare
// CHECK-NOT: sample.pack
// CHECK-LABEL: func.func @kernel
// CHECK: sample.dense
func.func @prepare(%w: tensor<5x3xf32> {flow.name = "weight"}) -> tensor<5x3xf32> {
  return %w : tensor<5x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<5x3xf32>) -> tensor<5xf32> {
  %y = sample.dense %w, %x : tensor<5x3xf32>, tensor<3xf32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// Layers of a scan are packed by a scan.

// CHECK-LABEL: func.func @prepare
// CHECK: %[[PANELS:.*]] = sample.scan 7 over(%{{.*}} : tensor<7x2x3xf32>)
// CHECK: sample.pack
// CHECK: } -> (), (tensor<7x8xf32>)
// CHECK: return %[[PANELS]]
// CHECK-LABEL: func.func @kernel
// CHECK: sample.scan 7 carries(%{{.*}} : tensor<3xf32>) over(%{{.*}} : tensor<7x8xf32>)
// CHECK: sample.panel_dense
func.func @prepare(%w: tensor<7x2x3xf32> {flow.name = "weight"}) -> tensor<7x2x3xf32> {
  return %w : tensor<7x2x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<7x2x3xf32>) -> tensor<3xf32> {
  %y = sample.scan 7 carries(%x : tensor<3xf32>) over(%w : tensor<7x2x3xf32>) {
  ^bb0(%c: tensor<3xf32>, %l: tensor<2x3xf32>):
    %h = sample.dense %l, %c mask <out = [0, 1], in = [0, 1, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
    %a, %b, %d = sample.split %c : tensor<3xf32> -> f32, f32, f32
    %n = sample.concat %h, %a : tensor<2xf32>, f32 -> tensor<3xf32>
    sample.yield %n : tensor<3xf32>
  } -> (tensor<3xf32>), ()
  return %y : tensor<3xf32>
}

// -----

// A weight has a panel for each mask, bias and orientation that it is used with, and
// not one more.

// CHECK-LABEL: func.func @prepare
// CHECK-COUNT-5: sample.pack
// CHECK-NOT: sample.pack
// CHECK: return
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[FIRST:[a-z0-9]+]]: tensor<{{[0-9]+}}xf32>, %[[MASK:[a-z0-9]+]]: tensor<{{[0-9]+}}xf32>, %[[BIAS:[a-z0-9]+]]: tensor<{{[0-9]+}}xf32>, %[[OTHER:[a-z0-9]+]]: tensor<{{[0-9]+}}xf32>, %[[TURNED:[a-z0-9]+]]: tensor<{{[0-9]+}}xf32>)
// CHECK: sample.panel_dense %[[FIRST]],
// CHECK: sample.panel_dense %[[MASK]],
// CHECK: sample.panel_dense %[[BIAS]],
// CHECK: sample.panel_dense %[[OTHER]],
// CHECK: sample.panel_dense %[[TURNED]],
// CHECK: sample.panel_dense %[[FIRST]],
func.func @prepare(%w: tensor<3x3xf32> {flow.name = "weight"}, %b: tensor<3xf32> {flow.name = "bias"},
    %d: tensor<3xf32> {flow.name = "other"}) -> (tensor<3x3xf32>, tensor<3xf32>, tensor<3xf32>) {
  return %w, %b, %d : tensor<3x3xf32>, tensor<3xf32>, tensor<3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<3x3xf32>, %b: tensor<3xf32>, %d: tensor<3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %0 = sample.dense %w, %x mask <out = [0, 1, 2], in = [0, 1, 2], strict = false> : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  %1 = sample.dense %w, %x mask <out = [0, 0, 1], in = [0, 0, 1], strict = false> : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  %2 = sample.dense %w, %x bias(%b : tensor<3xf32>) mask <out = [0, 1, 2], in = [0, 1, 2], strict = false> : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  %3 = sample.dense %w, %x bias(%d : tensor<3xf32>) mask <out = [0, 1, 2], in = [0, 1, 2], strict = false> : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  %4 = sample.dense %w, %x transposed mask <out = [0, 1, 2], in = [0, 1, 2], strict = false> : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  %5 = sample.dense %w, %x mask <out = [0, 1, 2], in = [0, 1, 2], strict = false> : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// Steps of a sweep with one unit each share a block ahead, of what is there at the first of them,
// and add the rest one by one. Here that is so of the first stage: its units 2 to 0 begin with
// inputs 9 to 23, units 6 to 3 with none. (The last step has no unit.)

// CHECK-LABEL: func.func @kernel
// CHECK: sample.panel_sweep 8 reverse
// CHECK-SAME: ahead = [array<i32: 0, 0, 1, 0, 0, 0, 0, 1>, array<i32>]
// CHECK-SAME: block_ends = [array<i32: 0, 1, 2, 4, 5, 6, 7, 8, 9>, array<i32: 0, 1, 2, 3, 4, 5, 6, 7, 8>]
// CHECK-SAME: blocks = [array<i32: 0, 1, 3, 6, 0, 1, 1, 6, 3, 7, 0, 3, 9, 15, 11, 2, 1, 9, 0, 59, 3, 1, 12, 12, 60, 4, 1, 15, 9, 73, 5, 1, 18, 6, 83, 6, 1, 21, 3, 90, 3, 4, 24, 0, 94>
// CHECK-SAME: macs = 112
func.func @prepare(%w: tensor<7x24xf32> {flow.name = "w"}, %v: tensor<8x7xf32> {flow.name = "v"})
    -> (tensor<7x24xf32>, tensor<8x7xf32>) {
  return %w, %v : tensor<7x24xf32>, tensor<8x7xf32>
}
func.func @kernel(%x: tensor<8xf32> {flow.row}, %w: tensor<7x24xf32>, %v: tensor<8x7xf32>) -> tensor<24xf32> {
  %units, %state = sample.sweep 8 reverse weights(%w, %v : tensor<7x24xf32>, tensor<8x7xf32>) indexed(%x : tensor<8xf32>)
      attributes {indexed_stage = array<i64: 1>,
                  row_ends = [array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 7>, array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 8>]} {
  ^bb0(%a: f32):
    sample.yield %a : f32
  }, {
  ^bb0(%a: f32, %b: f32):
    %sum = arith.addf %a, %b : f32
    %all = sample.concat %sum, %a, %b : f32, f32, f32 -> tensor<3xf32>
    sample.yield %all : tensor<3xf32>
  } -> (tensor<7xf32>), tensor<24xf32>, (), ()
  return %state : tensor<24xf32>
}
