// What is derived from a formula: log|f'| without cancellation, and the inverse as
// a formula where it can be solved for, else as a root.
// RUN: flowc-opt %s -split-input-file -flow-specialize=program=transform -canonicalize -cse | FileCheck %s --check-prefix=FORWARD
// RUN: flowc-opt %s -split-input-file -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefix=INVERSE

// a x^3 + b x: x occurs twice.
func.func @bijection(%x: f32 {flow.row}, %a: f32 {flow.name = ".a"}, %b: f32 {flow.name = ".b"}) -> f32 {
  %y = flow.formula %x parameters(%a as "a" positive, %b as "b" positive : f32, f32) : f32 {
  ^bb0(%t: f32, %ai: f32, %bi: f32):
    %c3 = arith.constant 3.0 : f32
    %u = math.powf %t, %c3 : f32
    %v = arith.mulf %ai, %u : f32
    %w = arith.mulf %bi, %t : f32
    %s = arith.addf %v, %w : f32
    flow.yield %s : f32
  }
  return %y : f32
}

// FORWARD-LABEL: func @kernel
// FORWARD-SAME: (%[[X:.*]]: f32 {flow.row}, %[[A:.*]]: f32 {flow.name = ".a"}, %[[B:.*]]: f32 {flow.name = ".b"}) -> (f32, f32)
// FORWARD: %[[C3:.*]] = arith.constant 3.0
// FORWARD: %[[XX:.*]] = arith.mulf %[[X]], %[[X]]
// FORWARD: %[[XXX:.*]] = arith.mulf %[[XX]], %[[X]]
// FORWARD: %[[CUBE:.*]] = arith.mulf %[[XXX]], %[[A]]
// FORWARD: %[[LINE:.*]] = arith.mulf %[[X]], %[[B]]
// FORWARD: %[[Y:.*]] = arith.addf %[[CUBE]], %[[LINE]]
// log(3 a x^2 + b)
// FORWARD: %[[AXX:.*]] = arith.mulf %[[XX]], %[[A]]
// FORWARD: %[[SLOPE:.*]] = arith.mulf %[[AXX]], %[[C3]]
// FORWARD: %[[SUM:.*]] = arith.addf %[[B]], %[[SLOPE]]
// FORWARD: %[[LOG:.*]] = math.log %[[SUM]]
// FORWARD: return %[[Y]], %[[LOG]]

// INVERSE-LABEL: func @kernel
// INVERSE-SAME: (%[[Y:.*]]: f32 {flow.row}, %[[A:.*]]: f32 {{.*}}, %[[B:.*]]: f32
// INVERSE: %[[X:.*]] = sample.root operands(%[[Y]], %[[A]], %[[B]] : f32, f32, f32) {
// INVERSE: ^bb0(%[[T:.*]]: f32, %[[YT:.*]]: f32, %[[AT:.*]]: f32, %[[BT:.*]]: f32):
// INVERSE: %[[F:.*]] = arith.addf
// INVERSE: %[[RESIDUAL:.*]] = arith.subf %[[F]], %[[YT]]
// INVERSE: %[[SLOPE:.*]] = arith.addf %[[BT]]
// INVERSE: %[[ABS:.*]] = math.absf %[[YT]]
// An infinite y has no preimage; with an infinite size any t would do.
// INVERSE: %[[SIZE:.*]] = sample.clip %[[ABS]] to
// INVERSE: sample.yield %[[RESIDUAL]], %[[SLOPE]], %[[SIZE]]
// INVERSE: %[[LOG:.*]] = math.log
// INVERSE: %[[LOGDET:.*]] = arith.negf %[[LOG]]
// INVERSE: return %[[X]], %[[LOGDET]]

// -----

// a log(1 + exp(x)), written naively, on a tensor: what depends on a alone has a
// map of its own.
func.func @bijection(%x: tensor<3xf32> {flow.row}, %a: tensor<3xf32> {flow.name = ".a"}) -> tensor<3xf32> {
  %y = flow.formula %x parameters(%a as "a" positive : tensor<3xf32>) : tensor<3xf32> {
  ^bb0(%t: f32, %ai: f32):
    %c1 = arith.constant 1.0 : f32
    %e = math.exp %t : f32
    %s = arith.addf %c1, %e : f32
    %l = math.log %s : f32
    %r = arith.mulf %ai, %l : f32
    flow.yield %r : f32
  }
  return %y : tensor<3xf32>
}

