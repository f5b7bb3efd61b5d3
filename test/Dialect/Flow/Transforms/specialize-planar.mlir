// RUN: flowc-opt %s -split-input-file -flow-specialize=program=transform -canonicalize -cse | FileCheck %s --check-prefix=FORWARD
// RUN: flowc-opt %s -split-input-file -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefix=INVERSE
// RUN: flowc-opt %s -split-input-file -flow-specialize=program=inverse -canonicalize -cse -sample-hoist-parameters | FileCheck %s --check-prefix=HOISTED

// Both directions are a product with w, a number per sample, and a move along v.

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[P:.*]]: tensor<7xf32> {{.*}})
// FORWARD: %[[S:.*]]:3 = sample.split %[[P]]
// FORWARD: %[[A:.*]] = sample.map 3 indexed(%[[S]]#0, %[[X]] : tensor<3xf32>, tensor<3xf32>) init(%[[S]]#2 : f32)
// FORWARD: %[[H:.*]] = math.tanh %[[A]]
// FORWARD: %[[LD:.*]] = math.log
// FORWARD: %[[Y:.*]] = sample.map 3 indexed(%[[X]], %{{.*}} : tensor<3xf32>, tensor<3xf32>) shared(%[[H]] : f32)
// FORWARD-NOT: sample.root
// FORWARD: return %[[Y]], %[[LD]]

// The tanh inverse is one root per sample, whatever the dimension.
// INVERSE-LABEL: func @kernel
// INVERSE: %[[V:.*]] = sample.map 3 {{.*}} init(
// INVERSE: %[[T:.*]] = sample.root above({{.*}}) below({{.*}}) from({{.*}})
// INVERSE: %[[H:.*]] = math.tanh %[[T]]
// INVERSE-NOT: sample.root

// What depends on parameters only is prepared: the softplus, v and 1 + w.v.
// HOISTED-LABEL: func.func @prepare
// HOISTED: sample.log1p_exp
// HOISTED-LABEL: func.func @kernel
// HOISTED-NOT: sample.log1p_exp
// HOISTED: sample.root
func.func @bijection(%x: tensor<3xf32> {flow.row}, %p: tensor<7xf32> {flow.name = ".params", flow.trainable}) -> tensor<3xf32> {
  %y = flow.planar %x, %p : tensor<3xf32>, tensor<7xf32>
  return %y : tensor<3xf32>
}

// -----

// The leaky one is inverted in closed form; a tolerance has no meaning there.
// FORWARD-LABEL: func @kernel
// INVERSE-LABEL: func @kernel
// INVERSE-NOT: sample.root
// INVERSE: return
// HOISTED-LABEL: func.func @prepare
func.func @bijection(%x: tensor<3xf32> {flow.row}, %p: tensor<7xf32> {flow.name = ".params", flow.trainable}) -> tensor<3xf32> {
  %y = flow.planar %x, %p {negative_slope = 0.2, flow.tolerance = 0.1} : tensor<3xf32>, tensor<7xf32>
  return %y : tensor<3xf32>
}

// -----

// FORWARD-LABEL: func @kernel
// INVERSE-LABEL: func @kernel
// INVERSE: sample.root {{.*}} attributes {tolerance = 1.000000e-01 : f64}
// HOISTED-LABEL: func.func @prepare
func.func @bijection(%x: tensor<3xf32> {flow.row}, %p: tensor<7xf32> {flow.name = ".params", flow.trainable}) -> tensor<3xf32> {
  %y = flow.planar %x, %p {flow.tolerance = 0.1} : tensor<3xf32>, tensor<7xf32>
  return %y : tensor<3xf32>
}
