// RUN: flowc-opt %s -flow-specialize=program=elbo -canonicalize -cse | FileCheck %s --check-prefix=ELBO
// RUN: flowc-opt %s -flow-specialize="program=elbo rows=drawn" -canonicalize -cse | FileCheck %s --check-prefix=DRAWN
// RUN: flowc-opt %s -flow-specialize=program=stl -canonicalize -cse | FileCheck %s --check-prefix=STL
// RUN: flowc-opt %s -flow-specialize=program=log_prob -canonicalize -cse | FileCheck %s --check-prefix=LOGPROB

// The base is a normal distribution with a location and the flow's own bijection a
// tanh. A given z is a draw of the base: only the tanh is between z and y.

// ELBO-LABEL: func.func @kernel(
// ELBO-SAME: %[[Z:.*]]: f32 {flow.row}, %[[LOC:.*]]: f32 {flow.name = "loc", flow.trainable}) -> f32
// The density of the base at z, by the inverse of its own bijection.
// ELBO: %[[N:.*]] = arith.subf %[[Z]], %[[LOC]]
// ELBO: math.tanh %[[Z]]
// The target at y.
// ELBO: math.absf
// ELBO: arith.subf
// ELBO-NOT: sample.random_normal
// ELBO-NOT: sample.detach
// ELBO-NOT: @density

// A z that is drawn inside is one of the standard normal distribution.
// DRAWN-LABEL: func.func @kernel(
// DRAWN-SAME: %[[LOC:.*]]: f32 {flow.name = "loc", flow.trainable}) -> f32
// DRAWN: %[[Z:.*]] = sample.random_normal : f32
// DRAWN: %[[X:.*]] = arith.addf %[[Z]], %[[LOC]]
// DRAWN: math.tanh %[[X]]

// The slope of log q at y comes along from z, so that nothing is inverted, and is the
// derivative of the loss in y.
// STL-LABEL: func.func @kernel(
// STL-COUNT-1: math.tanh
// STL-NOT: math.atanh
// STL: %[[LOSS:.*]] = sample.detach
// STL: %[[ALONG:.*]] = sample.surrogate %{{.*}} at %{{.*}} slope %{{.*}} : f32, f32
// STL: arith.addf %[[LOSS]], %[[ALONG]]

// Other kernels have no use for the target.
// LOGPROB-NOT: math.absf
// LOGPROB-NOT: @density
func.func @flow(%loc: f32 {flow.name = "loc", flow.trainable}) -> f32 {
  %z = flow.standard_normal : f32
  %x = flow.loc %z, %loc {flow.base} : f32, f32
  %y = flow.tanh %x : f32
  return %y : f32
}
func.func @density(%y: tensor<1xf32> {flow.row}) -> f32 {
  %e = sample.reshape %y : tensor<1xf32> -> f32
  %a = math.absf %e : f32
  %d = arith.negf %a : f32
  return %d : f32
}
