// Ops on parts of events survive printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @partition
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[LOC:.*]]: tensor<2xf32>)
func.func @partition(%x: tensor<4xf32>, %loc: tensor<2xf32>) -> tensor<4xf32> {
  // CHECK: flow.partition %[[X]] [2, 1, 1] : tensor<4xf32> {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<2xf32>):
  // CHECK-NEXT: flow.loc %[[A]], %[[LOC]] : tensor<2xf32>, tensor<2xf32>
  // CHECK-NEXT: flow.yield %{{.*}} : tensor<2xf32>
  // CHECK-NEXT: }, {
  // CHECK-NEXT: ^bb0(%[[B:.*]]: f32):
  // CHECK-NEXT: flow.softplus %[[B]] : f32
  // CHECK-NEXT: flow.yield %{{.*}} : f32
  // CHECK-NEXT: }, {
  // CHECK-NEXT: ^bb0(%[[C:.*]]: tensor<1xf32>):
  // CHECK-NEXT: flow.yield %[[C]] : tensor<1xf32>
  // CHECK-NEXT: }
  %y = flow.partition %x [2, 1, 1] : tensor<4xf32> {
  ^bb0(%a: tensor<2xf32>):
    %0 = flow.loc %a, %loc : tensor<2xf32>, tensor<2xf32>
    flow.yield %0 : tensor<2xf32>
  }, {
  ^bb0(%b: f32):
    %0 = flow.softplus %b : f32
    flow.yield %0 : f32
  }, {
  ^bb0(%c: tensor<1xf32>):
    flow.yield %c : tensor<1xf32>
  }
  return %y : tensor<4xf32>
}

// One piece changes the type of a scalar.
// CHECK-LABEL: func @reshape
func.func @reshape(%x: f64) -> f64 {
  // CHECK: flow.partition %{{.*}} [1] : f64 {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<1xf64>):
  %y = flow.partition %x [1] : f64 {
  ^bb0(%a: tensor<1xf64>):
    flow.yield %a : tensor<1xf64>
  }
  return %y : f64
}

// CHECK-LABEL: func @vmap
// CHECK-SAME: (%[[X:.*]]: tensor<6xf32>, %[[RAW:.*]]: tensor<3x2xf32>, %[[SCALE:.*]]: tensor<2xf32>)
func.func @vmap(%x: tensor<6xf32>, %raw: tensor<3x2xf32>, %scale: tensor<2xf32>) -> tensor<6xf32> {
  // CHECK: flow.vmap %[[X]] 3 over(%[[RAW]] : tensor<3x2xf32>) shared(%[[SCALE]] : tensor<2xf32>) : tensor<6xf32> {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<2xf32>, %[[L:.*]]: tensor<2xf32>, %[[S:.*]]: tensor<2xf32>):
  // CHECK-NEXT: flow.affine %[[A]], %[[L]], %[[S]]
  %0 = flow.vmap %x 3 over(%raw : tensor<3x2xf32>) shared(%scale : tensor<2xf32>) : tensor<6xf32> {
  ^bb0(%a: tensor<2xf32>, %l: tensor<2xf32>, %s: tensor<2xf32>):
    %b = flow.affine %a, %l, %s : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    flow.yield %b : tensor<2xf32>
  }
  // CHECK: flow.vmap %{{.*}} 6 : tensor<6xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32):
  %1 = flow.vmap %0 6 : tensor<6xf32> {
  ^bb0(%a: f32):
    %b = flow.tanh %a : f32
    flow.yield %b : f32
  }
  return %1 : tensor<6xf32>
}
