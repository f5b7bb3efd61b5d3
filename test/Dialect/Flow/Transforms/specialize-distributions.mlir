// RUN: flowc-opt %s -split-input-file -flow-specialize=program=log_prob | FileCheck %s
// RUN: flowc-opt %s -split-input-file -flow-specialize="program=sample rows=drawn" | FileCheck %s --check-prefix=SAMPLE

// Outside of the support: -inf, by a comparison that lets NaN through.
// CHECK-LABEL: func @kernel(%arg0: tensor<3xf32> {flow.row})
// CHECK: sample.map 3 indexed(%arg0 : tensor<3xf32>)
// CHECK: %[[OUT:.*]] = arith.cmpf olt, %[[X:.*]], %{{.*}} : f32
// CHECK: %[[DENSITY:.*]] = arith.negf %[[X]] : f32
// CHECK: arith.select %[[OUT]], %{{.*}}, %[[DENSITY]] : f32
// Both ends of the uniform number keep their resolution.
// SAMPLE-LABEL: func @kernel() -> tensor<3xf32>
// SAMPLE: %[[TAIL:.*]] = sample.random_tail stream = 0 : tensor<3xf32>
// SAMPLE: sample.map 3 indexed(%[[TAIL]] : tensor<3xf32>)
// SAMPLE: math.log
// SAMPLE: math.log1p
func.func @flow() -> tensor<3xf32> {
  %z = flow.standard_exponential : tensor<3xf32>
  return %z : tensor<3xf32>
}

// -----

// What depends on the concentration alone is a map of its own.
// CHECK-LABEL: func @kernel(%arg0: tensor<3xf64> {flow.row}, %arg1: tensor<3xf64>)
// CHECK: %[[PREPARED:.*]]:4, %[[NORM:.*]] = sample.map 3 indexed(%arg1 : tensor<3xf64>)
// CHECK: sample.stirling
// CHECK: sample.map 3 indexed(%arg0, %[[PREPARED]]#0, %[[PREPARED]]#1, %[[PREPARED]]#2, %[[PREPARED]]#3 : {{.*}}) init(%[[NORM]] : f64)
// CHECK: sample.log_minus
// CHECK-NOT: sample.stirling
// SAMPLE-LABEL: func @kernel(%arg0: tensor<3xf64>)
// SAMPLE: sample.random_gamma %arg0 stream = 1 : tensor<3xf64>
func.func @flow(%a: tensor<3xf64>) -> tensor<3xf64> {
  %z = flow.standard_gamma %a : tensor<3xf64>
  return %z : tensor<3xf64>
}

// -----

// One loop over components, whatever their number: their densities are a stack.
// CHECK-LABEL: func @kernel
// CHECK: %[[MAX:.*]], %[[DENSITIES:.*]] = sample.scan 5 carries(%{{.*}} : f32) over(%{{.*}}, %arg2 : tensor<5xf32>, tensor<5x2xf32>) shared(%arg0 : tensor<2xf32>)
// CHECK: -> (f32), (tensor<5xf32>)
// CHECK: sample.detach %[[MAX]] : f32
// CHECK: sample.map 5 indexed(%[[DENSITIES]] : tensor<5xf32>)
// CHECK: math.exp
// The component has a random number of its own.
// SAMPLE-LABEL: func @kernel
// SAMPLE: sample.random_tail stream = 8 : f32
// SAMPLE: sample.scan 5 carries(%{{.*}} : tensor<2xf32>)
// SAMPLE: sample.random_normal : tensor<2xf32>
// SAMPLE: sample.map 2
// SAMPLE: arith.cmpf oge
// SAMPLE: arith.select
func.func @flow(%w: tensor<5xf32>, %loc: tensor<5x2xf32>) -> tensor<2xf32> {
  %x = flow.mixture %w over(%loc : tensor<5x2xf32>) : tensor<5xf32> -> tensor<2xf32> {
  ^bb0(%l: tensor<2xf32>):
    %z = flow.standard_normal : tensor<2xf32>
    %y = flow.loc %z, %l : tensor<2xf32>, tensor<2xf32>
    flow.yield %y : tensor<2xf32>
  }
  return %x : tensor<2xf32>
}

// -----

// Nested mixtures choose independently.
// SAMPLE-LABEL: func @kernel
// SAMPLE: sample.random_tail stream = 8 : f32
// SAMPLE: sample.random_tail stream = 9 : f32
// CHECK-LABEL: func @kernel
func.func @flow(%w: tensor<2xf32>, %v: tensor<2x3xf32>) -> f32 {
  %x = flow.mixture %w over(%v : tensor<2x3xf32>) : tensor<2xf32> -> f32 {
  ^bb0(%u: tensor<3xf32>):
    %y = flow.mixture %u : tensor<3xf32> -> f32 {
    ^bb0:
      %z = flow.standard_cauchy : f32
      flow.yield %z : f32
    }
    flow.yield %y : f32
  }
  return %x : f32
}
