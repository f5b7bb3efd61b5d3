// RUN: flowc-opt %s --split-input-file --sample-differentiate --canonicalize --cse | FileCheck %s

// A standard normal after x = loc + scale z: the cotangents of loc and scale are
// summed over rows, each row with its weight; @finish maps the one of the scale to
// its raw parameter through softplus' = sigmoid.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:.*]]: tensor<3xf32> {flow.row}, %[[S:.*]]: tensor<3xf32>, %[[LOC:.*]]: tensor<3xf32>)
// CHECK-SAME: -> (f32 {flow.sum}, tensor<3xf32> {flow.sum}, tensor<3xf32> {flow.sum})
// CHECK: %[[W:.*]] = sample.row_weight
// CHECK: %[[Z:.*]] = sample.map 3 indexed(%[[X]], %[[S]], %[[LOC]]
// CHECK: %[[NLL:.*]] = sample.map 3 indexed(%[[Z]]
// dz = w z.
// CHECK: %[[DZ:.*]] = sample.map 3 indexed(%[[Z]] : tensor<3xf32>) shared(%[[W]] : f32)
// CHECK-NEXT: ^bb0(%[[ZI:.*]]: f32, %[[WI:.*]]: f32)
// CHECK-NEXT: %[[WZ:.*]] = arith.mulf %[[WI]], %[[ZI]]
// CHECK-NEXT: sample.yield %[[WZ]]
// ds = -(dz / s) z, dloc = -dz / s; z is read, not computed again.
// CHECK: %[[D:.*]]:2 = sample.map 3 indexed(%[[S]], %[[DZ]], %[[Z]]
// CHECK-NEXT: ^bb0(%[[SI:.*]]: f32, %[[DZI:.*]]: f32, %[[ZI:.*]]: f32)
// CHECK-NEXT: %[[Q:.*]] = arith.divf %[[DZI]], %[[SI]]
// CHECK-NEXT: %[[QZ:.*]] = arith.mulf %[[Q]], %[[ZI]]
// CHECK-NEXT: %[[DS:.*]] = arith.negf %[[QZ]]
// CHECK-NEXT: %[[DLOC:.*]] = arith.negf %[[Q]]
// CHECK-NEXT: sample.yield %[[DS]], %[[DLOC]]
// Rows beyond the end of the batch have no loss.
// CHECK: %[[VALID:.*]] = arith.cmpf ogt, %[[W]]
// CHECK: %[[LOSS:.*]] = arith.select %[[VALID]], %[[NLL]]
// CHECK: return %[[LOSS]], %[[D]]#0, %[[D]]#1

// CHECK-LABEL: func.func @finish
// CHECK-SAME: %[[RAW:.*]]: tensor<3xf32> {flow.name = "scale", flow.trainable}
// CHECK-SAME: %{{.*}}: tensor<3xf32> {flow.name = "loc", flow.trainable}
// CHECK-SAME: %[[DS:.*]]: tensor<3xf32> {flow.cotangent}, %[[DLOC:.*]]: tensor<3xf32> {flow.cotangent})
// CHECK-NEXT: %[[SIG:.*]] = sample.inv_logit %[[RAW]]
// CHECK-NEXT: %[[DRAW:.*]] = arith.mulf %[[DS]], %[[SIG]]
// CHECK-NEXT: return %[[DRAW]], %[[DLOC]]
func.func @prepare(%raw: tensor<3xf32> {flow.name = "scale", flow.trainable},
                   %loc: tensor<3xf32> {flow.name = "loc", flow.trainable}) -> (tensor<3xf32>, tensor<3xf32>) {
  %s = sample.log1p_exp %raw : tensor<3xf32>
  return %s, %loc : tensor<3xf32>, tensor<3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %s: tensor<3xf32>, %loc: tensor<3xf32>) -> f32 {
  %z = sample.map 3 indexed(%x, %s, %loc : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  ^bb0(%xi: f32, %si: f32, %li: f32):
    %d = arith.subf %xi, %li : f32
    %zi = arith.divf %d, %si : f32
    sample.yield %zi : f32
  } -> (tensor<3xf32>), ()
  %zero = arith.constant 0.0 : f32
  %nll = sample.map 3 indexed(%z : tensor<3xf32>) init(%zero : f32) {
  ^bb0(%zi: f32):
    %half = arith.constant 0.5 : f32
    %zz = arith.mulf %zi, %zi : f32
    %h = arith.mulf %zz, %half : f32
    sample.yield %h : f32
  } -> (), (f32)
  return %nll : f32
}

// -----

// With two results their cotangents are row inputs, and there is no loss. Leaves
// that are not trained have no cotangent; a trained one without influence has
// zero. Prepared values that the derivative does not read are no longer prepared.

