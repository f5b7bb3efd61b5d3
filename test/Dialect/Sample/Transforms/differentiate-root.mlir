// RUN: flowc-opt %s --sample-differentiate --canonicalize --cse | FileCheck %s

// The implicit function theorem: for f(t; c, y) = t + c t^3 - y = 0 the cotangent g
// of t goes to f as -g / f'(t), and from there to c (times t^3) and y (times -1).
// The root is not searched for again, and the bounds have no cotangent.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:.*]]: f32 {flow.row}, %[[C:.*]]: f32, %[[Y:.*]]: f32)
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[W:.*]] = sample.row_weight
// CHECK: %[[T:.*]] = sample.root above(%[[X]] : f32) operands(%[[C]], %[[Y]] : f32, f32) {
// CHECK: } : f32
// CHECK-NOT: sample.root
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[T]], %[[T]]
// CHECK: %[[CUBE:.*]] = arith.mulf %[[SQUARE]], %[[T]]
// CHECK: %[[SLOPE:.*]] = arith.addf %{{.*}}, %[[ONE]]
// CHECK: %[[DY:.*]] = arith.divf %[[W]], %[[SLOPE]]
// CHECK: %[[SEED:.*]] = arith.negf %[[DY]]
// CHECK: %[[DC:.*]] = arith.mulf %[[SEED]], %[[CUBE]]
// CHECK: return %{{.*}}, %[[DC]], %[[DY]]
func.func @prepare(%c: f32 {flow.name = "c", flow.trainable}, %y: f32 {flow.name = "y", flow.trainable}) -> (f32, f32) {
  return %c, %y : f32, f32
}
func.func @kernel(%x: f32 {flow.row}, %c: f32, %y: f32) -> f32 {
  %t = sample.root above(%x : f32) operands(%c, %y : f32, f32) {
  ^bb0(%s: f32, %ci: f32, %yi: f32):
    %one = arith.constant 1.0 : f32
    %three = arith.constant 3.0 : f32
    %square = arith.mulf %s, %s : f32
    %cube = arith.mulf %square, %s : f32
    %term = arith.mulf %ci, %cube : f32
    %sum = arith.addf %s, %term : f32
    %f = arith.subf %sum, %yi : f32
    %factor = arith.mulf %ci, %three : f32
    %rest = arith.mulf %factor, %square : f32
    %slope = arith.addf %one, %rest : f32
    sample.yield %f, %slope : f32, f32
  } : f32
  return %t : f32
}
