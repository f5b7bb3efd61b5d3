// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK-LABEL: func @quantiles
func.func @quantiles() {
  // CHECK: flow.standard_uniform : tensor<3xf32>
  %0 = flow.standard_uniform : tensor<3xf32>
  // CHECK: flow.standard_gumbel : f64
  %1 = flow.standard_gumbel : f64
  // CHECK: flow.standard_cauchy : tensor<3xf32>
  %2 = flow.standard_cauchy : tensor<3xf32>
  // CHECK: flow.standard_laplace : tensor<3xf32>
  %3 = flow.standard_laplace : tensor<3xf32>
  // CHECK: flow.standard_exponential : tensor<3xf32>
  %4 = flow.standard_exponential : tensor<3xf32>
  // CHECK: flow.standard_logistic : tensor<3xf32>
  %5 = flow.standard_logistic : tensor<3xf32>
  return
}

// CHECK-LABEL: func @parameters
func.func @parameters(%a: tensor<3xf32>, %b: tensor<3xf32>, %c: f64) {
  // CHECK: flow.standard_student_t %{{.*}} : tensor<3xf32>
  %0 = flow.standard_student_t %a : tensor<3xf32>
  // CHECK: flow.standard_gamma %{{.*}} : f64
  %1 = flow.standard_gamma %c : f64
  // CHECK: flow.beta %{{.*}}, %{{.*}} : tensor<3xf32>
  %2 = flow.beta %a, %b : tensor<3xf32>
  return
}

// CHECK-LABEL: func @mixture
func.func @mixture(%w: tensor<4xf32>, %loc: tensor<4x2xf32>, %c: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: flow.mixture %{{.*}} over(%{{.*}} : tensor<4x2xf32>) shared(%{{.*}} : tensor<2xf32>) : tensor<4xf32> -> tensor<2xf32> {
  %x = flow.mixture %w over(%loc : tensor<4x2xf32>) shared(%c : tensor<2xf32>) : tensor<4xf32> -> tensor<2xf32> {
  ^bb0(%l: tensor<2xf32>, %shift: tensor<2xf32>):
    %z = flow.standard_normal : tensor<2xf32>
    %y = flow.loc %z, %l : tensor<2xf32>, tensor<2xf32>
    %v = flow.loc %y, %shift : tensor<2xf32>, tensor<2xf32>
    flow.yield %v : tensor<2xf32>
  }
  return %x : tensor<2xf32>
}

// CHECK-LABEL: func @draws
func.func @draws(%a: tensor<3xf64>) {
  // CHECK: sample.random_tail stream = 8 : f64
  %0 = sample.random_tail stream = 8 : f64
  // CHECK: sample.random_gamma %{{.*}} stream = 1 : tensor<3xf64>
  %1:2 = sample.random_gamma %a stream = 1 : tensor<3xf64>
  return
}

// CHECK-LABEL: func @special
func.func @special(%x: tensor<3xf64>, %t: f32) {
  // CHECK: sample.lgamma %{{.*}} : tensor<3xf64>
  %0 = sample.lgamma %x : tensor<3xf64>
  // CHECK: sample.digamma %{{.*}} : tensor<3xf64>
  %1 = sample.digamma %x : tensor<3xf64>
  // CHECK: sample.trigamma %{{.*}} : tensor<3xf64>
  %5 = sample.trigamma %x : tensor<3xf64>
  // CHECK: sample.stirling %{{.*}} : tensor<3xf64>
  %2 = sample.stirling %x : tensor<3xf64>
  // CHECK: sample.stirling_slope %{{.*}} : tensor<3xf64>
  %3 = sample.stirling_slope %x : tensor<3xf64>
  // CHECK: sample.log_minus %{{.*}}, %{{.*}} : f32
  %4 = sample.log_minus %t, %t : f32
  // CHECK: sample.log1m_exp %{{.*}} : tensor<3xf64>
  %7 = sample.log1m_exp %x : tensor<3xf64>
  // CHECK: sample.normal_log_cdf %{{.*}} : f32
  %8 = sample.normal_log_cdf %t : f32
  // CHECK: sample.normal_hazard %{{.*}} : f32
  %9 = sample.normal_hazard %t : f32
  // CHECK: sample.gamma_slope %{{.*}}, %{{.*}} : tensor<3xf64>
  %6 = sample.gamma_slope %x, %x : tensor<3xf64>
  return
}