// CHECK-LABEL: func.func @prepare
// CHECK-NEXT: return{{$}}
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:.*]]: f32 {flow.row}, %[[DY:.*]]: f32 {flow.row}, %[[DLD:.*]]: f32 {flow.row})
// CHECK-SAME: -> (f32 {flow.sum}, f32 {flow.sum})
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-DAG: %[[W:.*]] = sample.row_weight
// CHECK: %[[WDY:.*]] = arith.mulf %[[DY]], %[[W]]
// CHECK: %[[DA:.*]] = arith.mulf %[[WDY]], %[[X]]
// CHECK: return %[[ZERO]], %[[DA]]
// CHECK-LABEL: func.func @finish
// CHECK-SAME: {flow.name = "c", flow.trainable}, %[[DA:[^ ]*]]: f32 {flow.cotangent})
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: return %[[DA]], %[[ZERO]]
func.func @prepare(%a: f32 {flow.name = "a", flow.trainable}, %b: f32 {flow.name = "b"},
                   %c: f32 {flow.name = "c", flow.trainable}) -> (f32, f32) {
  return %a, %b : f32, f32
}
func.func @kernel(%x: f32 {flow.row}, %a: f32, %b: f32) -> (f32, f32) {
  %y = arith.mulf %x, %a : f32
  %z = arith.mulf %y, %b : f32
  %zero = arith.constant 0.0 : f32
  return %y, %zero : f32, f32
}

// -----

// A dense layer: dx = W^T g, dW = g x^T, db = g. The activation's derivative reads
// its result; the pre-activation is not kept.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[X:.*]]: tensor<2xf32> {flow.row}, %[[W:.*]]: tensor<3x2xf32>, %[[B:.*]]: tensor<3xf32>, %[[V:.*]]: tensor<1x3xf32>)
// CHECK: %[[P:.*]] = sample.dense %[[W]], %[[X]] bias(%[[B]]
// CHECK: %[[H:.*]] = sample.map 3 indexed(%[[P]]
// CHECK: math.tanh
// CHECK: %[[Y:.*]] = sample.dense %[[V]], %[[H]]
// CHECK: %[[DH:.*]] = sample.dense %[[V]], %[[DY:.*]] transposed mask <out = [1], in = [0, 0, 1], strict = true> : tensor<1x3xf32>, tensor<1xf32> -> tensor<3xf32>
// CHECK: %[[DV:.*]], %{{.*}} = sample.outer %[[DY]], %[[H]] mask <out = [1], in = [0, 0, 1], strict = true>
// CHECK: %[[DP:.*]] = sample.map 3 indexed(%[[DH]], %[[H]]
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[T:.*]]: f32)
// CHECK-NEXT: %[[ONE:.*]] = arith.constant 1.0
// CHECK-NEXT: %[[TT:.*]] = arith.mulf %[[T]], %[[T]]
// CHECK-NEXT: %[[D:.*]] = arith.subf %[[ONE]], %[[TT]]
// CHECK-NEXT: %[[GD:.*]] = arith.mulf %[[G]], %[[D]]
// CHECK-NEXT: sample.yield %[[GD]]
// CHECK: %[[DW:.*]], %[[DB:.*]] = sample.outer %[[DP]], %[[X]]
// CHECK: return %{{.*}}, %[[DW]], %[[DB]], %[[DV]]
func.func @prepare(%w: tensor<3x2xf32> {flow.name = "w", flow.trainable}, %b: tensor<3xf32> {flow.name = "b", flow.trainable},
                   %v: tensor<1x3xf32> {flow.name = "v", flow.trainable}) -> (tensor<3x2xf32>, tensor<3xf32>, tensor<1x3xf32>) {
  return %w, %b, %v : tensor<3x2xf32>, tensor<3xf32>, tensor<1x3xf32>
}
func.func @kernel(%x: tensor<2xf32> {flow.row}, %w: tensor<3x2xf32>, %b: tensor<3xf32>, %v: tensor<1x3xf32>) -> f32 {
  %h = sample.dense %w, %x bias(%b : tensor<3xf32>) : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32> {
  ^bb0(%u: f32):
    %t = math.tanh %u : f32
    sample.yield %t : f32
  }
  %y = sample.dense %v, %h mask<out = [1], in = [0, 0, 1], strict = true> : tensor<1x3xf32>, tensor<3xf32> -> tensor<1xf32>
  %l = sample.reduce_sum %y : tensor<1xf32> -> f32
  return %l : f32
}

// -----

// relu reads its result too: y > 0 says the same as x > 0.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[H:.*]] = sample.map 3 indexed(%{{.*}} : tensor<3xf32>) {
// CHECK: sample.map 3 indexed(%[[H]] : tensor<3xf32>) shared
// CHECK-NEXT: ^bb0(%[[Y:.*]]: f32, %[[G:.*]]: f32)
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: %[[C:.*]] = arith.cmpf ugt, %[[Y]], %[[ZERO]]
// CHECK-NEXT: %[[D:.*]] = arith.select %[[C]], %[[G]], %[[ZERO]]
// CHECK-NEXT: sample.yield %[[D]]
func.func @prepare(%b: tensor<3xf32> {flow.name = "b", flow.trainable}) -> tensor<3xf32> {
  return %b : tensor<3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %b: tensor<3xf32>) -> f32 {
  %s = arith.addf %x, %b : tensor<3xf32>
  %h = sample.map 3 indexed(%s : tensor<3xf32>) {
  ^bb0(%u: f32):
    %zero = arith.constant 0.0 : f32
    %c = arith.cmpf ugt, %u, %zero : f32
    %r = arith.select %c, %u, %zero : f32
    sample.yield %r : f32
  } -> (tensor<3xf32>), ()
  %l = sample.reduce_sum %h : tensor<3xf32> -> f32
  return %l : f32
}
