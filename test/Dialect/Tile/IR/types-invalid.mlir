// What buffers and shapes cannot be. Constraints of docs/Spec.md, each violated by functions of its name.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{unknown vectors}}
func.func private @tile_shape_c1() attributes {shape = #tile.shape<"avx9", f32>}

// -----

// expected-error @+1 {{works in f32 or f64 but has 'f16'}}
func.func private @tile_shape_c2() attributes {shape = #tile.shape<"avx", f16>}

// -----

// expected-error @+1 {{a buffer holds f32, f64, i1, i32 or i64 but not 'f16'}}
func.func private @tile_buffer_type_c1(!tile.buffer<4xf16, rows>)

// -----

// expected-error @+1 {{only floats differ from row to row, not 'i32'}}
func.func private @tile_buffer_type_c2(!tile.buffer<4xi32, rows>)

// -----

// expected-error @+1 {{only floats differ from row to row, not 'i1'}}
func.func private @tile_buffer_type_c2(!tile.buffer<4xi1, sums>)

// -----

// expected-error @+1 {{expected one extent, and a layout: uniform, rows or sums}}
func.func private @layout(!tile.buffer<4xf32, columns>)

// -----

// expected-error @+1 {{expected one extent, and a layout: uniform, rows or sums}}
func.func private @extents(!tile.buffer<4x4xf32, rows>)

// -----

// expected-error @+1 {{expected static shape}}
func.func private @dynamic(!tile.buffer<?xf32, rows>)

// -----

// expected-error @+1 {{has the attribute 'tile.shape', expected a shape, of a module}}
func.func private @tile_shape_c3() attributes {tile.shape = #tile.shape<"avx", f32>}

// -----

// expected-error @+1 {{has the attribute 'tile.shape', expected a shape, of a module}}
module attributes {tile.shape = "avx"} {
  func.func private @tile_shape_c3()
}

// -----

// expected-error @+1 {{has the attribute 'tile.reserved', expected a number of elements, of a function}}
func.func private @tile_reserved_c1() attributes {tile.reserved = -1 : i64}

// -----

// expected-error @+1 {{has the attribute 'tile.reserved', expected a number of elements, of a function}}
func.func private @tile_reserved_c1() attributes {tile.reserved = "16"}

// -----

// expected-error @+1 {{has the attribute 'tile.reserved', expected a number of elements, of a function}}
module attributes {tile.reserved = 16 : i64} {
  func.func private @tile_reserved_c1()
}
