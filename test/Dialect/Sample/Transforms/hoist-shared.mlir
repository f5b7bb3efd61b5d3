// What is the same in all layers of a scan is computed once. For gradients of
// parameters a weight is prepared for each layer, since the layers cannot add up
// theirs.
// RUN: flowc-opt %s --sample-hoist-parameters --canonicalize | FileCheck %s --check-prefixes=CHECK,ONCE
// RUN: flowc-opt %s --sample-hoist-parameters=stack-weights --canonicalize | FileCheck %s --check-prefixes=CHECK,EACH

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[W:.*]]: tensor<2x2xf32>, %[[RAW:.*]]: tensor<2xf32>)
// ONCE-SAME: -> (tensor<2x2xf32>, tensor<2xf32>)
// ONCE-NOT: sample.scan
// ONCE: %[[SCALE:.*]] = sample.log1p_exp %[[RAW]]
// ONCE: return %[[W]], %[[SCALE]]
// EACH: %[[SCALE:.*]] = sample.log1p_exp %[[RAW]]
// EACH: %[[STACK:.*]] = sample.scan 3 shared(%[[W]] : tensor<2x2xf32>)
// EACH-NEXT: ^bb0(%[[SLICE:.*]]: tensor<2x2xf32>):
// EACH-NEXT: sample.yield %[[SLICE]]
// EACH: -> (), (tensor<3x2x2xf32>)
// CHECK-LABEL: func.func @kernel
// ONCE: sample.scan 3 over(%{{.*}} : tensor<3x2xf32>) shared(%{{.*}}, %{{.*}} : tensor<2x2xf32>, tensor<2xf32>)
// EACH: sample.scan 3 over(%{{.*}}, %{{.*}} : tensor<3x2xf32>, tensor<3x2x2xf32>) shared(%{{.*}} : tensor<2xf32>)
// CHECK-NOT: sample.log1p_exp
func.func @kernel(%x: tensor<3x2xf32> {flow.row}, %w: tensor<2x2xf32>, %raw: tensor<2xf32>) -> tensor<3x2xf32> {
  %y = sample.scan 3 over(%x : tensor<3x2xf32>) shared(%w, %raw : tensor<2x2xf32>, tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>, %v: tensor<2x2xf32>, %r: tensor<2xf32>):
    %s = sample.log1p_exp %r : tensor<2xf32>
    %h = sample.dense %v, %a : tensor<2x2xf32>, tensor<2xf32> -> tensor<2xf32>
    %n = sample.map 2 indexed(%h, %s : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%hi: f32, %si: f32):
      %p = arith.mulf %hi, %si : f32
      sample.yield %p : f32
    } -> (tensor<2xf32>), ()
    sample.yield %n : tensor<2xf32>
  } -> (), (tensor<3x2xf32>)
  return %y : tensor<3x2xf32>
}
