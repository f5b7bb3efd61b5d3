// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @network
func.func @network(%x: tensor<3xf32>, %c: tensor<2xf32>, %v: tensor<12x2xf32>, %w0: tensor<12x3xf32>,
                   %b0: tensor<12xf32>, %w1: tensor<3x12xf32>, %b1: tensor<3xf32>, %s: f32) -> tensor<3xf32> {
  // CHECK: flow.block_autoregressive_network %{{.*}} condition(%{{.*}} : tensor<2xf32>) cond_weight(%{{.*}} : tensor<12x2xf32>)
  // CHECK-SAME: weights(%{{.*}}, %{{.*}} : tensor<12x3xf32>, tensor<3x12xf32>) biases(%{{.*}}, %{{.*}} : tensor<12xf32>, tensor<3xf32>) : tensor<3xf32>
  %a = flow.block_autoregressive_network %x condition(%c : tensor<2xf32>) cond_weight(%v : tensor<12x2xf32>)
      weights(%w0, %w1 : tensor<12x3xf32>, tensor<3x12xf32>) biases(%b0, %b1 : tensor<12xf32>, tensor<3xf32>) : tensor<3xf32>
  // CHECK: {activation = "elu"} : tensor<3xf32>
  %b = flow.block_autoregressive_network %a weights(%w0, %w1 : tensor<12x3xf32>, tensor<3x12xf32>)
      biases(%b0, %b1 : tensor<12xf32>, tensor<3xf32>) {activation = "elu"} : tensor<3xf32>
  // CHECK: biases(%{{.*}}) : tensor<3xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32):
  // CHECK-NEXT: flow.scale
  %d = flow.block_autoregressive_network %b weights(%w0, %w1 : tensor<12x3xf32>, tensor<3x12xf32>)
      biases(%b0, %b1 : tensor<12xf32>, tensor<3xf32>) : tensor<3xf32> {
  ^bb0(%z: f32):
    %t = flow.scale %z, %s : f32, f32
    flow.yield %t : f32
  }
  return %d : tensor<3xf32>
}

// CHECK-LABEL: func @parameters
func.func @parameters(%a: tensor<12x6xf32>) -> tensor<12x6xf32> {
  // CHECK: sample.block_diagonal %{{.*}} blocks = 3 : tensor<12x6xf32> -> tensor<12x2xf32>
  %d = sample.block_diagonal %a blocks = 3 : tensor<12x6xf32> -> tensor<12x2xf32>
  // CHECK: sample.block_triangle %{{.*}}, %{{.*}} blocks = 3 : tensor<12x6xf32>, tensor<12x2xf32>
  %t = sample.block_triangle %a, %d blocks = 3 : tensor<12x6xf32>, tensor<12x2xf32>
  return %t : tensor<12x6xf32>
}

// CHECK-LABEL: func @products
func.func @products(%w: tensor<12x2xf32>, %x: tensor<6xf32>) -> (tensor<6xf32>, tensor<12x2xf32>) {
  // CHECK: sample.block_dense %{{.*}}, %{{.*}} blocks = 3 : tensor<12x2xf32>, tensor<6xf32> -> tensor<12xf32>
  %y = sample.block_dense %w, %x blocks = 3 : tensor<12x2xf32>, tensor<6xf32> -> tensor<12xf32>
  // CHECK: sample.block_dense %{{.*}}, %{{.*}} transposed blocks = 3 : tensor<12x2xf32>, tensor<12xf32> -> tensor<6xf32>
  %z = sample.block_dense %w, %y transposed blocks = 3 : tensor<12x2xf32>, tensor<12xf32> -> tensor<6xf32>
  // CHECK: sample.block_outer %{{.*}}, %{{.*}} blocks = 3 : tensor<12xf32>, tensor<6xf32> -> tensor<12x2xf32>
  %g = sample.block_outer %y, %x blocks = 3 : tensor<12xf32>, tensor<6xf32> -> tensor<12x2xf32>
  return %z, %g : tensor<6xf32>, tensor<12x2xf32>
}

// CHECK-LABEL: func @sweeps
func.func @sweeps(%y: tensor<3xf32>, %o: tensor<6xf32>, %w0: tensor<6x3xf32>, %b0: tensor<6xf32>,
                  %w1: tensor<3x6xf32>, %b1: tensor<3xf32>, %d0: tensor<6x1xf32>, %d1: tensor<3x2xf32>,
                  %s: f32) -> (tensor<3xf32>, f32, tensor<3xf32>) {
  // CHECK: sample.block_sweep %{{.*}} offset(%{{.*}} : tensor<6xf32>) weights(%{{.*}} : tensor<6x3xf32>, tensor<3x6xf32>)
  // CHECK-SAME: biases(%{{.*}} : tensor<6xf32>, tensor<3xf32>) diagonals(%{{.*}} : tensor<6x1xf32>, tensor<3x2xf32>) shared(%{{.*}} : f32)
  // CHECK-SAME: attributes {leak = 0.000000e+00 : f64} {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: f32):
  // CHECK: } : tensor<3xf32> -> tensor<3xf32>, f32
  %x, %l = sample.block_sweep %y offset(%o : tensor<6xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>)
      biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>)
      shared(%s : f32) attributes {leak = 0.0} {
  ^bb0(%z: f32, %k: f32):
    %v = arith.mulf %z, %k : f32
    sample.yield %v, %k : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  // CHECK: bounds(
  // CHECK: } surrogate {
  %u, %m = sample.block_sweep %x weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>)
      biases(%b0, %b1 : tensor<6xf32>, tensor<3xf32>) diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>)
      bounds(%y, %y, %y, %y, %y : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
      attributes {leak = 0.01} {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } surrogate {
  ^bb0(%z: f32):
    sample.yield %z, %z : f32, f32
  } : tensor<3xf32> -> tensor<3xf32>, f32
  // CHECK: sample.block_adjoint %{{.*}} slopes(%{{.*}} : tensor<6xf32>) weights(%{{.*}} : tensor<6x3xf32>, tensor<3x6xf32>) diagonals(%{{.*}} : tensor<6x1xf32>, tensor<3x2xf32>) : tensor<3xf32> -> tensor<3xf32>
  %g = sample.block_adjoint %u slopes(%o : tensor<6xf32>) weights(%w0, %w1 : tensor<6x3xf32>, tensor<3x6xf32>)
      diagonals(%d0, %d1 : tensor<6x1xf32>, tensor<3x2xf32>) : tensor<3xf32> -> tensor<3xf32>
  return %u, %m, %g : tensor<3xf32>, f32, tensor<3xf32>
}
