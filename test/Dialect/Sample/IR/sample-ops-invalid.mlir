// One function for every constraint of docs/Spec.md on ops of the sample program,
// named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @map_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{extent must be positive but is 0}}
  sample.map 0 indexed(%x : tensor<4xf32>) {
  ^bb0(%a: f32):
    sample.yield
  } -> (), ()
  return
}

// -----

func.func @map_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{indexed operand of type 'tensor<4xf32>' does not split into 3 equal groups}}
  sample.map 3 indexed(%x : tensor<4xf32>) {
  ^bb0(%a: f32):
    sample.yield
  } -> (), ()
  return
}

// -----

func.func @map_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{body argument #0: expected 'tensor<2xf32>' but got 'f32'}}
  sample.map 2 indexed(%x : tensor<4xf32>) {
  ^bb0(%a: f32):
    sample.yield
  } -> (), ()
  return
}

// -----

func.func @map_c4(%x: tensor<4xf32>) {
  // expected-error @+1 {{yielded value #0: expected 'tensor<2xf32>' but got 'f32'}}
  %y = sample.map 4 indexed(%x : tensor<4xf32>) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (tensor<8xf32>), ()
  return
}

// -----

func.func @map_c5(%x: tensor<4xf32>, %c0: f32) {
  // expected-error @+1 {{sum #0: expected 'f32' but got 'tensor<1xf32>'}}
  %y = sample.map 4 indexed(%x : tensor<4xf32>) init(%c0 : f32) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (), (tensor<1xf32>)
  return
}

// -----

func.func @scan_c1(%x: f32) {
  // expected-error @+1 {{number of layers must be positive but is 0}}
  %y = sample.scan 0 carries(%x : f32) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (f32), ()
  return
}

// -----

func.func @scan_c2(%x: f32, %stack: tensor<2x3xf32>) {
  // expected-error @+1 {{stack of type 'tensor<2x3xf32>' needs a leading extent of 3}}
  %y = sample.scan 3 carries(%x : f32) over(%stack : tensor<2x3xf32>) {
  ^bb0(%a: f32, %slice: tensor<3xf32>):
    sample.yield %a : f32
  } -> (f32), ()
  return
}

// -----

func.func @scan_c3(%x: f32, %stack: tensor<3xf32>) {
  // expected-error @+1 {{body argument #1: expected 'f32' but got 'tensor<3xf32>'}}
  %y = sample.scan 3 carries(%x : f32) over(%stack : tensor<3xf32>) {
  ^bb0(%a: f32, %slice: tensor<3xf32>):
    sample.yield %a : f32
  } -> (f32), ()
  return
}

// -----

func.func @scan_c4(%x: f32) {
  // expected-error @+1 {{yielded value: expected 2 values but got 1}}
  %y, %s = sample.scan 3 carries(%x : f32) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (f32), (tensor<3xf32>)
  return
}

// -----

func.func @scan_c5(%x: f32) {
  // expected-error @+1 {{final carry #0: expected 'f32' but got 'tensor<1xf32>'}}
  %y = sample.scan 3 carries(%x : f32) {
  ^bb0(%a: f32):
    sample.yield %a : f32
  } -> (tensor<1xf32>), ()
  return
}

// -----

func.func @dense_c1(%w: tensor<3x2xf32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{mask of 2 x 2 ranks does not fit a weight of 3 x 2}}
  %y = sample.dense %w, %x mask <out = [0, 1], in = [0, 1], strict = false>
      : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  return
}

// -----

func.func @dense_c1_order(%w: tensor<2x2xf32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{ranks of a mask must ascend}}
  %y = sample.dense %w, %x mask <out = [1, 0], in = [0, 1], strict = false>
      : tensor<2x2xf32>, tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @dense_c2(%w: tensor<3x2xf32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{weight 'tensor<3x2xf32>' does not map 'tensor<2xf32>' to 'tensor<3xf32>'}}
  %y = sample.dense %w, %x transposed : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  return
}

// -----

func.func @dense_c3(%w: tensor<3x2xf32>, %x: tensor<2xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{bias 'tensor<2xf32>' needs 3 elements}}
  %y = sample.dense %w, %x bias(%b : tensor<2xf32>) : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32>
  return
}

// -----

func.func @dense_c4(%w: tensor<3x2xf32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{activation result: expected 1 values but got 0}}
  %y = sample.dense %w, %x : tensor<3x2xf32>, tensor<2xf32> -> tensor<3xf32> {
  ^bb0(%a: f32):
    sample.yield
  }
  return
}

