// RUN: flowc-opt %s --split-input-file --verify-diagnostics --convert-flow-to-tile

// expected-error @below {{needs the functions @kernel and @prepare}}
module {
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
