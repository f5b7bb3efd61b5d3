// RUN: flowc-opt %s -split-input-file -sample-differentiate=of=params -canonicalize -cse | FileCheck %s
// RUN: flowc-opt %s -split-input-file -sample-outline-maps | FileCheck %s --check-prefix=OUTLINE

// What is detached has no cotangent: d(w * detach(x w)) / dw = x w.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[X:.*]]: f32 {flow.row}, %[[W:.*]]: f32)
// CHECK: %[[WEIGHT:.*]] = sample.row_weight
// CHECK: %[[P:.*]] = arith.mulf %[[X]], %[[W]]
// CHECK: %[[D:.*]] = sample.detach %[[P]]
// CHECK: %[[G:.*]] = arith.mulf %[[WEIGHT]], %[[D]]
// CHECK: return %{{.*}}, %[[G]]

// After differentiation nothing is left to detach from.
// OUTLINE-LABEL: func.func @kernel
// OUTLINE-NOT: sample.detach
func.func @prepare(%w: f32 {flow.name = "w", flow.trainable}) -> f32 {
  return %w : f32
}
func.func @kernel(%x: f32 {flow.row}, %w: f32) -> f32 {
  %p = arith.mulf %x, %w : f32
  %d = sample.detach %p : f32
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
// CHECK: %[[SLOPE:.*]] = sample.inv_logit %[[RAW]]
// CHECK: arith.mulf %[[CT]], %[[SLOPE]]
func.func @prepare(%raw: f32 {flow.name = "s", flow.trainable}) -> (f32, f32) {
  %s = sample.log1p_exp %raw : f32
  %c = sample.detach %raw : f32
  %t = math.exp %c : f32
  return %s, %t : f32, f32
}
func.func @kernel(%x: f32 {flow.row}, %s: f32, %t: f32) -> f32 {
  %a = arith.mulf %x, %s : f32
  %y = arith.mulf %a, %t : f32
  return %y : f32
}

// -----

// Each element of a surrogate has the given slopes in its own share of every x, and no other:
// nothing of what it was computed from.

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[W:.*]]: tensor<4xf32>, %[[S:.*]]: tensor<2xf32>, %[[T:.*]]: tensor<4xf32>)
// CHECK: %[[MAP:.*]]:2 = sample.map 2 indexed(%[[S]], %[[T]] : tensor<2xf32>, tensor<4xf32>) shared(%{{.*}} : f32) {
// CHECK: ^bb0(%[[S1:.*]]: f32, %[[T1:.*]]: tensor<2xf32>, %[[G:.*]]: f32):
// CHECK-NOT: math.exp
// CHECK-DAG: %[[OUT:.*]] = arith.cmpf oeq, %[[G]],
// CHECK-DAG: %[[GS:.*]] = arith.mulf %[[G]], %[[S1]] : f32
// CHECK-DAG: arith.select %[[OUT]], %{{.*}}, %[[GS]] : f32
// CHECK-DAG: %[[GG:.*]] = sample.splat %[[G]] : f32 -> tensor<2xf32>
// CHECK-DAG: %[[GT:.*]] = arith.mulf %[[GG]], %[[T1]] : tensor<2xf32>
// CHECK-DAG: arith.select %[[OUT]], %{{.*}}, %[[GT]] : tensor<2xf32>
// CHECK: return %{{.*}}, %[[MAP]]#0, %[[MAP]]#1 : f32, tensor<2xf32>, tensor<4xf32>
// OUTLINE-LABEL: func.func @kernel
// OUTLINE-NOT: sample.surrogate
func.func @prepare(%v: tensor<2xf32> {flow.name = "v", flow.trainable},
                   %w: tensor<4xf32> {flow.name = "w", flow.trainable}, %s: tensor<2xf32> {flow.name = "s"},
                   %t: tensor<4xf32> {flow.name = "t"}) -> (tensor<2xf32>, tensor<4xf32>, tensor<2xf32>, tensor<4xf32>) {
  return %v, %w, %s, %t : tensor<2xf32>, tensor<4xf32>, tensor<2xf32>, tensor<4xf32>
}
func.func @kernel(%x: f32 {flow.row}, %v: tensor<2xf32>, %w: tensor<4xf32>, %s: tensor<2xf32>, %t: tensor<4xf32>) -> f32 {
  %e = math.exp %v : tensor<2xf32>
  %y = sample.surrogate %e at %v, %w slope %s, %t : tensor<2xf32>, tensor<2xf32>, tensor<4xf32>
  %l = sample.reduce_sum %y : tensor<2xf32> -> f32
  return %l : f32
}
