// RUN: flowc-opt %s --split-input-file --verify-diagnostics --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm

// expected-error @below {{needs the function @kernel, which flow-specialize makes}}
module {
}

// -----

func.func @prepare() {
  return
}
// expected-error @below {{argument 0 is a row, which cannot be 'i32'}}
func.func @kernel(%x: i32 {flow.row}) -> i32 {
  return %x : i32
}

// -----

func.func @prepare(%a: f32) -> f32 {
  return %a : f32
}
func.func @kernel(%x: f32 {flow.row}, %a: f32) -> (f32 {flow.sum}, f32 {flow.sum}) {
  return %x, %a : f32, f32
}
// expected-error @below {{takes the cotangents 'tensor<2xf32>' but @kernel returns the sums 'f32', 'f32'}}
func.func @finish(%a: f32, %g: tensor<2xf32> {flow.cotangent}) -> tensor<2xf32> {
  return %g : tensor<2xf32>
}

// -----

func.func @prepare(%a: f32) -> f32 {
  return %a : f32
}
func.func @kernel(%x: f32 {flow.row}, %a: f32) -> (f32 {flow.sum}, f32 {flow.sum}) {
  return %x, %a : f32, f32
}
// expected-error @below {{takes the parameters 'f32', 'f32' but @prepare takes 'f32'}}
func.func @finish(%a: f32, %b: f32, %g: f32 {flow.cotangent}) -> f32 {
  return %g : f32
}

// -----

func.func @prepare(%a: f32) -> f32 {
  return %a : f32
}
func.func @kernel(%x: f32 {flow.row}, %a: f32) -> (f32 {flow.sum}, f32 {flow.sum}) {
  return %x, %a : f32, f32
}
// expected-error @below {{returns 'i32', which is no gradient}}
func.func @finish(%a: f32, %g: f32 {flow.cotangent}) -> i32 {
  %c = arith.constant 1 : i32
  return %c : i32
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<2xf32> {flow.row}) -> tensor<2xf32> {
  // Bijections are no ops of the sample program.
  // expected-error @below {{'flow.softplus' is not an op of the tile program's input}}
  %y = flow.softplus %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32> {flow.row}) -> tensor<2xf32> {
  // The weight comes with the rows.
  // expected-error @below {{a weight must be a parameter}}
  %y = sample.dense %w, %x : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare(%w: tensor<2x3xf32> {flow.name = "w"}) -> tensor<2x3xf32> {
  return %w : tensor<2x3xf32>
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %w: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @below {{a masked weight must be packed first, by sample-pack-weights}}
  %y = sample.dense %w, %x mask <out = [0, 1], in = [0, 0, 1], strict = false> : tensor<2x3xf32>, tensor<3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%g: tensor<5xf32> {flow.row}, %x: tensor<3xf32> {flow.row}) -> (tensor<5x3xf32>, tensor<5xf32>) {
  // expected-error @below {{can only be summed over rows}}
  %w, %b = sample.outer %g, %x : tensor<5xf32>, tensor<3xf32> -> tensor<5x3xf32>, tensor<5xf32>
  return %w, %b : tensor<5x3xf32>, tensor<5xf32>
}

// -----

func.func @prepare() {
  return
}
func.func @kernel(%x: tensor<3xf32> {flow.row}) -> tensor<3xf32> {
  %y = sample.map 3 indexed(%x : tensor<3xf32>) {
  ^bb0(%xi: f32):
    // Rows draw, not their elements.
    // expected-error @below {{'flow.standard_normal' has no place in a body of the tile program}}
    %z = flow.standard_normal : tensor<2xf32>
    %s = sample.reduce_sum %z : tensor<2xf32> -> f32
    %yi = arith.mulf %xi, %s : f32
    sample.yield %yi : f32
  } -> (tensor<3xf32>), ()
  return %y : tensor<3xf32>
}
