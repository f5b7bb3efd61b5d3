// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --split-input-file | FileCheck %s

// Layers that have nothing to do with each other are parts of the work, which threads can share; whatever else there
// is belongs to the first part.

// CHECK-LABEL: llvm.mlir.global external constant @parts(dense<[3, 1]>
// CHECK-LABEL: func.func @prepare(
// CHECK-SAME: %[[LEAVES:.*]]: !llvm.ptr, %[[PREPARED:.*]]: !llvm.ptr)
// CHECK-DAG: %[[NONE:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[ALL:.*]] = arith.constant 3 : i64
// CHECK: call @prepare_part(%[[LEAVES]], %[[PREPARED]], %[[NONE]], %[[ALL]])
// CHECK-LABEL: func.func @prepare_part(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[FIRST:.*]]: i64, %[[LAST:.*]]: i64)
// CHECK-DAG: %[[BEGIN:.*]] = arith.index_cast %[[FIRST]]
// CHECK-DAG: %[[END:.*]] = arith.index_cast %[[LAST]]
// CHECK: %[[IS_FIRST:.*]] = arith.cmpi eq, %[[BEGIN]]
// CHECK: scf.if %[[IS_FIRST]]
// CHECK: math.exp
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// CHECK: arith.mulf
func.func @prepare(%s: tensor<3x2xf32> {flow.name = "scale"}, %t: tensor<2xf32> {flow.name = "t"}) -> (tensor<3x2xf32>, tensor<2xf32>) {
  %e = sample.map 2 indexed(%t : tensor<2xf32>) {
  ^bb0(%ti: f32):
    %ei = math.exp %ti : f32
    sample.yield %ei : f32
  } -> (tensor<2xf32>), ()
  %d = sample.scan 3 over(%s : tensor<3x2xf32>) {
  ^bb0(%l: tensor<2xf32>):
    %n = sample.map 2 indexed(%l : tensor<2xf32>) {
    ^bb0(%li: f32):
      %p = arith.mulf %li, %li : f32
      sample.yield %p : f32
    } -> (tensor<2xf32>), ()
    sample.yield %n : tensor<2xf32>
  } -> (), (tensor<3x2xf32>)
  return %d, %e : tensor<3x2xf32>, tensor<2xf32>
}
func.func @kernel(%x: tensor<2xf32> {flow.row}, %s: tensor<3x2xf32>, %e: tensor<2xf32>) -> tensor<2xf32> {
  %y = sample.map 2 indexed(%x, %e : tensor<2xf32>, tensor<2xf32>) {
  ^bb0(%xi: f32, %ei: f32):
    %q = arith.addf %xi, %ei : f32
    sample.yield %q : f32
  } -> (tensor<2xf32>), ()
  return %y : tensor<2xf32>
}

// -----

// What a scan gives to something else, or gets from it, is in no part.
// CHECK-NOT: @parts
// CHECK-NOT: @prepare_part
func.func @prepare(%s: tensor<3x2xf32> {flow.name = "scale"}, %t: tensor<2xf32> {flow.name = "t"}) -> tensor<2xf32> {
  %d = sample.scan 3 over(%s : tensor<3x2xf32>) {
  ^bb0(%l: tensor<2xf32>):
    %n = sample.map 2 indexed(%l : tensor<2xf32>) {
    ^bb0(%li: f32):
      %p = arith.mulf %li, %li : f32
      sample.yield %p : f32
    } -> (tensor<2xf32>), ()
    sample.yield %n : tensor<2xf32>
  } -> (), (tensor<3x2xf32>)
  %f = sample.scan 3 carries(%t : tensor<2xf32>) over(%d : tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %l: tensor<2xf32>):
    %n = sample.map 2 indexed(%c, %l : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%ci: f32, %li: f32):
      %p = arith.addf %ci, %li : f32
      sample.yield %p : f32
    } -> (tensor<2xf32>), ()
    sample.yield %n : tensor<2xf32>
  } -> (tensor<2xf32>), ()
  return %f : tensor<2xf32>
}
func.func @kernel(%x: tensor<2xf32> {flow.row}, %s: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
