// A coupling computes its network once, on the head and the condition, in either
// direction.
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,FORWARD
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,INVERSE

func.func @bijection(%x: tensor<5xf32> {flow.row}, %c: tensor<1xf32> {flow.row, flow.condition}, %w0: tensor<7x3xf32>,
                     %b0: tensor<7xf32>, %w1: tensor<6x7xf32>, %b1: tensor<6xf32>) -> tensor<5xf32> {
  %y = flow.coupling %x condition(%c : tensor<1xf32>) weights(%w0, %w1 : tensor<7x3xf32>, tensor<6x7xf32>)
      biases(%b0, %b1 : tensor<7xf32>, tensor<6xf32>) {untransformed_dim = 2 : i64, activation = "relu"}
      : tensor<5xf32> {
  ^bb0(%a: f32, %p: tensor<2xf32>):
    %loc, %raw = sample.split %p : tensor<2xf32> -> f32, f32
    %scale = sample.log1p_exp %raw : f32
    %b = flow.affine %a, %loc, %scale : f32, f32, f32
    flow.yield %b : f32
  }
  return %y : tensor<5xf32>
}

// CHECK-LABEL: func @kernel
// CHECK-SAME: (%[[X:.*]]: tensor<5xf32> {flow.row}, %[[C:.*]]: tensor<1xf32> {flow.condition, flow.row}, %[[W0:.*]]: tensor<7x3xf32>, %[[B0:.*]]: tensor<7xf32>, %[[W1:.*]]: tensor<6x7xf32>, %[[B1:.*]]: tensor<6xf32>) -> (tensor<5xf32>, f32)
// CHECK: %[[X01:.*]]:2 = sample.split %[[X]] : tensor<5xf32> -> tensor<2xf32>, tensor<3xf32>
// CHECK: %[[IN:.*]] = sample.concat %[[X01]]#0, %[[C]] : tensor<2xf32>, tensor<1xf32> -> tensor<3xf32>
// CHECK: %[[H0:.*]] = sample.dense %[[W0]], %[[IN]] bias(%[[B0]] : tensor<7xf32>)
// CHECK: %[[H1:.*]] = sample.map 7 indexed(%[[H0]] : tensor<7xf32>)
// relu(NaN) is NaN, and its derivative at 0 is 0.
// CHECK-NEXT: ^bb0(%[[H:.*]]: f32):
// CHECK: %[[POSITIVE:.*]] = arith.cmpf ugt, %[[H]], %[[ZERO:.*]] : f32
// CHECK: arith.select %[[POSITIVE]], %[[H]], %[[ZERO]] : f32
// CHECK: %[[P:.*]] = sample.dense %[[W1]], %[[H1]] bias(%[[B1]] : tensor<6xf32>)
// CHECK: %[[TAIL:.*]], %[[LD:.*]] = sample.map 3 indexed(%[[X01]]#1, %[[P]] : tensor<3xf32>, tensor<6xf32>) init
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[Q:.*]]: tensor<2xf32>):
// CHECK: %[[LOCRAW:.*]]:2 = sample.split %[[Q]]
// CHECK: %[[SCALE:.*]] = sample.log1p_exp %[[LOCRAW]]#1
// FORWARD: %[[SCALED:.*]] = arith.mulf %[[SCALE]], %[[A]]
// FORWARD: arith.addf %[[SCALED]], %[[LOCRAW]]#0
// FORWARD: math.log
// FORWARD-NOT: arith.negf
// INVERSE: %[[MOVED:.*]] = arith.subf %[[A]], %[[LOCRAW]]#0
// INVERSE: arith.divf %[[MOVED]], %[[SCALE]]
// INVERSE: math.log
// INVERSE: arith.negf
// CHECK: } -> (tensor<3xf32>), (f32)
// CHECK: %[[Y:.*]] = sample.concat %[[X01]]#0, %[[TAIL]] : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>
// CHECK: return %[[Y]], %[[LD]] : tensor<5xf32>, f32
