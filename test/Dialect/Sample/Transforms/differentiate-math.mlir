// RUN: flowc-opt %s --split-input-file --sample-differentiate=of=inputs --canonicalize --cse | FileCheck %s

// A table of derivatives: the kernel's result is replaced by d result / dx.

// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[X:.*]]: f32 {flow.row}) -> (f32 {flow.row})
// CHECK: %[[Y:.*]] = math.exp %[[X]]
// CHECK: return %[[Y]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// -----

// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[DX:.*]] = arith.divf %[[ONE]], %{{.*}}
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.log %x : f32
  return %y : f32
}

// -----

// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[S:.*]] = arith.addf %{{.*}}, %[[ONE]]
// CHECK: %[[DX:.*]] = arith.divf %[[ONE]], %[[S]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.log1p %x : f32
  return %y : f32
}

// -----

// expm1'(x) = expm1(x) + 1.
// CHECK: %[[Y:.*]] = math.expm1
// CHECK: %[[DX:.*]] = arith.addf %[[Y]], %{{.*}}
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.expm1 %x : f32
  return %y : f32
}

// -----

// tanh'(x) = 1 - tanh(x)^2.
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[Y:.*]] = math.tanh
// CHECK: %[[YY:.*]] = arith.mulf %[[Y]], %[[Y]]
// CHECK: %[[DX:.*]] = arith.subf %[[ONE]], %[[YY]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.tanh %x : f32
  return %y : f32
}

// -----

// sqrt'(x) = 0.5 / sqrt(x).
// CHECK: %[[HALF:.*]] = arith.constant 5.0
// CHECK: %[[Y:.*]] = math.sqrt
// CHECK: %[[DX:.*]] = arith.divf %[[HALF]], %[[Y]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.sqrt %x : f32
  return %y : f32
}

// -----

// CHECK: %[[X:.*]]: f32 {flow.row}
// CHECK: %[[S:.*]] = math.sin %[[X]]
// CHECK: %[[DX:.*]] = arith.negf %[[S]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.cos %x : f32
  return %y : f32
}

// -----

// erf'(x) = 2 / sqrt(pi) exp(-x^2).
// CHECK: %[[C:.*]] = arith.constant 1.128379
// CHECK: %[[XX:.*]] = arith.mulf %[[X:.*]], %[[X]]
// CHECK: %[[NXX:.*]] = arith.negf %[[XX]]
// CHECK: %[[E:.*]] = math.exp %[[NXX]]
// CHECK: %[[DX:.*]] = arith.mulf %[[E]], %[[C]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.erf %x : f32
  return %y : f32
}

// -----

// erfc'(x) = -2 / sqrt(pi) exp(-x^2).
// CHECK: %[[C:.*]] = arith.constant -1.128379
// CHECK: %[[XX:.*]] = arith.mulf %[[X:.*]], %[[X]]
// CHECK: %[[NXX:.*]] = arith.negf %[[XX]]
// CHECK: %[[E:.*]] = math.exp %[[NXX]]
// CHECK: %[[DX:.*]] = arith.mulf %[[E]], %[[C]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.erfc %x : f32
  return %y : f32
}

// -----

// log(1 - exp(-|x|))' = 1 / expm1(|x|), with the sign of x.
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[SIZE:.*]] = math.absf %[[X:.*]] : f32
// CHECK: %[[BELOW:.*]] = math.expm1 %[[SIZE]]
// CHECK: %[[SIGNED:.*]] = math.copysign %[[BELOW]], %[[X]]
// CHECK: %[[DX:.*]] = arith.divf %[[ONE]], %[[SIGNED]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = sample.log1m_exp %x : f32
  return %y : f32
}

// -----

// The smaller operand has the derivative; of two equal ones it is the second.
// CHECK: %[[E:.*]] = math.exp %[[X:.*]] : f32
// CHECK: arith.cmpf olt, %[[E]], %[[X]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %e = math.exp %x : f32
  %y = arith.minnumf %e, %x : f32
  return %y : f32
}

// -----

// By what does not count the derivative is 0.
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: return %[[ZERO]]
func.func @kernel(%x: f32 {flow.row}, %c: f32 {flow.row}) -> f32 {
  %y = math.exp %c : f32
  return %y : f32
}

// -----

// In formulas tanh'(x) = 4 t / (1 + t)^2 for t = exp(-2 |x|).
// CHECK: %[[T:.*]] = math.exp
// CHECK: %[[SUM:.*]] = arith.addf %[[T]]
// CHECK: %[[FOUR:.*]] = arith.mulf %[[T]]
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[SUM]], %[[SUM]]
// CHECK: %[[DX:.*]] = arith.divf %[[FOUR]], %[[SQUARE]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.tanh %x {flow.exact_tails} : f32
  return %y : f32
}

// -----

// (log Phi)'(x) = h(x) = phi(x) / Phi(x).
// CHECK: %[[DX:.*]] = sample.normal_hazard
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = sample.normal_log_cdf %x : f32
  return %y : f32
}

// -----

// h'(x) = -h (x + h), where x + h is a series far to the left.
// CHECK: %[[H:.*]] = sample.normal_hazard %[[X:.*]] : f32
// CHECK: %[[FAR:.*]] = arith.cmpf olt, %[[X]], %cst
// CHECK: %[[NEAR:.*]] = arith.addf %[[X]], %[[H]]
// CHECK: %[[SUM:.*]] = arith.select %[[FAR]], %{{.*}}, %[[NEAR]]
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[H]], %[[SUM]]
// CHECK: %[[DX:.*]] = arith.negf %[[PRODUCT]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = sample.normal_hazard %x : f32
  return %y : f32
}

// -----

