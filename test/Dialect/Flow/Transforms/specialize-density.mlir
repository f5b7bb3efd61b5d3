// RUN: flowc-opt %s -flow-specialize=program=log_prob -canonicalize -cse | FileCheck %s

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
