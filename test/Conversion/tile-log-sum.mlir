// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --canonicalize --split-input-file | FileCheck %s

// A sum of logarithms of numbers that have a lower bound: one product and one
// exponent per step, one logarithm after the loop.

// CHECK-LABEL: func.func @kernel
// CHECK: scf.for {{.*}} iter_args(%[[MANTISSA:[a-z0-9]+]] = %{{.*}}, %{{.*}} = %{{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// CHECK: arith.mulf %[[MANTISSA]]
// CHECK-NOT: math.fma
// CHECK: scf.yield
// CHECK-COUNT-10: math.fma
// CHECK: call @store_rows_f32x16
func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<8xf32> {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %sum = sample.map 8 indexed(%x : tensor<8xf32>) init(%zero : f32) {
  ^bb0(%xi: f32):
    %least = arith.constant 0.01 : f32
    %softplus = sample.log1p_exp %xi : f32
    %scale = arith.addf %softplus, %least : f32
    %log = math.log %scale : f32
    sample.yield %log : f32
  } -> (), (f32)
  return %sum : f32
}

// -----

// Subtracted logarithms are that of one product, too: what the sum starts from, less it.

// CHECK-LABEL: func.func @kernel
// CHECK: scf.for {{.*}} iter_args(%[[MANTISSA:[a-z0-9]+]] = %{{.*}}, %{{.*}} = %{{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// CHECK: arith.mulf %[[MANTISSA]]
// CHECK-NOT: math.fma
// CHECK: scf.yield
// CHECK-COUNT-10: math.fma
// CHECK: arith.subf
// CHECK: call @store_rows_f32x16
func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<8xf32> {flow.row}, %start: f32 {flow.row}) -> f32 {
  %sum = sample.map 8 indexed(%x : tensor<8xf32>) init(%start : f32) {
  ^bb0(%xi: f32):
    %least = arith.constant 0.01 : f32
    %softplus = sample.log1p_exp %xi : f32
    %scale = arith.addf %softplus, %least : f32
    %size = math.absf %scale : f32
    %log = math.log %size : f32
    %negative = arith.negf %log : f32
    sample.yield %negative : f32
  } -> (), (f32)
  return %sum : f32
}

// -----

// Without a bound every element has its own logarithm, which may be infinite.

// CHECK-LABEL: func.func @kernel
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>) {
// CHECK: math.log
// CHECK: scf.yield
func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<8xf32> {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %sum = sample.map 8 indexed(%x : tensor<8xf32>) init(%zero : f32) {
  ^bb0(%xi: f32):
    %log = math.log %xi : f32
    sample.yield %log : f32
  } -> (), (f32)
  return %sum : f32
}
