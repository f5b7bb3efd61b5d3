// What is the same in all layers of a scan is computed once. For gradients of
// parameters a weight is prepared for each layer, since the layers cannot add up
// theirs.
// RUN: flowc-opt %s --flow-hoist-parameters --canonicalize | FileCheck %s --check-prefixes=CHECK,ONCE
// RUN: flowc-opt %s --flow-hoist-parameters=stack-weights --canonicalize | FileCheck %s --check-prefixes=CHECK,EACH

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[W:.*]]: tensor<2x2xf32>, %[[RAW:.*]]: tensor<2xf32>)
// ONCE-SAME: -> (tensor<2x2xf32>, tensor<2xf32>)
// ONCE-NOT: flow.scan
// ONCE: %[[SCALE:.*]] = flow.log1p_exp %[[RAW]]
// ONCE: return %[[W]], %[[SCALE]]
// EACH: %[[SCALE:.*]] = flow.log1p_exp %[[RAW]]
// EACH: %[[STACK:.*]] = flow.scan 3 shared(%[[W]] : tensor<2x2xf32>)
// EACH-NEXT: ^bb0(%[[SLICE:.*]]: tensor<2x2xf32>):
// EACH-NEXT: flow.yield %[[SLICE]]
// EACH: -> (), (tensor<3x2x2xf32>)
// CHECK-LABEL: func.func @kernel
// ONCE: flow.scan 3 over(%{{.*}} : tensor<3x2xf32>) shared(%{{.*}}, %{{.*}} : tensor<2x2xf32>, tensor<2xf32>)
// EACH: flow.scan 3 over(%{{.*}}, %{{.*}} : tensor<3x2xf32>, tensor<3x2x2xf32>) shared(%{{.*}} : tensor<2xf32>)
// CHECK-NOT: flow.log1p_exp
func.func @kernel(%x: tensor<3x2xf32> {flow.row}, %w: tensor<2x2xf32>, %raw: tensor<2xf32>) -> tensor<3x2xf32> {
  %y = flow.scan 3 over(%x : tensor<3x2xf32>) shared(%w, %raw : tensor<2x2xf32>, tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>, %v: tensor<2x2xf32>, %r: tensor<2xf32>):
    %s = flow.log1p_exp %r : tensor<2xf32>
    %h = flow.dense %v, %a : tensor<2x2xf32>, tensor<2xf32> -> tensor<2xf32>
    %n = flow.map 2 indexed(%h, %s : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%hi: f32, %si: f32):
      %p = arith.mulf %hi, %si : f32
      flow.yield %p : f32
    } -> (tensor<2xf32>), ()
    flow.yield %n : tensor<2xf32>
  } -> (), (tensor<3x2xf32>)
  return %y : tensor<3x2xf32>
}
