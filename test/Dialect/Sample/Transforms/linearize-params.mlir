// RUN: flowc-opt %s --split-input-file --sample-linearize=of=params --sample-hoist-parameters --canonicalize --cse | FileCheck %s

// Tangents of leaves are leaves: what depends on both alone is prepared. A frozen leaf
// has no tangent.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[RAW:.*]]: f32 {flow.name = "s", flow.trainable}, %[[B:.*]]: f32 {flow.name = "b"}, %[[DRAW:.*]]: f32 {flow.name = "s", flow.tangent})
// CHECK: %[[S:.*]] = sample.log1p_exp %[[RAW]]
// CHECK: %[[SLOPE:.*]] = sample.inv_logit %[[RAW]]
// CHECK: arith.mulf %[[DRAW]], %[[SLOPE]]
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: f32 {flow.row}, %[[PS:.*]]: f32, %[[PDS:.*]]: f32, %[[PB:.*]]: f32) -> (f32, f32)
// CHECK: %[[P:.*]] = arith.mulf %[[X]], %[[PS]]
// CHECK: %[[DP:.*]] = arith.mulf %[[PDS]], %[[X]]
// CHECK: %[[Y:.*]] = arith.addf %[[P]], %[[PB]]
// CHECK: return %[[Y]], %[[DP]]
func.func @kernel(%x: f32 {flow.row}, %raw: f32 {flow.name = "s", flow.trainable}, %b: f32 {flow.name = "b"}) -> f32 {
  %s = sample.log1p_exp %raw : f32
  %p = arith.mulf %x, %s : f32
  %y = arith.addf %p, %b : f32
  return %y : f32
}

// -----

// dV h + V dh + db in the second layer: the bias joins one of the products.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:[^ ]*]]: tensor<2xf32> {flow.row}, %[[W:[^ ]*]]: tensor<3x2xf32>, %[[DW:[^ ]*]]: tensor<3x2xf32>, %[[V:[^ ]*]]: tensor<3x3xf32>, %[[B:[^ ]*]]: tensor<3xf32>, %[[DB:[^ ]*]]: tensor<3xf32>, %[[DV:[^ ]*]]: tensor<3x3xf32>)
// CHECK: %[[H:.*]] = sample.dense %[[W]], %[[X]] :
// CHECK: %[[DH:.*]] = sample.dense %[[DW]], %[[X]] :
// CHECK: sample.dense %[[V]], %[[H]] bias(%[[B]]
// CHECK: %[[P:.*]] = sample.dense %[[V]], %[[DH]] bias(%[[DB]]
// CHECK: %[[Q:.*]] = sample.dense %[[DV]], %[[H]] :
// CHECK: arith.addf %[[P]], %[[Q]]
func.func @kernel(%x: tensor<2xf32> {flow.row}, %w: tensor<3x2xf32> {flow.name = "w", flow.trainable},
                  %v: tensor<3x3xf32> {flow.name = "v", flow.trainable}, %b: tensor<3xf32> {flow.name = "b", flow.trainable}) -> tensor<3xf32> {
  %h = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  %y = sample.dense %v, %h bias(%b : tensor<3xf32>) : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

// Matrices of parameters: moves of blocks and diagonals move tangents.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: %[[DA:[^ ]*]]: tensor<4x4xf32> {flow.name = "a", flow.tangent}
// CHECK: sample.diagonal %[[DA]]
// CHECK: %[[DD:.*]] = sample.block_diagonal %[[DA]]
// CHECK: sample.block_triangle %[[DA]], %[[DD]]
func.func @kernel(%x: tensor<4xf32> {flow.row}, %a: tensor<4x4xf32> {flow.name = "a", flow.trainable}) -> tensor<4xf32> {
  %d = sample.diagonal %a : tensor<4x4xf32> -> tensor<4xf32>
  %b = sample.block_diagonal %a blocks = 2 : tensor<4x4xf32> -> tensor<4x2xf32>
  %t = sample.block_triangle %a, %b blocks = 2 : tensor<4x4xf32>, tensor<4x2xf32>
  %y = sample.dense %t, %x bias(%d : tensor<4xf32>) : tensor<4x4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A row of a normalised weight moves by a projection of its tangent, and along itself
// with its scale; an inverse by -X dA X.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME: (%[[W:[^ ]*]]: tensor<3x3xf32> {flow.name = "w", flow.trainable}, %[[S:[^ ]*]]: tensor<3xf32> {flow.name = "s", flow.trainable}, %[[DW:[^ ]*]]: tensor<3x3xf32> {flow.name = "w", flow.tangent}, %[[DS:[^ ]*]]: tensor<3xf32> {flow.name = "s", flow.tangent})
// CHECK: %[[N:.*]] = sample.weight_normalize %[[W]], %[[S]]
// CHECK: %[[P:.*]], %{{.*}} = sample.weight_normalize_vjp %[[W]], %[[S]], %[[DW]]
// CHECK: sample.inv_logit %[[S]]
// CHECK: %[[F:.*]] = arith.divf
// CHECK: %[[R:.*]] = sample.scan 3 over(%[[N]], %[[F]] : tensor<3x3xf32>, tensor<3xf32>)
// CHECK: %[[DN:.*]] = arith.addf %[[P]], %[[R]]
// CHECK: %[[I:.*]] = sample.triangular_inverse %[[N]]
// CHECK: sample.triangular_inverse_jvp %[[I]], %[[DN]]
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<3x3xf32> {flow.name = "w", flow.trainable}, %s: tensor<3xf32> {flow.name = "s", flow.trainable})
    -> tensor<3xf32> {
  %n = sample.weight_normalize %w, %s : tensor<3x3xf32>, tensor<3xf32>
  %i = sample.triangular_inverse %n : tensor<3x3xf32>
  %y = sample.dense %i, %x : tensor<3x3xf32>, tensor<3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
