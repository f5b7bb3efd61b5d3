// A bijection of another dialect (test/lib/TestBijections): its definition and two
// formulas give both directions, log-determinants, gradients and kernels.
// RUN: flowc-test-opt %s -flow-specialize=program=transform -canonicalize -cse | FileCheck %s --check-prefix=TRANSFORM
// RUN: flowc-test-opt %s -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefix=INVERSE
// RUN: flowc-test-opt %s -flow-specialize=program=transform -canonicalize -cse -sample-hoist-parameters \
// RUN:   -sample-differentiate=of=inputs -canonicalize -cse | FileCheck %s --check-prefix=INPUTS
// RUN: flowc-test-opt %s -flow-specialize=program=transform -canonicalize -cse -sample-hoist-parameters \
// RUN:   -sample-differentiate -canonicalize -cse | FileCheck %s --check-prefix=PARAMS
// RUN: flowc-test-opt %s -flow-specialize=program=inverse -canonicalize -cse -sample-hoist-parameters -sample-outline-maps \
// RUN:   -convert-sample-to-tile -tile-assign-storage -convert-tile-to-llvm -flow-expand-math -flow-lower-to-llvm | FileCheck %s --check-prefix=LLVM
// The compiler itself does not know it.
// RUN: not flowc-opt %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: Dialect `test' not found

func.func @bijection(%x: tensor<3xf32> {flow.row},
                     %raw: tensor<3xf32> {flow.name = ".amplitude.args[0]", flow.trainable}) -> tensor<3xf32> {
  %amplitude = sample.log1p_exp %raw : tensor<3xf32>
  %y = test.sinh %x, %amplitude : tensor<3xf32>, tensor<3xf32>
  return %y : tensor<3xf32>
}

// TRANSFORM-LABEL: func @kernel
// TRANSFORM-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[RAW:.*]]: tensor<3xf32> {{.*}}) -> (tensor<3xf32>, f32)
// TRANSFORM: %[[A:.*]] = sample.log1p_exp %[[RAW]]
// TRANSFORM: %[[Y:.*]], %[[LD:.*]] = sample.map 3 indexed(%[[X]], %[[A]] :
// TRANSFORM-NEXT: ^bb0(%[[XI:.*]]: f32, %[[AI:.*]]: f32):
// TRANSFORM: %[[SINH:.*]] = math.sinh %[[XI]]
// TRANSFORM-NEXT: %[[YI:.*]] = arith.mulf %[[AI]], %[[SINH]]
// TRANSFORM: sample.yield %[[YI]], %{{.*}} : f32, f32
// TRANSFORM: return %[[Y]], %[[LD]]

// INVERSE-LABEL: func @kernel
// INVERSE: ^bb0(%[[YI:.*]]: f32, %[[AI:.*]]: f32):
// INVERSE: %[[Q:.*]] = arith.divf %[[YI]], %[[AI]]
// INVERSE-NEXT: %[[XI:.*]] = math.asinh %[[Q]]
// INVERSE: %[[NEGATIVE:.*]] = arith.negf
// INVERSE-NEXT: sample.yield %[[XI]], %[[NEGATIVE]] : f32, f32

// dx = dy a cosh(x) + dld (1 - 2 sigmoid(-2x)).
// INPUTS-LABEL: func @kernel
// INPUTS: sample.map 3
// INPUTS: math.cosh
// INPUTS: sample.inv_logit
// INPUTS: sample.yield %{{.*}} : f32

// da = dy sinh(x) + dld / a, and on to the raw parameter through the sigmoid.
// PARAMS-LABEL: func @kernel
// PARAMS: math.sinh
// PARAMS: arith.divf
// PARAMS-LABEL: func @finish
// PARAMS: sample.inv_logit

// LLVM: llvm.func @kernel
// LLVM-NOT: test.sinh