// -----

func.func @outer_c1(%g: tensor<3xf32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{weight 'tensor<2x3xf32>' is not the outer product of 'tensor<3xf32>' and 'tensor<2xf32>'}}
  %w, %b = sample.outer %g, %x : tensor<3xf32>, tensor<2xf32> -> tensor<2x3xf32>, tensor<3xf32>
  return
}

// -----

func.func @outer_c2(%g: tensor<3xf32>, %x: tensor<2xf32>) {
  // expected-error @+1 {{mask of 3 x 1 ranks does not fit a weight of 3 x 2}}
  %w, %b = sample.outer %g, %x mask <out = [0, 0, 0], in = [0], strict = false>
      : tensor<3xf32>, tensor<2xf32> -> tensor<3x2xf32>, tensor<3xf32>
  return
}

// -----

func.func @sweep_c1(%y: tensor<2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{needs one region, one list of row ends, at most one bias and one result of units per stage}}
  %x = sample.sweep 2 weights(%w : tensor<2x2xf32>) biases(%b, %b : tensor<2xf32>, tensor<2xf32>)
      indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>]} {
  ^bb0(%p: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @sweep_c2(%y: tensor<2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{row ends of stage 0 must ascend to 2 in 3 entries}}
  %x = sample.sweep 2 weights(%w : tensor<2x2xf32>) biases(%b : tensor<2xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 1>]} {
  ^bb0(%p: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @sweep_c3(%y: tensor<2xf32>, %w: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{weight of stage 0 has 3 inputs but the stage before gives 2}}
  %x = sample.sweep 2 weights(%w : tensor<2x3xf32>) biases(%b : tensor<2xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>]} {
  ^bb0(%p: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @sweep_c4(%y: tensor<2xf32>, %w: tensor<4x2xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{the last stage needs equally many units at every step}}
  %x = sample.sweep 2 weights(%w : tensor<4x2xf32>) biases(%b : tensor<4xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 4>]} {
  ^bb0(%p: tensor<2xf32>, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @sweep_c5(%y: tensor<2xf32>, %w: tensor<4x2xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{argument of stage 0 #0: expected 'tensor<2xf32>' but got 'f32'}}
  %x = sample.sweep 2 weights(%w : tensor<4x2xf32>) biases(%b : tensor<4xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 2, 4>]} {
  ^bb0(%p: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @split_c1(%x: tensor<3xf32>) {
  // expected-error @+1 {{pieces have 2 elements but 'tensor<3xf32>' has 3}}
  %0, %1 = sample.split %x : tensor<3xf32> -> f32, f32
  return
}

// -----

func.func @concat_c1(%x: tensor<3xf32>, %v: f32) {
  // expected-error @+1 {{pieces have 4 elements but 'tensor<3xf32>' has 3}}
  %0 = sample.concat %x, %v : tensor<3xf32>, f32 -> tensor<3xf32>
  return
}

// -----

func.func @reorder_c1(%x: tensor<3x2xf32>) {
  // expected-error @+1 {{order of axis 0 is not a permutation of it}}
  %0 = sample.reorder %x rows = [0, 1, 1] columns = [] : tensor<3x2xf32>
  return
}

// -----

func.func @reorder_c1_axis(%x: tensor<3xf32>) {
  // expected-error @+1 {{order of axis 1 is not a permutation of it}}
  %0 = sample.reorder %x rows = [] columns = [0, 1, 2] : tensor<3xf32>
  return
}

// -----

func.func @reshape_c1(%x: tensor<3x2xf32>) {
  // expected-error @+1 {{cannot reshape 'tensor<3x2xf32>' to 'tensor<5xf32>'}}
  %0 = sample.reshape %x : tensor<3x2xf32> -> tensor<5xf32>
  return
}

// -----

func.func @sweep_c6(%y: tensor<3xf32>, %w: tensor<2x3xf32>) {
  // expected-error @+1 {{cannot make 'tensor<3xf32>' in 2 equal steps}}
  %x = sample.sweep 2 weights(%w : tensor<2x3xf32>)
      attributes {indexed_stage = array<i64>, row_ends = [array<i64: 0, 1, 2>]} {
  ^bb0(%p: f32):
    sample.yield %p : f32
  } -> (), tensor<3xf32>, (), ()
  return
}

// -----

func.func @no_steps(%w: tensor<2x2xf32>) {
  // expected-error @+1 {{cannot make 'tensor<2xf32>' in 0 equal steps}}
  %x = sample.sweep 0 weights(%w : tensor<2x2xf32>)
      attributes {indexed_stage = array<i64>, row_ends = [array<i64: 2>]} {
  ^bb0(%p: f32):
    sample.yield %p : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @sweep_c7(%w: tensor<2x2xf32>) {
  // expected-error @+1 {{value yielded by stage 0 #0: expected 'f32' but got 'i1'}}
  %x = sample.sweep 2 weights(%w : tensor<2x2xf32>)
      attributes {indexed_stage = array<i64>, row_ends = [array<i64: 0, 1, 2>]} {
  ^bb0(%p: f32):
    %c = arith.cmpf olt, %p, %p : f32
    sample.yield %c : i1
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @sweep_c8(%w: tensor<2x2xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{bias of stage 0 needs 2 elements}}
  %x = sample.sweep 2 weights(%w : tensor<2x2xf32>) biases(%b : tensor<3xf32>)
      attributes {indexed_stage = array<i64>, row_ends = [array<i64: 0, 1, 2>]} {
  ^bb0(%p: f32):
    sample.yield %p : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @gather_c1(%x: tensor<3xf32>, %p: tensor<2xi32>) {
  // expected-error @+1 {{indices and inverse need 3 elements}}
  %y = sample.gather %x, %p, %p : tensor<3xf32>, tensor<2xi32>, tensor<2xi32>
  return
}

// -----

func.func @gather_c2(%x: tensor<3xf32>) {
  %p = arith.constant dense<[0, 9, -5]> : tensor<3xi32>
  // expected-error @+1 {{has a constant permutation that is none: it needs each of 0 ... 2 once}}
  %y = sample.gather %x, %p, %p : tensor<3xf32>, tensor<3xi32>, tensor<3xi32>
  return
}

// -----

func.func @clip_c1(%x: f32) {
  // expected-error @+1 {{needs an interval but has [1.000000e+00, 0.000000e+00]}}
  %y = sample.clip %x to [1.0, 0.0] : f32
  return
}

// -----

func.func @clip_to_nan(%x: f32) {
  // expected-error @+1 {{needs an interval}}
  %y = sample.clip %x to [0.0, 0x7FF8000000000000] : f32
  return
}

// -----

func.func @bin_search_c1(%k: tensor<1xf32>, %v: f32) {
  // expected-error @+1 {{needs two knots or more but has 'tensor<1xf32>'}}
  %y = sample.bin_search %k, %v : tensor<1xf32>, f32
  return
}

// -----

func.func @take_c1(%x: tensor<3xf32>, %i: i32) {
  // expected-error @+1 {{offset 3 leads out of 'tensor<3xf32>'}}
  %y = sample.take %x[%i + 3] : tensor<3xf32> -> f32
  return
}

// -----

func.func @one_hot_c1(%x: f32, %i: i32) {
  // expected-error @+1 {{offset -1 leads out of 'tensor<3xf32>'}}
  %y = sample.one_hot %x at [%i + -1] : f32 -> tensor<3xf32>
  return
}

// -----

func.func @weight_normalize_vjp_c1(%w: tensor<2x3xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{needs one scale per row, 2, but has 3}}
  %a, %b = sample.weight_normalize_vjp %w, %s, %w : tensor<2x3xf32>, tensor<3xf32>
  return
}

// -----

func.func @triangular_inverse_vjp_c1(%w: tensor<2x3xf32>) {
  // expected-error @+1 {{needs a square matrix but has 'tensor<2x3xf32>'}}
  %a = sample.triangular_inverse_vjp %w, %w : tensor<2x3xf32>
  return
}

// -----

func.func @triangular_inverse_jvp_c1(%w: tensor<2x3xf32>) {
  // expected-error @+1 {{needs a square matrix but has 'tensor<2x3xf32>'}}
  %a = sample.triangular_inverse_jvp %w, %w : tensor<2x3xf32>
  return
}

// -----

func.func @surrogate_c1(%y: tensor<2xf32>, %x: tensor<3xf32>) {
  // expected-error @+1 {{of 2 elements cannot share out 'tensor<3xf32>' to them}}
  %a = sample.surrogate %y at %x slope %x : tensor<2xf32>, tensor<3xf32>
  return
}
