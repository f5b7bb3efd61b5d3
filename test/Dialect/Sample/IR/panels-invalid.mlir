// RUN: flowc-opt %s --split-input-file --verify-diagnostics

func.func @pack_c1(%w: tensor<2x3xf32>) {
  // expected-error @below {{mask of 1 x 3 ranks does not fit a weight of 2 x 3}}
  %p = sample.pack %w blocks = [0, 2, 0, 3, 0] mask <out = [0], in = [0, 0, 1], strict = false>
      : tensor<2x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @pack_c2(%w: tensor<2x3xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{bias 'tensor<3xf32>' needs 2 elements}}
  %p = sample.pack %w bias(%b : tensor<3xf32>) blocks = [0, 2, 0, 3, 0] : tensor<2x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @pack_c3(%w: tensor<2x3xf32>) {
  // expected-error @below {{block [0, 2, 0, 4, 0] is not in a matrix of 2 x 3 and a panel of 8}}
  %p = sample.pack %w blocks = [0, 2, 0, 4, 0] : tensor<2x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @no_room(%w: tensor<2x3xf32>) {
  // expected-error @below {{block [0, 2, 0, 3, 1] is not in a matrix of 2 x 3 and a panel of 8}}
  %p = sample.pack %w blocks = [0, 2, 0, 3, 1] : tensor<2x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @no_rows(%w: tensor<2x3xf32>) {
  // expected-error @below {{block [0, 0, 0, 3, 0] is not in}}
  %p = sample.pack %w blocks = [0, 0, 0, 3, 0] : tensor<2x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @half_a_block(%w: tensor<2x3xf32>) {
  // expected-error @below {{needs 5 numbers for each block, not 4}}
  %p = sample.pack %w blocks = [0, 2, 0, 3] : tensor<2x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @panel_dense_c1(%p: tensor<8xf32>, %x: tensor<2xf32>) {
  // expected-error @below {{block [0, 2, 0, 3, 0] is not in a matrix of 2 x 2 and a panel of 8}}
  %y = sample.panel_dense %p, %x blocks = [0, 2, 0, 3, 0] macs = 6 : tensor<8xf32>, tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @panel_dense_c2(%p: tensor<8xf32>, %x: tensor<3xf32>) {
  // expected-error @below {{activation result #0: expected 'f32' but got 'i1'}}
  %y = sample.panel_dense %p, %x blocks = [0, 2, 0, 3, 0] macs = 6 : tensor<8xf32>, tensor<3xf32> -> tensor<2xf32> {
  ^bb0(%v: f32):
    %c = arith.cmpf olt, %v, %v : f32
    sample.yield %c : i1
  }
  return
}

// -----

func.func @panel_sweep_c1(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{needs one list of blocks, one of block ends and one of blocks ahead per panel}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>], blocks = [], block_ends = [], ahead = [], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c2(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{row ends of stage 0 must ascend in 3 entries}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 2, 1>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>], block_ends = [array<i32: 0, 1, 2>], ahead = [array<i32>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c3(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{block ends of stage 0 must ascend from 0 to the number of blocks in 3 entries}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>], block_ends = [array<i32: 0, 1, 3>], ahead = [array<i32>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c4(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{block [1, 1, 0, 3, 1] is not in a matrix of 2 x 2 and a panel of 8}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 3, 1>], block_ends = [array<i32: 0, 1, 2>], ahead = [array<i32>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c5(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{value yielded by stage 0: expected 1 values but got 2}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>], block_ends = [array<i32: 0, 1, 2>], ahead = [array<i32>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v, %a : f32, f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c6(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{unit 1 of stage 0 is in no block ahead of step 1}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>], block_ends = [array<i32: 0, 1, 2>],
                  ahead = [array<i32: 1, 0>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c6_twice(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{unit 1 of stage 0 is in two blocks ahead of step 1}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 2, 0, 0, 0, 1, 1, 0, 1, 2>], block_ends = [array<i32: 0, 1, 2>],
                  ahead = [array<i32: 1, 1>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c6_count(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{step 0 of stage 0 has 1 blocks, of which 2 cannot be ahead}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>], block_ends = [array<i32: 0, 1, 2>],
                  ahead = [array<i32: 2, 0>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}

// -----

func.func @panel_sweep_c6_steps(%y: tensor<2xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{stage 0 needs no blocks ahead, or a number of them for each of 2 steps}}
  %x = sample.panel_sweep 2 panels(%p : tensor<8xf32>) indexed(%y : tensor<2xf32>)
      attributes {indexed_stage = array<i64: 0>, row_ends = [array<i64: 0, 1, 2>],
                  blocks = [array<i32: 0, 1, 0, 0, 0, 1, 1, 0, 1, 1>], block_ends = [array<i32: 0, 1, 2>],
                  ahead = [array<i32: 1>], macs = 1 : i64} {
  ^bb0(%a: f32, %v: f32):
    sample.yield %v : f32
  } -> (), tensor<2xf32>, (), ()
  return
}
