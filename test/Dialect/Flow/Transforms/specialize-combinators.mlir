// Copies of elementwise bijections are one map, with the parameters of all copies
// computed beforehand; copies of others are a scan over the pieces. A partition
// leaves nothing but the moves of its pieces.
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=FORWARD
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=INVERSE

func.func @bijection(%x: tensor<3xf32> {flow.row}, %loc: tensor<3xf32>, %raw: tensor<3xf32>, %factor: f32)
    -> tensor<3xf32> {
  %y = flow.vmap %x 3 over(%loc, %raw : tensor<3xf32>, tensor<3xf32>) shared(%factor : f32) : tensor<3xf32> {
  ^bb0(%a: f32, %l: f32, %r: f32, %f: f32):
    %scale = sample.log1p_exp %r : f32
    %b = flow.affine %a, %l, %scale : f32, f32, f32
    %c = flow.invert %b : f32 {
    ^bb0(%d: f32):
      %e = flow.scale %d, %f : f32, f32
      %g = flow.softplus %e : f32
      flow.yield %g : f32
    }
    flow.yield %c : f32
  }
  return %y : tensor<3xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[LOC:.*]]: tensor<3xf32>, %[[RAW:.*]]: tensor<3xf32>, %[[F:.*]]: f32)
// FORWARD: %[[SCALES:.*]] = sample.scan 3 over(%[[RAW]] : tensor<3xf32>) {
// FORWARD: sample.log1p_exp
// FORWARD: } -> (), (tensor<3xf32>)
// FORWARD: %{{.*}}, %[[M:.*]] = sample.map 3 indexed(%[[X]], %[[LOC]], %[[SCALES]] : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) shared(%[[F]] : f32) init(
// FORWARD-NEXT: ^bb0(%[[A:.*]]: f32, %[[L:.*]]: f32, %[[S:.*]]: f32, %[[G:.*]]: f32):
// The affine map, then the inverses of the inner ones from the last to the first.
// FORWARD: %[[SA:.*]] = arith.mulf %[[S]], %[[A]]
// FORWARD: arith.addf %[[SA]], %[[L]]
// FORWARD: math.expm1
// FORWARD: arith.divf %{{.*}}, %[[G]]
// What scales determine alone is apart.
// FORWARD: %[[LD:.*]] = sample.map 3 indexed(%[[SCALES]] : tensor<3xf32>) shared(%[[F]] : f32) init(
// FORWARD: arith.addf %[[M]], %[[LD]]

// INVERSE-LABEL: func @kernel
// INVERSE: sample.map 3 indexed(
// INVERSE-NEXT: ^bb0(%[[A:.*]]: f32, %[[L:.*]]: f32, %[[S:.*]]: f32, %[[G:.*]]: f32):
// INVERSE: %[[GA:.*]] = arith.mulf %[[G]], %[[A]]
// INVERSE: sample.log1p_exp %[[GA]]
// INVERSE: arith.subf %{{.*}}, %[[L]]
// INVERSE: arith.divf %{{.*}}, %[[S]]

// -----

// A parameter with a share for each element of a piece is repeated for all pieces.
func.func @bijection(%x: tensor<6xf32> {flow.row}, %loc: tensor<2xf32>) -> tensor<6xf32> {
  %y = flow.vmap %x 3 shared(%loc : tensor<2xf32>) : tensor<6xf32> {
  ^bb0(%a: tensor<2xf32>, %l: tensor<2xf32>):
    %one = arith.constant dense<1.0> : tensor<2xf32>
    %b = flow.affine %a, %l, %one : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    flow.yield %b : tensor<2xf32>
  }
  return %y : tensor<6xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<6xf32> {flow.row}, %[[LOC:.*]]: tensor<2xf32>)
// FORWARD: %[[ALL:.*]] = sample.scan 3 shared(%[[LOC]] : tensor<2xf32>) {
// FORWARD-NEXT: ^bb0(%[[L:.*]]: tensor<2xf32>):
// FORWARD-NEXT: sample.yield %[[L]]
// FORWARD-NEXT: } -> (), (tensor<3x2xf32>)
// FORWARD: sample.map 6 indexed(%[[X]], %[[ALL]] : tensor<6xf32>, tensor<3x2xf32>) {

