// Every op of the sample program survives printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @map
func.func @map(%x: tensor<4xf32>, %p: tensor<8xf32>, %s: f32) -> (tensor<4xf32>, f32) {
  %c0 = arith.constant 0.0 : f32
  // CHECK: sample.map 4 indexed(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<8xf32>) shared(%{{.*}} : f32) init(%{{.*}} : f32) {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: tensor<2xf32>, %{{.*}}: f32):
  %y, %sum = sample.map 4 indexed(%x, %p : tensor<4xf32>, tensor<8xf32>) shared(%s : f32) init(%c0 : f32) {
  ^bb0(%a: f32, %q: tensor<2xf32>, %t: f32):
    %b = sample.reduce_sum %q : tensor<2xf32> -> f32
    %c = arith.mulf %a, %t : f32
    sample.yield %c, %b : f32, f32
  // CHECK: } -> (tensor<4xf32>), (f32)
  } -> (tensor<4xf32>), (f32)
  return %y, %sum : tensor<4xf32>, f32
}

// CHECK-LABEL: func @scan
func.func @scan(%x: tensor<4xf32>, %stack: tensor<3x4xf32>, %floats: tensor<3xf32>, %c: tensor<2xf32>)
    -> (tensor<4xf32>, tensor<3x4xf32>) {
  // CHECK: sample.scan 3 reverse carries(%{{.*}} : tensor<4xf32>) over(%{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<3xf32>) shared(%{{.*}} : tensor<2xf32>) {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>, %{{.*}}: f32, %{{.*}}: tensor<2xf32>):
  %y, %inputs = sample.scan 3 reverse carries(%x : tensor<4xf32>)
      over(%stack, %floats : tensor<3x4xf32>, tensor<3xf32>) shared(%c : tensor<2xf32>) {
  ^bb0(%a: tensor<4xf32>, %slice: tensor<4xf32>, %float: f32, %d: tensor<2xf32>):
    %b = arith.addf %a, %slice : tensor<4xf32>
    sample.yield %b, %a : tensor<4xf32>, tensor<4xf32>
  // CHECK: } -> (tensor<4xf32>), (tensor<3x4xf32>)
  } -> (tensor<4xf32>), (tensor<3x4xf32>)
  return %y, %inputs : tensor<4xf32>, tensor<3x4xf32>
}

// CHECK-LABEL: func @dense
func.func @dense(%w: tensor<3x2xf32>, %x: tensor<2xf32>, %b: tensor<3xf32>) {
  // CHECK: sample.dense %{{.*}}, %{{.*}} : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  %0 = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  // CHECK: sample.dense %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<3xf32>) mask <out = [0, 1, 1], in = [0, 1], strict = false> : {{.*}} {
  %1 = sample.dense %w, %x bias(%b : tensor<3xf32>) mask <out = [0, 1, 1], in = [0, 1], strict = false>
      : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32> {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    sample.yield %t : f32
  }
  // CHECK: sample.dense %{{.*}}, %{{.*}} transposed : tensor<3x2xf32>, tensor<3xf32> -> tensor<2xf32>
  %2 = sample.dense %w, %1 transposed : tensor<3x2xf32>, tensor<3xf32> -> tensor<2xf32>
  // CHECK: sample.outer %{{.*}}, %{{.*}} mask <out = [0, 1, 1], in = [0, 1], strict = true> : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
  %3, %4 = sample.outer %1, %x mask <out = [0, 1, 1], in = [0, 1], strict = true>
      : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
  return
}

// CHECK-LABEL: func @sweep
func.func @sweep(%y: tensor<3xf32>, %c: tensor<1xf32>, %w0: tensor<2x4xf32>, %b0: tensor<2xf32>, %w1: tensor<6x2xf32>,
                 %b1: tensor<6xf32>) -> (tensor<3xf32>, f32) {
  %c0 = arith.constant 0.0 : f32
  // CHECK: sample.sweep 3 prefix(%{{.*}} : tensor<1xf32>) weights(%{{.*}}, %{{.*}} : tensor<2x4xf32>, tensor<6x2xf32>)
  // CHECK-SAME: biases(%{{.*}}, %{{.*}} : tensor<2xf32>, tensor<6xf32>) indexed(%{{.*}} : tensor<3xf32>) init(%{{.*}} : f32)
  // CHECK-SAME: attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 1, 2>, array<i64: 0, 2, 4, 6>]} {
  %units, %x, %sum = sample.sweep 3 prefix(%c : tensor<1xf32>) weights(%w0, %w1 : tensor<2x4xf32>, tensor<6x2xf32>)
      biases(%b0, %b1 : tensor<2xf32>, tensor<6xf32>) indexed(%y : tensor<3xf32>) init(%c0 : f32)
      attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 1, 2>, array<i64: 0, 2, 4, 6>]} {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    sample.yield %t : f32
  // CHECK: }, {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<2xf32>, %{{.*}}: f32):
  }, {
  ^bb0(%p: tensor<2xf32>, %v: f32):
    %loc, %scale = sample.split %p : tensor<2xf32> -> f32, f32
    %u = arith.subf %v, %loc : f32
    sample.yield %u, %scale : f32, f32
  // CHECK: } -> (tensor<2xf32>), tensor<3xf32>, (), (f32)
  } -> (tensor<2xf32>), tensor<3xf32>, (), (f32)
  return %x, %sum : tensor<3xf32>, f32
}

