// The kernels of one flow: which direction each bijection runs in, and what is
// computed at all.
// RUN: flowc-opt %s -flow-specialize=program=log_prob -canonicalize -cse | FileCheck %s --check-prefix=LOGPROB
// RUN: flowc-opt %s -flow-specialize=program=nll -canonicalize -cse | FileCheck %s --check-prefix=NLL
// RUN: flowc-opt %s -flow-specialize="program=sample rows=drawn" -canonicalize -cse | FileCheck %s --check-prefix=SAMPLE
// RUN: flowc-opt %s -flow-specialize="program=sample_and_log_prob rows=drawn" -canonicalize -cse | FileCheck %s --check-prefix=BOTH
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -cse | FileCheck %s --check-prefix=TRANSFORM
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefix=INVERSE
// RUN: flowc-opt %s -flow-specialize=program=to_base -canonicalize -cse | FileCheck %s --check-prefix=TOBASE

// The base distribution is a scaled normal; the flow's own bijection is an
// affine map followed by the inverse of a softplus.
func.func @flow(%loc: tensor<3xf32> {flow.name = ".bijection.loc", flow.trainable},
                %raw: tensor<3xf32> {flow.name = ".bijection.scale.args[0]", flow.trainable}) -> tensor<3xf32> {
  %z = flow.standard_normal : tensor<3xf32>
  %scale = sample.log1p_exp %raw : tensor<3xf32>
  %b = flow.scale %z, %scale {flow.base} : tensor<3xf32>, tensor<3xf32>
  %y = flow.affine %b, %loc, %scale : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  %s = flow.invert %y : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    %c = flow.softplus %a : tensor<3xf32>
    flow.yield %c : tensor<3xf32>
  }
  return %s : tensor<3xf32>
}

// Inverses in reverse order; the inverse of the inverse is the softplus itself.
// LOGPROB-LABEL: func @kernel
// LOGPROB-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[LOC:.*]]: tensor<3xf32> {flow.name = ".bijection.loc", flow.trainable}, %[[RAW:.*]]: tensor<3xf32> {flow.name = ".bijection.scale.args[0]", flow.trainable}) -> f32
// LOGPROB: %[[SCALE:.*]] = sample.log1p_exp %[[RAW]]
// LOGPROB: %[[Y:.*]], %[[LD:.*]] = sample.map 3 indexed(%[[X]] : tensor<3xf32>) init
// LOGPROB: sample.log1p_exp
// LOGPROB: } -> (tensor<3xf32>), (f32)
// LOGPROB: %[[B:.*]] = sample.map 3 indexed(%[[Y]], %[[LOC]], %[[SCALE]] :
// LOGPROB: arith.subf
// LOGPROB: arith.divf
// LOGPROB: } -> (tensor<3xf32>), ()
// A log-determinant of parameters only has its own map, for the hoister.
// LOGPROB: %[[LDS:.*]] = sample.map 3 indexed(%[[SCALE]] : tensor<3xf32>) init
// LOGPROB: math.log
// LOGPROB: } -> (), (f32)
// LOGPROB: %[[Z:.*]] = sample.map 3 indexed(%[[B]], %[[SCALE]] :
// LOGPROB: arith.divf
// The density of the base starts at -3/2 log(2 pi).
// LOGPROB: %[[BASE:.*]] = sample.map 3 indexed(%[[Z]] : tensor<3xf32>) init(%[[NORM:.*]] : f32)
// LOGPROB: %[[TOTAL:.*]] = arith.addf %[[BASE]]
// NaN of a row without NaNs means: outside of the support.
// LOGPROB: sample.map 3 indexed(%[[X]] : tensor<3xf32>)
// LOGPROB: arith.cmpf uno
// LOGPROB: %[[RESULT:.*]] = arith.select %{{.*}}, %{{.*}}, %[[TOTAL]] : f32
// LOGPROB: return %[[RESULT]] : f32

// NLL: arith.andi
// NLL: %[[DENSITY:.*]] = arith.select
// NLL: %[[RESULT:.*]] = arith.negf %[[DENSITY]]
// NLL: return %[[RESULT]] : f32

// A sample needs no log-determinants.
// SAMPLE-LABEL: func @kernel
// SAMPLE-NOT: flow.row
// SAMPLE-NOT: -> (tensor<3xf32>), (f32)
// SAMPLE: %[[Z:.*]] = sample.random_normal : tensor<3xf32>
// SAMPLE: sample.map 3 indexed(%[[Z]],
// SAMPLE: arith.mulf
// SAMPLE: arith.mulf
// SAMPLE: arith.addf
// SAMPLE: math.expm1
// SAMPLE-NOT: -> (tensor<3xf32>), (f32)
// SAMPLE: return %{{.*}} : tensor<3xf32>

// BOTH-LABEL: func @kernel
// BOTH: %[[Z:.*]] = sample.random_normal : tensor<3xf32>
// BOTH: %[[DENSITY:.*]] = sample.map 3 indexed(%[[Z]] : tensor<3xf32>) init
// BOTH: } -> (), (f32)
// BOTH: math.expm1
// BOTH: %[[RESULT:.*]] = arith.subf %[[DENSITY]], %{{.*}} : f32
// BOTH: return %{{.*}}, %[[RESULT]] : tensor<3xf32>, f32

// The flow's own bijection starts at draws of its base.
// TRANSFORM-LABEL: func @kernel
// TRANSFORM-SAME: (%[[Z:.*]]: tensor<3xf32> {flow.row}, %[[LOC:[^:]*]]:
// TRANSFORM: sample.map 3 indexed(%[[Z]], %[[LOC]],
// TRANSFORM: math.expm1
// TRANSFORM: return %{{.*}}, %{{.*}} : tensor<3xf32>, f32

// INVERSE-LABEL: func @kernel
// INVERSE-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[LOC:[^:]*]]:
// INVERSE: %[[Y:.*]], %{{.*}} = sample.map 3 indexed(%[[X]] : tensor<3xf32>)
// INVERSE: %[[B:.*]] = sample.map 3 indexed(%[[Y]], %[[LOC]],
// INVERSE: return %[[B]], %{{.*}} : tensor<3xf32>, f32

// The bijections of the base distribution, too, and no log-determinant.
// TOBASE-LABEL: func @kernel
// TOBASE-SAME: (%[[X:.*]]: tensor<3xf32> {flow.row}, %[[LOC:[^:]*]]: {{.*}}, %{{.*}}) -> tensor<3xf32>
// TOBASE: %[[SCALE:.*]] = sample.log1p_exp
// TOBASE: %[[Y:.*]] = sample.map 3 indexed(%[[X]] :
// TOBASE: %[[B:.*]] = sample.map 3 indexed(%[[Y]], %[[LOC]], %[[SCALE]] :
// TOBASE: %[[Z:.*]] = sample.map 3 indexed(%[[B]], %[[SCALE]] :
// TOBASE-NOT: math.log
// TOBASE: return %[[Z]]
