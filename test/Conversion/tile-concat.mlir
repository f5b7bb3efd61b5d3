// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --canonicalize | FileCheck %s

// A piece of two concatenations is computed in its place in the last one, which
// becomes the output, and copied to the other.

// CHECK-LABEL: func.func @kernel
// CHECK: call @load_rows_f32x16
// The map, stored where the output begins.
// CHECK: %[[Y:.*]] = arith.mulf
// CHECK: arith.addi %{{.*}}, %[[OUT:c[0-9]+]] : index
// CHECK: llvm.store %[[Y]]
// The other concatenation: a copy of that, and one of the condition.
// CHECK: arith.addi %{{.*}}, %[[OUT]] : index
// CHECK: %[[COPY:.*]] = llvm.load
// CHECK: llvm.store %[[COPY]]
// CHECK: %[[CONDITION:.*]] = llvm.load
// CHECK: llvm.store %[[CONDITION]]
// CHECK: arith.addf
func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<1xf32> {flow.row}, %c: tensor<1xf32> {flow.row}) -> tensor<2xf32> {
  %y = sample.map 1 indexed(%x : tensor<1xf32>) {
  ^bb0(%a: f32):
    %b = arith.mulf %a, %a : f32
    sample.yield %b : f32
  } -> (tensor<1xf32>), ()
  %input = sample.concat %y, %c : tensor<1xf32>, tensor<1xf32> -> tensor<2xf32>
  %sum = sample.map 1 indexed(%input : tensor<2xf32>) {
  ^bb0(%a: tensor<2xf32>):
    %b = sample.reduce_sum %a : tensor<2xf32> -> f32
    sample.yield %b : f32
  } -> (tensor<1xf32>), ()
  %whole = sample.concat %y, %sum : tensor<1xf32>, tensor<1xf32> -> tensor<2xf32>
  return %whole : tensor<2xf32>
}
