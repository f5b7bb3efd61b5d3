// Every op of the sample program survives printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @map
func.func @map(%x: tensor<4xf32>, %p: tensor<8xf32>, %s: f32) -> (tensor<4xf32>, f32) {
  %c0 = arith.constant 0.0 : f32
  // CHECK: flow.map 4 indexed(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<8xf32>) shared(%{{.*}} : f32) init(%{{.*}} : f32) {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: tensor<2xf32>, %{{.*}}: f32):
  %y, %sum = flow.map 4 indexed(%x, %p : tensor<4xf32>, tensor<8xf32>) shared(%s : f32) init(%c0 : f32) {
  ^bb0(%a: f32, %q: tensor<2xf32>, %t: f32):
    %b = flow.reduce_sum %q : tensor<2xf32> -> f32
    %c = arith.mulf %a, %t : f32
    flow.yield %c, %b : f32, f32
  // CHECK: } -> (tensor<4xf32>), (f32)
  } -> (tensor<4xf32>), (f32)
  return %y, %sum : tensor<4xf32>, f32
}

// CHECK-LABEL: func @scan
func.func @scan(%x: tensor<4xf32>, %stack: tensor<3x4xf32>, %floats: tensor<3xf32>, %c: tensor<2xf32>)
    -> (tensor<4xf32>, tensor<3x4xf32>) {
  // CHECK: flow.scan 3 reverse carries(%{{.*}} : tensor<4xf32>) over(%{{.*}}, %{{.*}} : tensor<3x4xf32>, tensor<3xf32>) shared(%{{.*}} : tensor<2xf32>) {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32>, %{{.*}}: f32, %{{.*}}: tensor<2xf32>):
  %y, %inputs = flow.scan 3 reverse carries(%x : tensor<4xf32>)
      over(%stack, %floats : tensor<3x4xf32>, tensor<3xf32>) shared(%c : tensor<2xf32>) {
  ^bb0(%a: tensor<4xf32>, %slice: tensor<4xf32>, %float: f32, %d: tensor<2xf32>):
    %b = arith.addf %a, %slice : tensor<4xf32>
    flow.yield %b, %a : tensor<4xf32>, tensor<4xf32>
  // CHECK: } -> (tensor<4xf32>), (tensor<3x4xf32>)
  } -> (tensor<4xf32>), (tensor<3x4xf32>)
  return %y, %inputs : tensor<4xf32>, tensor<3x4xf32>
}

// CHECK-LABEL: func @dense
func.func @dense(%w: tensor<3x2xf32>, %x: tensor<2xf32>, %b: tensor<3xf32>) {
  // CHECK: flow.dense %{{.*}}, %{{.*}} : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  %0 = flow.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  // CHECK: flow.dense %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<3xf32>) mask <out = [0, 1, 1], in = [0, 1], strict = false> : {{.*}} {
  %1 = flow.dense %w, %x bias(%b : tensor<3xf32>) mask <out = [0, 1, 1], in = [0, 1], strict = false>
      : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32> {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    flow.yield %t : f32
  }
  // CHECK: flow.dense %{{.*}}, %{{.*}} transposed : tensor<3x2xf32>, tensor<3xf32> -> tensor<2xf32>
  %2 = flow.dense %w, %1 transposed : tensor<3x2xf32>, tensor<3xf32> -> tensor<2xf32>
  // CHECK: flow.outer %{{.*}}, %{{.*}} mask <out = [0, 1, 1], in = [0, 1], strict = true> : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
  %3, %4 = flow.outer %1, %x mask <out = [0, 1, 1], in = [0, 1], strict = true>
      : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
  return
}

// CHECK-LABEL: func @sweep
func.func @sweep(%y: tensor<3xf32>, %c: tensor<1xf32>, %w0: tensor<2x4xf32>, %b0: tensor<2xf32>, %w1: tensor<6x2xf32>,
                 %b1: tensor<6xf32>) -> (tensor<3xf32>, f32) {
  %c0 = arith.constant 0.0 : f32
  // CHECK: flow.sweep 3 prefix(%{{.*}} : tensor<1xf32>) weights(%{{.*}}, %{{.*}} : tensor<2x4xf32>, tensor<6x2xf32>)
  // CHECK-SAME: biases(%{{.*}}, %{{.*}} : tensor<2xf32>, tensor<6xf32>) indexed(%{{.*}} : tensor<3xf32>) init(%{{.*}} : f32)
  // CHECK-SAME: attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 1, 2>, array<i64: 0, 2, 4, 6>]} {
  %units, %x, %sum = flow.sweep 3 prefix(%c : tensor<1xf32>) weights(%w0, %w1 : tensor<2x4xf32>, tensor<6x2xf32>)
      biases(%b0, %b1 : tensor<2xf32>, tensor<6xf32>) indexed(%y : tensor<3xf32>) init(%c0 : f32)
      attributes {indexed_stage = array<i64: 1>, row_ends = [array<i64: 0, 0, 1, 2>, array<i64: 0, 2, 4, 6>]} {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    flow.yield %t : f32
  // CHECK: }, {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<2xf32>, %{{.*}}: f32):
  }, {
  ^bb0(%p: tensor<2xf32>, %v: f32):
    %loc, %scale = flow.split %p : tensor<2xf32> -> f32, f32
    %u = arith.subf %v, %loc : f32
    flow.yield %u, %scale : f32, f32
  // CHECK: } -> (tensor<2xf32>), tensor<3xf32>, (), (f32)
  } -> (tensor<2xf32>), tensor<3xf32>, (), (f32)
  return %x, %sum : tensor<3xf32>, f32
}

