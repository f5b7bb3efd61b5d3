// Forward: one masked network with hidden units sorted by rank, the condition
// first. Inverse: a sweep in which every hidden unit is computed at the step
// after its rank.
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=FORWARD
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=INVERSE

func.func @bijection(%x: tensor<3xf32> {flow.row}, %c: tensor<2xf32> {flow.row, flow.condition}, %w0: tensor<4x5xf32>,
                     %b0: tensor<4xf32>, %w1: tensor<4x4xf32>, %b1: tensor<4xf32>, %w2: tensor<3x4xf32>,
                     %b2: tensor<3xf32>) -> tensor<3xf32> {
  %y = flow.masked_autoregressive %x condition(%c : tensor<2xf32>)
      weights(%w0, %w1, %w2 : tensor<4x5xf32>, tensor<4x4xf32>, tensor<3x4xf32>)
      biases(%b0, %b1, %b2 : tensor<4xf32>, tensor<4xf32>, tensor<3xf32>)
      {in_ranks = array<i64: 0, 1, 2, -1, -1>, hidden_ranks = array<i64: -1, 0, 1, -1>,
       out_ranks = array<i64: 0, 1, 2>, activation = "tanh"} : tensor<3xf32> {
  ^bb0(%a: f32, %p: f32):
    %scale = sample.log1p_exp %p : f32
    %b = flow.scale %a, %scale : f32, f32
    flow.yield %b : f32
  }
  return %y : tensor<3xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[C:.*]]: tensor<2xf32> {flow.condition, flow.row}, %[[W0:.*]]: tensor<4x5xf32>, %[[B0:.*]]: tensor<4xf32>, %[[W1:.*]]: tensor<4x4xf32>, %[[B1:.*]]: tensor<4xf32>, %[[W2:.*]]: tensor<3x4xf32>, %[[B2:.*]]: tensor<3xf32>)
// FORWARD-DAG: %[[V0:.*]] = sample.reorder %[[W0]] rows = [0, 3, 1, 2] columns = [3, 4, 0, 1, 2]
// FORWARD-DAG: %[[A0:.*]] = sample.reorder %[[B0]] rows = [0, 3, 1, 2] columns = []
// FORWARD-DAG: %[[V1:.*]] = sample.reorder %[[W1]] rows = [0, 3, 1, 2] columns = [0, 3, 1, 2]
// FORWARD-DAG: %[[A1:.*]] = sample.reorder %[[B1]] rows = [0, 3, 1, 2] columns = []
// FORWARD-DAG: %[[V2:.*]] = sample.reorder %[[W2]] rows = [] columns = [0, 3, 1, 2]
// FORWARD-DAG: %[[IN:.*]] = sample.concat %[[C]], %[[X]] : tensor<2xf32>, tensor<3xf32> -> tensor<5xf32>
// FORWARD: sample.dense %[[V0]], %[[IN]] bias(%[[A0]] : tensor<4xf32>) mask <out = [-1, -1, 0, 1], in = [-1, -1, 0, 1, 2], strict = false>
// FORWARD: math.tanh
// FORWARD: sample.dense %[[V1]], %{{.*}} bias(%[[A1]] : tensor<4xf32>) mask <out = [-1, -1, 0, 1], in = [-1, -1, 0, 1], strict = false>
// FORWARD: math.tanh
// FORWARD: %[[P:.*]] = sample.dense %[[V2]], %{{.*}} bias(%[[B2]] : tensor<3xf32>) mask <out = [0, 1, 2], in = [-1, -1, 0, 1], strict = true>
// FORWARD: sample.map 3 indexed(%[[X]], %[[P]] : tensor<3xf32>, tensor<3xf32>) init

// INVERSE-LABEL: func @kernel
// INVERSE-SAME: (%[[Y:.*]]: tensor<3xf32> {flow.row}, %[[C:.*]]: tensor<2xf32> {flow.condition, flow.row},
// INVERSE: %{{.*}}, %[[X:.*]], %[[LD:.*]] = sample.sweep 3 prefix(%[[C]] : tensor<2xf32>)
// INVERSE-SAME: indexed(%[[Y]] : tensor<3xf32>) init
// INVERSE-SAME: indexed_stage = array<i64: 2>
// INVERSE-SAME: row_ends = [array<i64: 0, 2, 3, 4>, array<i64: 0, 2, 3, 4>, array<i64: 0, 1, 2, 3>]
// INVERSE: math.tanh
// INVERSE: math.tanh
// INVERSE: ^bb0(%[[P:.*]]: f32, %[[YS:.*]]: f32):
// INVERSE: %[[SCALE:.*]] = sample.log1p_exp %[[P]]
// INVERSE: %[[XS:.*]] = arith.divf %[[YS]], %[[SCALE]]
// INVERSE: } -> (tensor<4xf32>, tensor<4xf32>), tensor<3xf32>, (), (f32)
// INVERSE: return %[[X]], %[[LD]]

// -----

// One coordinate without a condition: all weights are masked, the bias is left.
func.func @bijection(%x: tensor<1xf32> {flow.row}, %w0: tensor<4x1xf32>, %b0: tensor<4xf32>, %w1: tensor<1x4xf32>,
                     %b1: tensor<1xf32>) -> tensor<1xf32> {
  %y = flow.masked_autoregressive %x weights(%w0, %w1 : tensor<4x1xf32>, tensor<1x4xf32>)
      biases(%b0, %b1 : tensor<4xf32>, tensor<1xf32>)
      {in_ranks = array<i64: 0>, hidden_ranks = array<i64: 0, 0, 0, 0>, out_ranks = array<i64: 0>,
       activation = "relu"} : tensor<1xf32> {
  ^bb0(%a: f32, %p: f32):
    %b = flow.loc %a, %p : f32, f32
    flow.yield %b : f32
  }
  return %y : tensor<1xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: tensor<1xf32> {flow.row}, %{{.*}}: tensor<4x1xf32>, %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<1x4xf32>, %[[B1:.*]]: tensor<1xf32>)
// FORWARD-NOT: sample.dense
// FORWARD: sample.map 1 indexed(%[[X]], %[[B1]] : tensor<1xf32>, tensor<1xf32>)

// INVERSE-LABEL: func @kernel
// INVERSE-NOT: sample.sweep
// INVERSE: arith.subf
