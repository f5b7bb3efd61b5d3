// RUN: flowc-opt %s --sample-differentiate=of=inputs --canonicalize --cse | FileCheck %s

// A gamma draw moves with its concentration as the quantile that it is; for a below 1,
// where that of a + 1 is drawn, the logarithm of u^(1/a) by -log(u) / a^2.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[A:.*]]: tensor<3xf64> {flow.row}) -> (tensor<3xf64> {flow.row})
// CHECK: %[[GAMMA:.*]], %[[FACTOR:.*]] = sample.random_gamma %[[A]] stream = 1
// CHECK: %[[COT:.*]]:2 = sample.map 3 indexed(%[[GAMMA]], %[[FACTOR]]
// CHECK: %[[GRAD:.*]] = sample.map 3 indexed(%[[A]], %[[GAMMA]], %[[FACTOR]], %[[COT]]#0, %[[COT]]#1
// CHECK-NEXT: ^bb0(%[[a:.*]]: f64, %[[g:.*]]: f64, %[[f:.*]]: f64, %[[dg:.*]]: f64, %[[df:.*]]: f64):
// CHECK: %[[NEXT:.*]] = arith.addf %[[a]], %{{.*}}
// CHECK: %[[b:.*]] = arith.select %{{.*}}, %[[a]], %[[NEXT]]
// CHECK: %[[NEG:.*]] = arith.negf %[[f]]
// CHECK: %[[RATIO:.*]] = arith.divf %[[NEG]], %[[a]]
// CHECK: %[[SLOPE:.*]] = sample.gamma_slope %[[b]], %[[g]]
// CHECK: %[[BOUNDED:.*]] = arith.select %{{.*}}, %{{.*}}, %[[RATIO]]
// CHECK: %[[ONE:.*]] = arith.mulf %[[dg]], %[[SLOPE]]
// CHECK: %[[OTHER:.*]] = arith.mulf %[[df]], %[[BOUNDED]]
// CHECK: arith.addf %[[ONE]], %[[OTHER]]
// CHECK: return %[[GRAD]]
func.func @kernel(%a: tensor<3xf64> {flow.row}) -> f64 {
  %0:2 = sample.random_gamma %a stream = 1 : tensor<3xf64>
  %c = arith.constant 0.0 : f64
  %1 = sample.map 3 indexed(%0#0, %0#1 : tensor<3xf64>, tensor<3xf64>) init(%c : f64) {
  ^bb0(%g: f64, %f: f64):
    %e = math.exp %f : f64
    %x = arith.mulf %g, %e : f64
    sample.yield %x : f64
  } -> (), (f64)
  return %1 : f64
}
