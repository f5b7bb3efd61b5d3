// Linear bijections are dense layers; what follows from parameters is computed in
// @prepare, its cotangents in @finish.
// RUN: flowc-opt %s -split-input-file -flow-specialize=program=nll -canonicalize -cse -sample-hoist-parameters | FileCheck %s
// RUN: flowc-opt %s -split-input-file -flow-specialize=program=nll -canonicalize -cse -sample-hoist-parameters \
// RUN:   -sample-differentiate -canonicalize -cse | FileCheck %s --check-prefix=GRADIENT

// The density needs the inverse: one triangular inverse per version of the
// parameters, and a masked product per row.
// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[LOC:.*]]: tensor<3xf32>, %[[RAW:.*]]: tensor<3x3xf32> {{.*}}, %[[SCALE:.*]]: tensor<3xf32> {{.*}})
// CHECK: %[[TRIANGLE:.*]] = sample.triangle %[[RAW]]
// CHECK: %[[MATRIX:.*]] = sample.weight_normalize %[[TRIANGLE]], %[[SCALE]]
// CHECK: sample.triangular_inverse %[[MATRIX]] : tensor<3x3xf32>
// CHECK: sample.diagonal %[[MATRIX]]
// CHECK: math.log
// CHECK-LABEL: func.func @kernel
// CHECK-NOT: math.log
// CHECK: arith.subf
// CHECK: sample.dense %{{.*}}, %{{.*}} mask <out = [0, 1, 2], in = [0, 1, 2], strict = false>

// GRADIENT-LABEL: func.func @kernel
// GRADIENT: sample.outer %{{.*}} mask <out = [0, 1, 2], in = [0, 1, 2], strict = false>
// GRADIENT-LABEL: func.func @finish
// GRADIENT: %[[A:.*]] = sample.triangular_inverse_vjp
// GRADIENT: %[[SUM:.*]] = arith.addf %{{.*}}, %[[A]]
// GRADIENT: %[[W:.*]], %[[S:.*]] = sample.weight_normalize_vjp %{{.*}}, %{{.*}}, %[[SUM]]
// GRADIENT: sample.triangle %[[W]]
func.func @flow(%loc: tensor<3xf32>, %raw: tensor<3x3xf32> {flow.name = ".weight", flow.trainable},
                %scale: tensor<3xf32> {flow.name = ".scale", flow.trainable}) -> tensor<3xf32> {
  %z = flow.standard_normal : tensor<3xf32>
  %diagonal = sample.diagonal %raw : tensor<3x3xf32> -> tensor<3xf32>
  %positive = sample.log1p_exp %diagonal : tensor<3xf32>
  %triangle = sample.triangle %raw, %positive : tensor<3x3xf32>, tensor<3xf32>
  %matrix = sample.weight_normalize %triangle, %scale : tensor<3x3xf32>, tensor<3xf32>
  %y = flow.triangular_affine %z, %loc, %matrix : tensor<3xf32>, tensor<3xf32>, tensor<3x3xf32>
  return %y : tensor<3xf32>
}

// -----

// An upper triangle is a lower one of reversed events.
// CHECK-LABEL: func.func @prepare
// CHECK: sample.triangular_inverse %{{.*}} upper
// CHECK: sample.reorder %{{.*}} rows = [2, 1, 0] columns = [2, 1, 0]
// CHECK-LABEL: func.func @kernel
// CHECK: sample.reverse
// CHECK: sample.dense
// CHECK: sample.reverse
func.func @flow(%loc: tensor<3xf32>, %matrix: tensor<3x3xf32> {flow.name = ".matrix", flow.trainable}) -> tensor<3xf32> {
  %z = flow.standard_normal : tensor<3xf32>
  %y = flow.triangular_affine %z, %loc, %matrix upper : tensor<3xf32>, tensor<3xf32>, tensor<3x3xf32>
  return %y : tensor<3xf32>
}

// -----

// The matrix of a cosine transform is made in @prepare; its inverse is the
// transpose. Two groups are a loop.
// CHECK-LABEL: func.func @prepare
// CHECK: sample.cosine_matrix : tensor<3x3xf32>
// CHECK-LABEL: func.func @kernel
// CHECK: sample.scan 2 over(%{{.*}} : tensor<2x3xf32>) shared(%{{.*}} : tensor<3x3xf32>)
// CHECK: sample.dense %{{.*}}, %{{.*}} transposed
// A reflection is its own inverse; the square of its normal is no work per row.
// CHECK: sample.map 6 indexed(%{{.*}}, %{{.*}} : tensor<6xf32>, tensor<6xf32>) init
// CHECK: sample.map 6 indexed(%{{.*}}, %{{.*}} : tensor<6xf32>, tensor<6xf32>) shared(%{{.*}} : f32)
func.func @flow(%normal: tensor<6xf32> {flow.name = ".unit_vec.args[0]", flow.trainable}) -> tensor<6xf32> {
  %z = flow.standard_normal : tensor<6xf32>
  %y = flow.householder %z, %normal : tensor<6xf32>, tensor<6xf32>
  %c = flow.discrete_cosine %y size 3 : tensor<6xf32>
  return %c : tensor<6xf32>
}
