// Equal gradients are yielded, summed and returned once.
// RUN: flowc-opt %s --sample-merge-sums | FileCheck %s

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: -> (f32 {flow.sum}, tensor<3x2xf32> {flow.sum}, tensor<2xf32> {flow.sum})
// CHECK: %[[STACK:.*]] = sample.scan 3 over(
// CHECK: sample.yield %[[G:[^,]*]] : tensor<2xf32>
// CHECK-NEXT: } -> (), (tensor<3x2xf32>)
// CHECK: return %{{.*}}, %[[STACK]], %{{.*}} : f32, tensor<3x2xf32>, tensor<2xf32>
func.func @kernel(%x: tensor<3x2xf32> {flow.row}, %g: tensor<2xf32> {flow.row}, %loss: f32 {flow.row})
    -> (f32 {flow.sum}, tensor<3x2xf32> {flow.sum}, tensor<2xf32> {flow.sum}, tensor<3x2xf32> {flow.sum},
        tensor<2xf32> {flow.sum}) {
  %y:2 = sample.scan 3 over(%x : tensor<3x2xf32>) {
  ^bb0(%a: tensor<2xf32>):
    %r = sample.reverse %a : tensor<2xf32>
    sample.yield %r, %r : tensor<2xf32>, tensor<2xf32>
  } -> (), (tensor<3x2xf32>, tensor<3x2xf32>)
  return %loss, %y#0, %g, %y#1, %g : f32, tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<2xf32>
}

// CHECK-LABEL: func.func @finish
// CHECK-SAME: (%[[LEAF:.*]]: tensor<2xf32>, %[[A:.*]]: tensor<3x2xf32> {flow.cotangent}, %[[B:.*]]: tensor<2xf32> {flow.cotangent})
// CHECK: return %[[A]], %[[B]], %[[A]], %[[B]]
func.func @finish(%leaf: tensor<2xf32>, %a: tensor<3x2xf32> {flow.cotangent}, %b: tensor<2xf32> {flow.cotangent},
                  %c: tensor<3x2xf32> {flow.cotangent}, %d: tensor<2xf32> {flow.cotangent})
    -> (tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<2xf32>) {
  return %a, %b, %c, %d : tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<2xf32>
}