// FORWARD-LABEL: func @kernel
// FORWARD: %[[LOGA:.*]] = sample.map 3 indexed(%[[A:.*]] : tensor<3xf32>) {
// FORWARD: math.log
// FORWARD: sample.map 3 indexed(%{{.*}}, %[[A]], %[[LOGA]] :
// FORWARD: ^bb0(%[[X:.*]]: f32, %[[AI:.*]]: f32, %[[LOGAI:.*]]: f32):
// FORWARD-NEXT: %[[SOFTPLUS:.*]] = sample.log1p_exp %[[X]]
// FORWARD-NEXT: %[[Y:.*]] = arith.mulf %[[AI]], %[[SOFTPLUS]]
// FORWARD-NEXT: %[[MINUS:.*]] = arith.negf %[[X]]
// FORWARD-NEXT: %[[TAIL:.*]] = sample.log1p_exp %[[MINUS]]
// FORWARD-NEXT: %[[LOGDET:.*]] = arith.subf %[[LOGAI]], %[[TAIL]]
// FORWARD-NEXT: sample.yield %[[Y]], %[[LOGDET]]

// INVERSE-LABEL: func @kernel
// x = v + log(1 - exp(-v)) with v = y / a.
// INVERSE: ^bb0(%[[Y:.*]]: f32, %[[AI:.*]]: f32, %[[LOGAI:.*]]: f32):
// INVERSE-NEXT: %[[V:.*]] = arith.divf %[[Y]], %[[AI]]
// INVERSE-NEXT: %[[MINUS:.*]] = arith.negf %[[V]]
// INVERSE-NEXT: %[[EXPM1:.*]] = math.expm1 %[[MINUS]]
// INVERSE-NEXT: %[[REST:.*]] = arith.negf %[[EXPM1]]
// INVERSE-NEXT: %[[LOG:.*]] = math.log %[[REST]]
// INVERSE-NEXT: %[[X:.*]] = arith.addf %[[V]], %[[LOG]]

// -----

// x + log(x) on the half line: the root is sought in t = log(x).
func.func @bijection(%x: f64 {flow.row}) -> f64 {
  %y = flow.formula %x : f64 {
  ^bb0(%t: f64):
    %l = math.log %t : f64
    %s = arith.addf %t, %l : f64
    flow.yield %s : f64
  }
  return %y : f64
}

// INVERSE-LABEL: func @kernel
// INVERSE: %[[T:.*]] = sample.root operands(%{{.*}} : f64) {
// INVERSE: ^bb0(%[[S:.*]]: f64, %[[Y:.*]]: f64):
// INVERSE: %[[EXP:.*]] = math.exp %[[S]]
// INVERSE: %[[F:.*]] = arith.addf
// INVERSE: arith.subf %[[F]], %[[Y]]
// INVERSE: arith.addf %[[EXP]]
// INVERSE: %[[X:.*]] = math.exp %[[T]]

// -----

// A tolerance is that of the root.
func.func @bijection(%x: tensor<2xf32> {flow.row}, %a: tensor<2xf32> {flow.name = ".a"}) -> tensor<2xf32> {
  %y = flow.formula %x parameters(%a as "a" positive : tensor<2xf32>) attributes {flow.tolerance = 0.1} : tensor<2xf32> {
  ^bb0(%t: f32, %ai: f32):
    %u = math.sin %t : f32
    %h = arith.constant 0.5 : f32
    %v = arith.mulf %h, %u : f32
    %s = arith.addf %v, %t : f32
    %w = arith.mulf %ai, %s : f32
    flow.yield %w : f32
  }
  return %y : tensor<2xf32>
}

// INVERSE-LABEL: func @kernel
// INVERSE: sample.map
// INVERSE: sample.root {{.*}} attributes {tolerance = 1.000000e-01 : f64}

// -----

func.func @bijection(%x: f32 {flow.row}, %a: f32 {flow.name = ".a"}) -> f32 {
  %y = flow.formula %x parameters(%a as "a" positive : f32) attributes {flow.tolerance = 0.1} : f32 {
  ^bb0(%t: f32, %ai: f32):
    %u = math.sin %t : f32
    %h = arith.constant 0.5 : f32
    %v = arith.mulf %h, %u : f32
    %s = arith.addf %v, %t : f32
    %w = arith.mulf %ai, %s : f32
    flow.yield %w : f32
  }
  return %y : f32
}

// INVERSE-LABEL: func @kernel
// INVERSE: sample.root {{.*}} attributes {tolerance = 1.000000e-01 : f64}
