// A scan runs from its last layer to its first for the inverse; log-determinants
// become a carry unless they are identically zero.
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -split-input-file | FileCheck %s --check-prefix=FORWARD
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -split-input-file | FileCheck %s --check-prefix=INVERSE

func.func @bijection(%x: tensor<2xf32> {flow.row}, %raw: tensor<8x2xf32> {flow.name = ".bijection.scale.args[0]"},
                     %p: tensor<8x2xi32>, %q: tensor<8x2xi32>) -> tensor<2xf32> {
  %y = flow.scan 8 %x : tensor<2xf32> over(%raw, %p, %q : tensor<8x2xf32>, tensor<8x2xi32>, tensor<8x2xi32>) {
  ^bb0(%a: tensor<2xf32>, %r: tensor<2xf32>, %permutation: tensor<2xi32>, %inverse: tensor<2xi32>):
    %scale = sample.log1p_exp %r : tensor<2xf32>
    %b = flow.scale %a, %scale : tensor<2xf32>, tensor<2xf32>
    %c = flow.permute %b, %permutation, %inverse : tensor<2xf32>, tensor<2xi32>, tensor<2xi32>
    flow.yield %c : tensor<2xf32>
  }
  return %y : tensor<2xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<2xf32> {flow.row}, %[[RAW:.*]]: tensor<8x2xf32> {flow.name = ".bijection.scale.args[0]"}, %[[P:.*]]: tensor<8x2xi32>, %[[Q:.*]]: tensor<8x2xi32>) -> (tensor<2xf32>, f32)
// FORWARD: %[[ZERO:.*]] = arith.constant 0.0
// FORWARD: %[[Y:.*]]:2 = sample.scan 8 carries(%[[X]], %[[ZERO]] : tensor<2xf32>, f32) over(%[[RAW]], %[[P]], %[[Q]] :
// FORWARD-NEXT: ^bb0(%[[A:.*]]: tensor<2xf32>, %[[LD:.*]]: f32, %[[R:.*]]: tensor<2xf32>, %[[PI:.*]]: tensor<2xi32>, %[[QI:.*]]: tensor<2xi32>):
// FORWARD: %[[SCALE:.*]] = sample.log1p_exp %[[R]]
// FORWARD: %[[B:.*]] = sample.map 2 indexed(%[[A]], %[[SCALE]] :
// FORWARD: %[[STEP:.*]] = sample.map 2 indexed(%[[SCALE]] :
// FORWARD: %[[C:.*]] = sample.gather %[[B]], %[[PI]], %[[QI]]
// FORWARD: %[[SUM:.*]] = arith.addf %[[LD]], %[[STEP]]
// FORWARD: sample.yield %[[C]], %[[SUM]] : tensor<2xf32>, f32
// FORWARD: return %[[Y]]#0, %[[Y]]#1

// INVERSE-LABEL: func @kernel
// INVERSE: sample.scan 8 reverse carries
// INVERSE-NEXT: ^bb0(%[[A:.*]]: tensor<2xf32>, %{{.*}}: f32, %{{.*}}: tensor<2xf32>, %[[PI:.*]]: tensor<2xi32>, %[[QI:.*]]: tensor<2xi32>):
// INVERSE: %[[B:.*]] = sample.gather %[[A]], %[[QI]], %[[PI]]
// INVERSE: sample.map 2 indexed(%[[B]],
// INVERSE: arith.divf

// -----

func.func @bijection(%x: tensor<2xf32> {flow.row}, %stack: tensor<3x2xf32>) -> tensor<2xf32> {
  %y = flow.scan 3 %x : tensor<2xf32> over(%stack : tensor<3x2xf32>) {
  ^bb0(%a: tensor<2xf32>, %loc: tensor<2xf32>):
    %b = flow.loc %a, %loc : tensor<2xf32>, tensor<2xf32>
    %c = flow.flip %b : tensor<2xf32>
    flow.yield %c : tensor<2xf32>
  }
  return %y : tensor<2xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD: %[[ZERO:.*]] = arith.constant 0.0
// FORWARD: %[[Y:.*]] = sample.scan 3 carries(%{{.*}} : tensor<2xf32>) over
// FORWARD: sample.reverse
// FORWARD: return %[[Y]], %[[ZERO]] : tensor<2xf32>, f32

// INVERSE-LABEL: func @kernel
// INVERSE: sample.reverse
// INVERSE: arith.subf