// INVERSE-LABEL: func @kernel

// -----

func.func @bijection(%x: tensor<6xf32> {flow.row}, %loc: tensor<3x2xf32>) -> tensor<6xf32> {
  %y = flow.vmap %x 3 over(%loc : tensor<3x2xf32>) : tensor<6xf32> {
  ^bb0(%a: tensor<2xf32>, %l: tensor<2xf32>):
    %b = flow.loc %a, %l : tensor<2xf32>, tensor<2xf32>
    %c = flow.flip %b : tensor<2xf32>
    %d = flow.tanh %c : tensor<2xf32>
    flow.yield %d : tensor<2xf32>
  }
  return %y : tensor<6xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<6xf32> {flow.row}, %[[LOC:.*]]: tensor<3x2xf32>)
// FORWARD: %[[ZERO:.*]] = arith.constant 0.0
// FORWARD: %[[PIECES:.*]] = sample.reshape %[[X]] : tensor<6xf32> -> tensor<3x2xf32>
// FORWARD: %[[TOTAL:.*]], %[[Y:.*]] = sample.scan 3 carries(%[[ZERO]] : f32) over(%[[PIECES]], %[[LOC]] : tensor<3x2xf32>, tensor<3x2xf32>) {
// FORWARD-NEXT: ^bb0(%[[LD:.*]]: f32, %[[A:.*]]: tensor<2xf32>, %[[L:.*]]: tensor<2xf32>):
// FORWARD: %[[B:.*]] = sample.map 2 indexed(%[[A]], %[[L]] :
// FORWARD: %[[C:.*]] = sample.reverse %[[B]]
// FORWARD: %[[D:.*]], %[[STEP:.*]] = sample.map 2 indexed(%[[C]] :
// FORWARD: %[[SUM:.*]] = arith.addf %[[LD]], %[[STEP]]
// FORWARD: sample.yield %[[SUM]], %[[D]]
// FORWARD: %[[FLAT:.*]] = sample.reshape %[[Y]] : tensor<3x2xf32> -> tensor<6xf32>
// FORWARD: return %[[FLAT]], %[[TOTAL]]

// INVERSE-LABEL: func @kernel
// INVERSE: sample.scan 3 carries
// INVERSE: math.log1p
// INVERSE: sample.reverse
// INVERSE: arith.subf

// -----

func.func @bijection(%x: tensor<4xf32> {flow.row}, %loc: tensor<2xf32>) -> tensor<4xf32> {
  %y = flow.partition %x [2, 1, 1] : tensor<4xf32> {
  ^bb0(%a: tensor<2xf32>):
    %0 = flow.loc %a, %loc : tensor<2xf32>, tensor<2xf32>
    flow.yield %0 : tensor<2xf32>
  }, {
  ^bb0(%b: f32):
    %0 = flow.softplus %b : f32
    flow.yield %0 : f32
  }, {
  ^bb0(%c: tensor<1xf32>):
    flow.yield %c : tensor<1xf32>
  }
  return %y : tensor<4xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<4xf32> {flow.row}, %[[LOC:.*]]: tensor<2xf32>)
// FORWARD: %[[P:.*]]:3 = sample.split %[[X]] : tensor<4xf32> -> tensor<2xf32>, f32, tensor<1xf32>
// FORWARD: %[[A:.*]] = sample.map 2 indexed(%[[P]]#0, %[[LOC]] :
// FORWARD: %[[B:.*]] = sample.log1p_exp %[[P]]#1 : f32
// FORWARD: %[[MINUS:.*]] = arith.negf %[[P]]#1
// FORWARD: %[[TAIL:.*]] = sample.log1p_exp %[[MINUS]]
// FORWARD: %[[LD:.*]] = arith.negf %[[TAIL]]
// FORWARD: %[[Y:.*]] = sample.concat %[[A]], %[[B]], %[[P]]#2
// FORWARD: return %[[Y]], %[[LD]]

// INVERSE-LABEL: func @kernel
// INVERSE: arith.subf
// INVERSE: math.expm1
