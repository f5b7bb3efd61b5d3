// RUN: flowc-opt %s --tile-assign-storage --split-input-file --verify-diagnostics

// expected-error @+1 {{needs the attribute 'tile.shape', which convert-sample-to-tile gives a module}}
module {
  func.func @kernel(%memory: !tile.memory) {
    %a = tile.alloc %memory : !tile.buffer<3xf32, rows>
    return
  }
}

// -----

module attributes {tile.shape = #tile.shape<"avx", f32>} {
  func.func @kernel(%a: !tile.buffer<3xf32, rows>, %n: index) {
    // expected-error @+1 {{carries a buffer that has no place of its own in the workspace}}
    %end = scf.for %i = %n to %n step %n iter_args(%b = %a) -> (!tile.buffer<3xf32, rows>) {
      scf.yield %b : !tile.buffer<3xf32, rows>
    }
    return
  }
}

// -----

module attributes {tile.shape = #tile.shape<"avx", f32>} {
  func.func @kernel(%memory: !tile.memory, %n: index) {
    %a = tile.alloc %memory : !tile.buffer<3xf32, rows>
    %end = scf.for %i = %n to %n step %n iter_args(%b = %a) -> (!tile.buffer<3xf32, rows>) {
      %v = tile.view %b[%n] : !tile.buffer<3xf32, rows> to !tile.buffer<3xf32, rows>
      // expected-error @+1 {{yields a buffer that has no place of its own in the workspace}}
      scf.yield %v : !tile.buffer<3xf32, rows>
    }
    return
  }
}
