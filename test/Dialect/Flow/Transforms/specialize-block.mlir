// RUN: flowc-opt %s --flow-specialize=program=transform --canonicalize --cse | FileCheck %s --check-prefixes=ALL,FORWARD
// RUN: flowc-opt %s --flow-specialize=program=inverse --canonicalize --cse | FileCheck %s --check-prefixes=ALL,INVERSE

// A hidden layer's activations, the product of its slopes with the blocks on the
// diagonal, and the logarithms are one map over coordinates. The inverse solves for
// one coordinate after the other; what it knows about the roots are parameters.
// ALL-LABEL: func @kernel
// ALL-SAME: %[[X:.*]]: tensor<2xf32> {flow.row}, %[[W0:.*]]: tensor<4x2xf32>, %[[B0:.*]]: tensor<4xf32>, %[[W1:.*]]: tensor<2x4xf32>, %[[B1:.*]]: tensor<2xf32>
// FORWARD: %[[H:.*]] = sample.dense %[[W0]], %[[X]] bias(%[[B0]] : tensor<4xf32>) mask <out = [0, 0, 1, 1], in = [0, 1], strict = false>
// FORWARD: %[[D0:.*]] = sample.block_diagonal %[[W0]] blocks = 2
// FORWARD: %[[F0:.*]] = sample.reshape %[[D0]]
// FORWARD: %[[D1:.*]] = sample.block_diagonal %[[W1]] blocks = 2
// FORWARD: %[[F1:.*]] = sample.reshape %[[D1]]
// FORWARD: %[[F:.*]] = arith.mulf %[[F0]], %[[F1]] : tensor<4xf32>
// FORWARD: %[[A:.*]], %[[LD:.*]] = sample.map 2 indexed(%[[H]], %[[F]] : tensor<4xf32>, tensor<4xf32>)
// FORWARD-COUNT-2: math.tanh
// FORWARD: math.log
// FORWARD: %[[Y:.*]] = sample.dense %[[W1]], %[[A]] bias(%[[B1]] : tensor<2xf32>) mask <out = [0, 1], in = [0, 0, 1, 1], strict = false>
// FORWARD: return %[[Y]], %[[LD]]

// INVERSE-DAG: %[[D0:.*]] = sample.block_diagonal %[[W0]] blocks = 2
// INVERSE-DAG: %[[D1:.*]] = sample.block_diagonal %[[W1]] blocks = 2
// INVERSE: %[[S:.*]], %[[LD:.*]] = sample.block_sweep %[[X]] weights(%[[W0]], %[[W1]] : {{.*}}) biases(%[[B0]], %[[B1]] : {{.*}}) diagonals(%[[D0]], %[[D1]] : {{.*}}) bounds({{.*}}) attributes {leak = 1.000000e-02 : f64}
// INVERSE: math.tanh
// INVERSE: surrogate
// INVERSE-NOT: math.tanh
// INVERSE: %[[N:.*]] = arith.negf %[[LD]]
// INVERSE: return %[[S]], %[[N]]
func.func @bijection(%x: tensor<2xf32> {flow.row}, %w0: tensor<4x2xf32>, %b0: tensor<4xf32>, %w1: tensor<2x4xf32>,
                     %b1: tensor<2xf32>) -> tensor<2xf32> {
  %y = flow.block_autoregressive_network %x weights(%w0, %w1 : tensor<4x2xf32>, tensor<2x4xf32>)
      biases(%b0, %b1 : tensor<4xf32>, tensor<2xf32>) : tensor<2xf32>
  return %y : tensor<2xf32>
}