// CHECK-LABEL: func @rows
func.func @rows(%x: tensor<3xf32>, %w: tensor<3x2xf32>, %permutation: tensor<3xi32>, %inverse: tensor<3xi32>) {
  // CHECK: sample.split %{{.*}} : tensor<3xf32> -> tensor<2xf32>, f32
  %0, %1 = sample.split %x : tensor<3xf32> -> tensor<2xf32>, f32
  // CHECK: sample.concat %{{.*}}, %{{.*}} : f32, tensor<2xf32> -> tensor<3xf32>
  %2 = sample.concat %1, %0 : f32, tensor<2xf32> -> tensor<3xf32>
  // CHECK: sample.gather %{{.*}}, %{{.*}}, %{{.*}} : tensor<3xf32>
  %3 = sample.gather %2, %permutation, %inverse : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  // CHECK: sample.reverse %{{.*}} : tensor<3xf32>
  %4 = sample.reverse %3 : tensor<3xf32>
  // CHECK: sample.reorder %{{.*}} rows = [2, 0, 1] columns = [] : tensor<3x2xf32>
  %5 = sample.reorder %w rows = [2, 0, 1] columns = [] : tensor<3x2xf32>
  // CHECK: sample.reshape %{{.*}} : tensor<3x2xf32> -> tensor<6xf32>
  %6 = sample.reshape %5 : tensor<3x2xf32> -> tensor<6xf32>
  return
}

// CHECK-LABEL: func @small
func.func @small(%x: tensor<3xf32>, %v: f32) {
  // CHECK: sample.log1p_exp %{{.*}} : tensor<3xf32>
  %0 = sample.log1p_exp %x : tensor<3xf32>
  // CHECK: sample.inv_logit %{{.*}} : f32
  %1 = sample.inv_logit %v : f32
  // CHECK: sample.clip %{{.*}} to[-1.000000e+00, 2.000000e+00] : f32
  %clip = sample.clip %v to [-1.0, 2.0] : f32
  // CHECK: sample.reduce_sum %{{.*}} : tensor<3xf32> -> f32
  %2 = sample.reduce_sum %0 : tensor<3xf32> -> f32
  // CHECK: sample.reduce_max %{{.*}} : tensor<3xf32> -> f32
  %3 = sample.reduce_max %0 : tensor<3xf32> -> f32
  // CHECK: sample.splat %{{.*}} : f32 -> tensor<3xf32>
  %4 = sample.splat %2 : f32 -> tensor<3xf32>
  // CHECK: sample.cumsum %{{.*}} : tensor<3xf32>
  %5 = sample.cumsum %4 : tensor<3xf32>
  // CHECK: sample.cumsum %{{.*}} reverse : tensor<3xf32>
  %6 = sample.cumsum %4 reverse : tensor<3xf32>
  // CHECK: sample.bin_search %{{.*}}, %{{.*}} : tensor<3xf32>
  %7 = sample.bin_search %5, %v : tensor<3xf32>, f32
  // CHECK: sample.take %{{.*}}[%{{.*}} + 1] : tensor<3xf32>
  %8 = sample.take %5[%7 + 1] : tensor<3xf32> -> f32
  // CHECK: sample.one_hot %{{.*}} at[%{{.*}} + 1] : f32 -> tensor<3xf32>
  %9 = sample.one_hot %8 at[%7 + 1] : f32 -> tensor<3xf32>
  return
}

// CHECK-LABEL: func @batch
func.func @batch() {
  // CHECK: sample.row_weight : f32
  %0 = sample.row_weight : f32
  // CHECK: sample.random_normal : tensor<3xf32>
  %1 = sample.random_normal : tensor<3xf32>
  return
}