// CHECK-LABEL: func @rows
func.func @rows(%x: tensor<3xf32>, %w: tensor<3x2xf32>, %permutation: tensor<3xi32>, %inverse: tensor<3xi32>) {
  // CHECK: flow.split %{{.*}} : tensor<3xf32> -> tensor<2xf32>, f32
  %0, %1 = flow.split %x : tensor<3xf32> -> tensor<2xf32>, f32
  // CHECK: flow.concat %{{.*}}, %{{.*}} : f32, tensor<2xf32> -> tensor<3xf32>
  %2 = flow.concat %1, %0 : f32, tensor<2xf32> -> tensor<3xf32>
  // CHECK: flow.gather %{{.*}}, %{{.*}}, %{{.*}} : tensor<3xf32>
  %3 = flow.gather %2, %permutation, %inverse : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  // CHECK: flow.reverse %{{.*}} : tensor<3xf32>
  %4 = flow.reverse %3 : tensor<3xf32>
  // CHECK: flow.reorder %{{.*}} rows = [2, 0, 1] columns = [] : tensor<3x2xf32>
  %5 = flow.reorder %w rows = [2, 0, 1] columns = [] : tensor<3x2xf32>
  // CHECK: flow.reshape %{{.*}} : tensor<3x2xf32> -> tensor<6xf32>
  %6 = flow.reshape %5 : tensor<3x2xf32> -> tensor<6xf32>
  return
}

// CHECK-LABEL: func @small
func.func @small(%x: tensor<3xf32>, %v: f32) {
  // CHECK: flow.log1p_exp %{{.*}} : tensor<3xf32>
  %0 = flow.log1p_exp %x : tensor<3xf32>
  // CHECK: flow.inv_logit %{{.*}} : f32
  %1 = flow.inv_logit %v : f32
  // CHECK: flow.clip %{{.*}} to[-1.000000e+00, 2.000000e+00] : f32
  %clip = flow.clip %v to [-1.0, 2.0] : f32
  // CHECK: flow.reduce_sum %{{.*}} : tensor<3xf32> -> f32
  %2 = flow.reduce_sum %0 : tensor<3xf32> -> f32
  // CHECK: flow.reduce_max %{{.*}} : tensor<3xf32> -> f32
  %3 = flow.reduce_max %0 : tensor<3xf32> -> f32
  // CHECK: flow.splat %{{.*}} : f32 -> tensor<3xf32>
  %4 = flow.splat %2 : f32 -> tensor<3xf32>
  // CHECK: flow.cumsum %{{.*}} : tensor<3xf32>
  %5 = flow.cumsum %4 : tensor<3xf32>
  // CHECK: flow.cumsum %{{.*}} reverse : tensor<3xf32>
  %6 = flow.cumsum %4 reverse : tensor<3xf32>
  // CHECK: flow.bin_search %{{.*}}, %{{.*}} : tensor<3xf32>
  %7 = flow.bin_search %5, %v : tensor<3xf32>, f32
  // CHECK: flow.take %{{.*}}[%{{.*}} + 1] : tensor<3xf32>
  %8 = flow.take %5[%7 + 1] : tensor<3xf32> -> f32
  // CHECK: flow.one_hot %{{.*}} at[%{{.*}} + 1] : f32 -> tensor<3xf32>
  %9 = flow.one_hot %8 at[%7 + 1] : f32 -> tensor<3xf32>
  return
}

// CHECK-LABEL: func @batch
func.func @batch() {
  // CHECK: flow.row_weight : f32
  %0 = flow.row_weight : f32
  // CHECK: flow.random_normal : tensor<3xf32>
  %1 = flow.random_normal : tensor<3xf32>
  return
}
