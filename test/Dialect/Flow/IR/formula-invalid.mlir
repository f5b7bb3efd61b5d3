// One function for every constraint of docs/Spec.md on flow.formula, named after
// its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @formula_c1(%x: f32, %a: f32) {
  // expected-error @+1 {{must have a name and a domain for each of its 1 parameters}}
  %y = "flow.formula"(%x, %a) <{names = [], lower = array<f64>, upper = array<f64>}> ({
  ^bb0(%t: f32, %ai: f32):
    %s = arith.addf %t, %ai : f32
    "flow.yield"(%s) : (f32) -> ()
  }) : (f32, f32) -> f32
  return
}

// -----

func.func @formula_c1_domain(%x: f32, %a: f32) {
  // expected-error @+1 {{domain of parameter "a" is empty}}
  %y = flow.formula %x parameters(%a as "a" interval(2.0, 1.0) : f32) : f32 {
  ^bb0(%t: f32, %ai: f32):
    %s = arith.addf %t, %ai : f32
    flow.yield %s : f32
  }
  return
}

// -----

func.func @formula_c2(%x: tensor<3xf32>, %a: f32) {
  // expected-error @+1 {{parameter must have the event's type 'tensor<3xf32>' but has 'f32'}}
  %y = flow.formula %x parameters(%a as "a" real : f32) : tensor<3xf32> {
  ^bb0(%t: f32, %ai: f32):
    %s = arith.addf %t, %ai : f32
    flow.yield %s : f32
  }
  return
}

// -----

func.func @formula_c3(%x: tensor<3xf32>) {
  // expected-error @+1 {{body must take 1 values of type 'f32'}}
  %y = flow.formula %x : tensor<3xf32> {
  ^bb0(%t: f32, %u: f32):
    flow.yield %t : f32
  }
  return
}

// -----

func.func @formula_c4(%x: f32) {
  // expected-error @+1 {{body must yield one 'f32'}}
  %y = flow.formula %x : f32 {
  ^bb0(%t: f32):
    flow.yield %t, %t : f32, f32
  }
  return
}

// -----

func.func @formula_c5(%x: f32) {
  %y = flow.formula %x : f32 {
  ^bb0(%t: f32):
    // expected-error @+1 {{has no place in a formula}}
    %f = math.floor %t : f32
    flow.yield %f : f32
  }
  return
}

// -----

func.func @formula_c6(%x: f32) {
  // expected-error @+1 {{has no inverse: the derivative 2*x changes its sign: it is 2 at x = 1 and -2 at x = -1}}
  %y = flow.formula %x : f32 {
  ^bb0(%t: f32):
    %s = arith.mulf %t, %t : f32
    flow.yield %s : f32
  }
  return
}

// -----

func.func @domain_syntax(%x: f32, %a: f32) {
  // expected-error @+1 {{expected 'real', 'positive' or 'interval(low, high)'}}
  %y = flow.formula %x parameters(%a as "a" negative : f32) : f32 {
  ^bb0(%t: f32, %ai: f32):
    flow.yield %t : f32
  }
  return
}

// -----

// Read before it is made: that ends, too.
func.func @bijection(%x: tensor<3xf32> {flow.row}) -> tensor<3xf32> {
  %y = flow.formula %x : tensor<3xf32> {
  ^bb0(%t: f32):
    // expected-error @+1 {{operand #0 does not dominate this use}}
    %e = math.exp %l : f32
    // expected-note @+1 {{operand defined here}}
    %l = math.log %e : f32
    %r = arith.mulf %t, %l : f32
    flow.yield %r : f32
  }
  return %y : tensor<3xf32>
}
