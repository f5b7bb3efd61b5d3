// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s

// Sums of more than 1024 terms are added up in blocks of 256, so that rounding errors
// do not grow with their number.

// CHECK-LABEL: func.func @kernel
// CHECK-DAG: %[[BLOCKS:.*]] = arith.constant 391 : index
// CHECK: scf.for %[[BLOCK:.*]] = %{{.*}} to %[[BLOCKS]] step %{{.*}} iter_args(%[[TOTAL:.*]] = %{{.*}}) -> (vector<16xf32>)
// CHECK: %[[FROM:.*]] = arith.muli %[[BLOCK]], %{{.*}} : index
// CHECK: %[[TO:.*]] = arith.minui
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>)
// CHECK: %[[NEXT:.*]] = arith.addf %[[TOTAL]], %[[SUM]] : vector<16xf32>
// CHECK: scf.yield %[[NEXT]]
func.func @kernel(%x: f32 {flow.row}, %y: tensor<100000xf32>) -> f32 {
  %c0 = arith.constant 0.0 : f32
  %s = sample.map 100000 indexed(%y : tensor<100000xf32>) shared(%x : f32) init(%c0 : f32) {
  ^bb0(%yi: f32, %xi: f32):
    %r = arith.subf %yi, %xi : f32
    %q = arith.mulf %r, %r : f32
    sample.yield %q : f32
  } -> (), (f32)
  return %s : f32
}
func.func @prepare(%y: tensor<100000xf32>) -> tensor<100000xf32> {
  return %y : tensor<100000xf32>
}