// softplus'(x) = sigmoid(x).
// CHECK: %[[DX:.*]] = sample.inv_logit
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = sample.log1p_exp %x : f32
  return %y : f32
}

// -----

// Where that underflows, an infinite cotangent counts for nothing.
// CHECK: %[[G:.*]] = math.exp
// CHECK: %[[S:.*]] = sample.inv_logit
// CHECK: %[[P:.*]] = arith.mulf %[[G]], %[[S]]
// CHECK: %[[FLAT:.*]] = arith.cmpf oeq, %[[S]], %[[ZERO:.*]] : f32
// CHECK: %[[DX:.*]] = arith.select %[[FLAT]], %[[ZERO]], %[[P]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %s = sample.log1p_exp %x : f32
  %y = math.exp %s : f32
  return %y : f32
}

// -----

// sigmoid'(x) = s (1 - s).
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[S:.*]] = sample.inv_logit
// CHECK: %[[R:.*]] = arith.subf %[[ONE]], %[[S]]
// CHECK: %[[DX:.*]] = arith.mulf %[[S]], %[[R]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = sample.inv_logit %x : f32
  return %y : f32
}

// -----

// The derivative of x^2 / 2 is x, without a factor left.
// CHECK: %[[X:.*]]: f32 {flow.row}
// CHECK-NEXT: return %[[X]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %half = arith.constant 0.5 : f32
  %xx = arith.mulf %x, %x : f32
  %y = arith.mulf %xx, %half : f32
  return %y : f32
}

// -----

// d(1 / x) = -(1 / x) (1 / x).
// CHECK: %[[R:.*]] = arith.divf
// CHECK: %[[RR:.*]] = arith.mulf %[[R]], %[[R]]
// CHECK: %[[DX:.*]] = arith.negf %[[RR]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %one = arith.constant 1.0 : f32
  %y = arith.divf %one, %x : f32
  return %y : f32
}

// -----

// |x|' is the sign, 0 at 0.
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0
// CHECK-DAG: %[[MINUS:.*]] = arith.constant -1.0
// CHECK: %[[POS:.*]] = arith.cmpf ogt, %[[X:.*]], %[[ZERO]]
// CHECK: %[[NEG:.*]] = arith.cmpf olt, %[[X]], %[[ZERO]]
// CHECK: %[[S:.*]] = arith.select %[[NEG]], %[[MINUS]], %[[ZERO]]
// CHECK: %[[DX:.*]] = arith.select %[[POS]], %[[ONE]], %[[S]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %y = math.absf %x : f32
  return %y : f32
}

// -----

// log|x|' = 1 / x, whatever the sign.
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK-NEXT: %[[DX:.*]] = arith.divf %[[ONE]], %{{.*}}
// CHECK-NEXT: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %a = math.absf %x : f32
  %y = math.log %a : f32
  return %y : f32
}

// -----

// exp(x) - x: a negated contribution is subtracted.
// CHECK: %[[E:.*]] = math.exp
// CHECK: %[[DX:.*]] = arith.subf %[[E]], %{{.*}}
// CHECK-NEXT: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %e = math.exp %x : f32
  %y = arith.subf %e, %x : f32
  return %y : f32
}

// -----

// A condition has no derivative; the arm that was not selected gets zero.
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[C:.*]] = arith.cmpf ogt
// CHECK: %[[DX:.*]] = arith.select %[[C]], %[[ONE]], %[[ZERO]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %c = arith.cmpf ogt, %x, %zero : f32
  %y = arith.select %c, %x, %zero : f32
  return %y : f32
}

// -----

// log(x) is -inf or NaN where it is not selected, and so is 1 / x: its cotangent
// is selected again when it leaves the arm.
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[C:.*]] = arith.cmpf ogt, %[[X:.*]], %{{.*}}
// CHECK: %[[G:.*]] = arith.select %[[C]], %{{.*}}, %[[ZERO]]
// CHECK: %[[D:.*]] = arith.divf %[[G]], %[[X]]
// CHECK: %[[DX:.*]] = arith.select %[[C]], %[[D]], %[[ZERO]]
// CHECK: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %c = arith.cmpf ogt, %x, %one : f32
  %l = math.log %x : f32
  %y = arith.select %c, %l, %zero : f32
  return %y : f32
}

// -----

// With a safe operand (here 1) nothing more is needed than the rule of the two
// selects.
// CHECK: %[[C:.*]] = arith.cmpf ogt, %[[X:.*]], %{{.*}}
// CHECK: %[[SAFE:.*]] = arith.select %[[C]], %[[X]], %{{.*}}
// CHECK: %[[G:.*]] = arith.select %[[C]],
// CHECK: %[[D:.*]] = arith.divf %[[G]], %[[SAFE]]
// CHECK: %[[DX:.*]] = arith.select %[[C]], %[[D]],
// CHECK-NEXT: return %[[DX]]
func.func @kernel(%x: f32 {flow.row}) -> f32 {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %c = arith.cmpf ogt, %x, %zero : f32
  %safe = arith.select %c, %x, %one : f32
  %l = math.log %safe : f32
  %y = arith.select %c, %l, %zero : f32
  return %y : f32
}

// -----

// The largest element only shifts a softmax; its own derivative is not taken.
// CHECK: %[[E:.*]] = math.exp
// CHECK-NEXT: return %[[E]] : tensor<4xf32>
func.func @kernel(%x: tensor<4xf32> {flow.row}) -> f32 {
  %m = sample.reduce_max %x : tensor<4xf32> -> f32
  %ms = sample.splat %m : f32 -> tensor<4xf32>
  %d = arith.subf %x, %ms : tensor<4xf32>
  %e = math.exp %d : tensor<4xf32>
  %y = sample.reduce_sum %e : tensor<4xf32> -> f32
  return %y : f32
}
