// Forwards a loop whose code does not grow with the elements, backwards a map of
// differences.
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -cse | FileCheck %s
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefix=INVERSE

func.func @bijection(%x: tensor<5xf32> {flow.row}) -> tensor<5xf32> {
  %y = flow.ordered %x : tensor<5xf32>
  return %y : tensor<5xf32>
}

// CHECK: %[[P:.*]]:2 = sample.split %arg0 : tensor<5xf32> -> f32, tensor<4xf32>
// CHECK: %[[S:.*]] = sample.scan 4 carries(%[[P]]#0 : f32) over(%[[P]]#1 : tensor<4xf32>) {
// CHECK-NEXT: ^bb0(%[[Y:.*]]: f32, %[[X:.*]]: f32):
// CHECK-NEXT:   %[[E:.*]] = math.exp %[[X]] : f32
// CHECK-NEXT:   %[[N:.*]] = arith.addf %[[Y]], %[[E]] : f32
// CHECK-NEXT:   sample.yield %[[N]], %[[N]] : f32, f32
// CHECK: sample.concat %[[P]]#0, %{{.*}} : f32, tensor<4xf32> -> tensor<5xf32>
// CHECK: sample.map 4 indexed(%[[P]]#1 : tensor<4xf32>) init(

// INVERSE: sample.map 4 indexed(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>) init(
// INVERSE-NEXT: ^bb0(%[[U:.*]]: f32, %[[L:.*]]: f32):
// INVERSE-NEXT:   %[[D:.*]] = arith.subf %[[U]], %[[L]] : f32
// INVERSE-NEXT:   %[[LOG:.*]] = math.log %[[D]] : f32
// INVERSE-NEXT:   %[[NEG:.*]] = arith.negf %[[LOG]] : f32
// INVERSE-NEXT:   sample.yield %[[LOG]], %[[NEG]] : f32, f32
