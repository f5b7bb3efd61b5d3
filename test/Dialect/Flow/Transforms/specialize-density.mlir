// RUN: flowc-opt %s -split-input-file -flow-specialize=program=log_prob -canonicalize -cse | FileCheck %s

// A density alone has a log_prob: -inf where its formula is undefined for a row
// without NaNs.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[X:.*]]: f32 {flow.row}) -> f32
// CHECK: %[[NOTHING:.*]] = arith.constant 0xFF800000 : f32
// CHECK: %[[L:.*]] = math.log %[[X]]
// CHECK: arith.cmpf uno, %[[X]], %[[X]]
// CHECK: arith.cmpf uno, %[[L]], %[[L]]
// CHECK: arith.select %{{.*}}, %[[NOTHING]], %[[L]]
func.func @density(%x: f32 {flow.row}) -> f32 {
  %l = math.log %x : f32
  return %l : f32
}

// -----

// Its data come behind the event, as parameters of the kernel do.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[X:.*]]: tensor<2xf32> {flow.row}, %[[W:.*]]: tensor<3x2xf32> {flow.name = "X"}, %[[P:.*]]: tensor<2xi32> {flow.name = "p"}) -> f32
// CHECK: %[[Y:.*]] = sample.dense %[[W]], %[[X]]
// CHECK: sample.pick %[[Y]][%[[P]]]
func.func @density(%x: tensor<2xf32> {flow.row}, %w: tensor<3x2xf32> {flow.name = "X"}, %p: tensor<2xi32> {flow.name = "p"}) -> f32 {
  %y = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  %z = sample.pick %y[%p] : tensor<3xf32>[tensor<2xi32>] -> tensor<2xf32>
  %s = sample.reduce_sum %z : tensor<2xf32> -> f32
  return %s : f32
}
