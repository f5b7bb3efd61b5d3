// RUN: flowc-opt %s -split-input-file -flow-differentiate=of=params -canonicalize -cse | FileCheck %s
// RUN: flowc-opt %s -split-input-file -flow-outline-maps | FileCheck %s --check-prefix=OUTLINE

// What is detached has no cotangent: d(w * detach(x w)) / dw = x w.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[X:.*]]: f32 {flow.row}, %[[W:.*]]: f32)
// CHECK: %[[WEIGHT:.*]] = flow.row_weight
// CHECK: %[[P:.*]] = arith.mulf %[[X]], %[[W]]
// CHECK: %[[D:.*]] = flow.detach %[[P]]
// CHECK: %[[G:.*]] = arith.mulf %[[WEIGHT]], %[[D]]
// CHECK: return %{{.*}}, %[[G]]

// After differentiation nothing is left to detach from.
// OUTLINE-LABEL: func.func @kernel
// OUTLINE-NOT: flow.detach
func.func @prepare(%w: f32 {flow.name = "w", flow.trainable}) -> f32 {
  return %w : f32
}
func.func @kernel(%x: f32 {flow.row}, %w: f32) -> f32 {
  %p = arith.mulf %x, %w : f32
  %d = flow.detach %p : f32
  %y = arith.mulf %w, %d : f32
  return %y : f32
}

// -----

// A prepared value behind a detach is held constant: the kernel sums nothing for
// it, and no leaf gets anything through it.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: -> (f32 {flow.sum}, f32 {flow.sum})
// CHECK-LABEL: func.func @finish(
// CHECK-SAME: %[[RAW:.*]]: f32 {flow.name = "s", flow.trainable}, %[[CT:.*]]: f32 {flow.cotangent}) -> f32
// CHECK: %[[SLOPE:.*]] = flow.inv_logit %[[RAW]]
// CHECK: arith.mulf %[[CT]], %[[SLOPE]]
func.func @prepare(%raw: f32 {flow.name = "s", flow.trainable}) -> (f32, f32) {
  %s = flow.log1p_exp %raw : f32
  %c = flow.detach %raw : f32
  %t = math.exp %c : f32
  return %s, %t : f32, f32
}
func.func @kernel(%x: f32 {flow.row}, %s: f32, %t: f32) -> f32 {
  %a = arith.mulf %x, %s : f32
  %y = arith.mulf %a, %t : f32
  return %y : f32
}
