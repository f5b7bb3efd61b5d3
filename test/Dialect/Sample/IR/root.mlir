// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @root
func.func @root(%lower: f32, %upper: f32, %c: f32, %w: tensor<2xf32>) -> (f32, f32, f32) {
  // CHECK: sample.root above(%{{.*}} : f32) below(%{{.*}} : f32) from(%{{.*}} : f32) operands(%{{.*}}, %{{.*}} : f32, tensor<2xf32>) {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: tensor<2xf32>):
  %a = sample.root above(%lower : f32) below(%upper : f32) from(%c : f32) operands(%c, %w : f32, tensor<2xf32>) {
  ^bb0(%t: f32, %y: f32, %v: tensor<2xf32>):
    %one = arith.constant 1.0 : f32
    %f = arith.subf %t, %y : f32
    %size = sample.reduce_sum %v : tensor<2xf32> -> f32
    sample.yield %f, %one, %size : f32, f32, f32
  // CHECK: } : f32
  } : f32
  // CHECK: sample.root above(%{{.*}} : f32) attributes {tolerance = 1.000000e-03 : f64} {
  %b = sample.root above(%lower : f32) attributes {tolerance = 1.0e-3} {
  ^bb0(%t: f32):
    %f = math.log %t : f32
    sample.yield %f, %t : f32, f32
  } : f32
  // CHECK: sample.root {
  %d = sample.root {
  ^bb0(%t: f32):
    %one = arith.constant 1.0 : f32
    sample.yield %t, %one : f32, f32
  } : f32
  return %a, %b, %d : f32, f32, f32
}
