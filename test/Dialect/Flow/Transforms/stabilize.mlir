// Naive formulas come out stable.
// RUN: flowc-opt %s -split-input-file -flow-stabilize -canonicalize -cse | FileCheck %s

// log(1 + exp(x)) and x^3; what is accurate already stays.
// CHECK-LABEL: func @density(
// CHECK-SAME: %[[X:.*]]: f32)
// CHECK: %[[XX:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: %[[XXX:.*]] = arith.mulf %[[XX]], %[[X]]
// CHECK: %[[SOFTPLUS:.*]] = sample.log1p_exp %[[X]]
// CHECK: %[[R:.*]] = arith.mulf %[[XXX]], %[[SOFTPLUS]]
// CHECK: return %[[R]]
func.func @density(%x: f32) -> f32 {
  %c1 = arith.constant 1.0 : f32
  %e = math.exp %x : f32
  %s = arith.addf %e, %c1 : f32
  %l = math.log %s : f32
  %c3 = arith.constant 3.0 : f32
  %p = math.powf %x, %c3 : f32
  %q = arith.mulf %l, %p : f32
  return %q : f32
}

// -----

// log(1 - tanh(x)^2) = log 4 - 2|x| - 2 softplus(-2|x|), in bodies of maps too.
// CHECK-LABEL: func @density
// CHECK: sample.map 3
// CHECK: ^bb0(%[[X:.*]]: f32):
// CHECK-NOT: math.tanh
// CHECK: %[[SIZE:.*]] = math.absf %[[X]]
// CHECK: %[[MINUS:.*]] = arith.mulf %[[SIZE]], %{{.*}}
// CHECK: sample.log1p_exp
// CHECK: sample.yield
func.func @density(%x: tensor<3xf32>) -> f32 {
  %c0 = arith.constant 0.0 : f32
  %sum = sample.map 3 indexed(%x : tensor<3xf32>) init(%c0 : f32) {
  ^bb0(%xi: f32):
    %c1 = arith.constant 1.0 : f32
    %t = math.tanh %xi : f32
    %tt = arith.mulf %t, %t : f32
    %d = arith.subf %c1, %tt : f32
    %l = math.log %d : f32
    sample.yield %l : f32
  } -> (), (f32)
  return %sum : f32
}

// -----

// log(1 + x^2) and sqrt(1 + x^2) go through the larger of |x| and 1.
// CHECK-LABEL: func @density(
// CHECK-SAME: %[[X:.*]]: f32)
// CHECK: %[[SIZE:.*]] = math.absf %[[X]]
// CHECK: %[[ISLARGE:.*]] = arith.cmpf ogt, %[[SIZE]], %[[ONE:.*]] :
// CHECK: %[[LARGE:.*]] = arith.select %[[ISLARGE]], %[[SIZE]], %[[ONE]]
// CHECK: %[[SMALL:.*]] = arith.select %[[ISLARGE]], %[[ONE]], %[[SIZE]]
// CHECK: %[[RATIO:.*]] = arith.divf %[[SMALL]], %[[LARGE]]
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[RATIO]], %[[RATIO]]
// CHECK: math.log %[[LARGE]]
// CHECK: math.log1p %[[SQUARE]]
func.func @density(%x: f32) -> f32 {
  %c1 = arith.constant 1.0 : f32
  %xx = arith.mulf %x, %x : f32
  %s = arith.addf %xx, %c1 : f32
  %l = math.log %s : f32
  return %l : f32
}

// -----

// The region of flow.formula stays as it was written: the op derives from that.
// CHECK-LABEL: func @other
// CHECK: flow.formula
// CHECK: ^bb0(%[[X:.*]]: f32):
// CHECK: math.exp %[[X]]
// CHECK: arith.divf
// CHECK-NEXT: flow.yield
// A function that is no formula of a user.
// CHECK: math.exp
// CHECK: math.log
func.func @other(%x: f32) -> (f32, f32) {
  %y = flow.formula %x : f32 {
  ^bb0(%t: f32):
    %c1 = arith.constant 1.0 : f32
    %e = math.exp %t : f32
    %s = arith.addf %e, %c1 : f32
    %d = arith.divf %e, %s : f32
    flow.yield %d : f32
  }
  %c1 = arith.constant 1.0 : f32
  %e = math.exp %x : f32
  %s = arith.addf %e, %c1 : f32
  %l = math.log %s : f32
  return %y, %l : f32, f32
}
