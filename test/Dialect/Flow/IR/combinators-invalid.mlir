// One function for every constraint of docs/Spec.md on ops on parts of events,
// named after its label.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

func.func @partition_c1(%x: tensor<3xf32>) {
  // expected-error @+1 {{needs one region per piece, at least one, but has 2 pieces and 1 regions}}
  %y = flow.partition %x [2, 1] : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    flow.yield %a : tensor<3xf32>
  }
  return
}

// -----

func.func @partition_c2(%x: tensor<3xf32>) {
  // expected-error @+1 {{pieces have 2 elements but the event has 3}}
  %y = flow.partition %x [2] : tensor<3xf32> {
  ^bb0(%a: tensor<2xf32>):
    flow.yield %a : tensor<2xf32>
  }
  return
}

// -----

func.func @partition_c2(%x: tensor<3xf32>) {
  // expected-error @+1 {{piece of 0 elements}}
  %y = flow.partition %x [0, 3] : tensor<3xf32> {
  ^bb0(%a: tensor<0xf32>):
    flow.yield %a : tensor<0xf32>
  }, {
  ^bb0(%a: tensor<3xf32>):
    flow.yield %a : tensor<3xf32>
  }
  return
}

// -----

func.func @partition_c3(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must take one piece of type 'tensor<2xf32>'}}
  %y = flow.partition %x [2, 1] : tensor<3xf32> {
  ^bb0(%a: f32):
    flow.yield %a : f32
  }, {
  ^bb0(%a: f32):
    flow.yield %a : f32
  }
  return
}

// -----

func.func @partition_c3(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must take one piece of type 'tensor<3xf32>'}}
  %y = flow.partition %x [3] : tensor<3xf32> {
  ^bb0(%a: tensor<2xf32>):
    flow.yield %a : tensor<2xf32>
  }
  return
}

// -----

func.func @partition_c4(%x: tensor<3xf32>, %other: tensor<3xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.partition %x [3] : tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>):
    flow.yield %other : tensor<3xf32>
  }
  return
}

// -----

func.func @vmap_c1(%x: tensor<3xf32>) {
  // expected-error @+1 {{cannot cut an event of type 'tensor<3xf32>' into 2 equal pieces}}
  %y = flow.vmap %x 2 : tensor<3xf32> {
  ^bb0(%a: f32):
    flow.yield %a : f32
  }
  return
}

// -----

func.func @vmap_c1(%x: f32) {
  // expected-error @+1 {{cannot cut an event of type 'f32' into 1 equal pieces}}
  %y = flow.vmap %x 1 : f32 {
  ^bb0(%a: f32):
    flow.yield %a : f32
  }
  return
}

// -----

func.func @vmap_c2(%x: tensor<3xf32>, %loc: tensor<2xf32>) {
  // expected-error @+1 {{operand of type 'tensor<2xf32>' needs a leading extent of 3}}
  %y = flow.vmap %x 3 over(%loc : tensor<2xf32>) : tensor<3xf32> {
  ^bb0(%a: f32, %l: f32):
    flow.yield %a : f32
  }
  return
}

// -----

func.func @vmap_c3(%x: tensor<6xf32>) {
  // expected-error @+1 {{region must take a piece of type 'tensor<2xf32>'}}
  %y = flow.vmap %x 3 : tensor<6xf32> {
  ^bb0(%a: f32):
    flow.yield %a : f32
  }
  return
}

// -----

func.func @vmap_c3(%x: tensor<3xf32>, %loc: tensor<3x2xf32>, %scale: f32) {
  // expected-error @+1 {{region must take a slice of every operand in `over`, then the shared operands}}
  %y = flow.vmap %x 3 over(%loc : tensor<3x2xf32>) shared(%scale : f32) : tensor<3xf32> {
  ^bb0(%a: f32, %s: f32, %l: tensor<2xf32>):
    flow.yield %a : f32
  }
  return
}

// -----

func.func @vmap_c4(%x: tensor<3xf32>) {
  // expected-error @+1 {{region must yield its event after bijections only}}
  %y = flow.vmap %x 3 : tensor<3xf32> {
  ^bb0(%a: f32):
    %b = sample.log1p_exp %a : f32
    flow.yield %b : f32
  }
  return
}
