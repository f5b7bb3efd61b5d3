// RUN: flowc-opt %s --split-input-file --verify-diagnostics --convert-tile-to-llvm

// expected-error @+1 {{needs the attribute 'tile.shape', which convert-sample-to-tile gives a module}}
module {
  func.func @f(%memory: !tile.memory) {
    return
  }
}

// -----

module attributes {tile.shape = #tile.shape<"sse2", f32>} {
  func.func @f(%t: vector<4xf32>, %i: vector<4xi32>) -> vector<4xf32> {
    // expected-error @+2 {{failed to legalize operation 'tile.look_up'}}
    // expected-error @+1 {{'sse2' has no instruction that looks up elements in 1 vectors}}
    %k = tile.look_up %t[%i] : vector<4xf32> at vector<4xi32> -> vector<4xf32>
    return %k : vector<4xf32>
  }
}
