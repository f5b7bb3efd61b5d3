// Constraints of docs/Spec.md, each violated by functions of its name.
// RUN: flowc-opt %s -split-input-file -verify-diagnostics

// -----

func.func private @tile_table_c1()
// expected-error @+1 {{needs an array of numbers of 32 or 64 bits but has 'tensor<2x2xi32>'}}
tile.table @t dense<1> : tensor<2x2xi32>

// -----

func.func private @tile_table_c1()
// expected-error @+1 {{needs an array of numbers of 32 or 64 bits but has 'tensor<4xi8>'}}
tile.table @t dense<1> : tensor<4xi8>

// -----

func.func @tile_constant_c1() {
  // expected-error @+1 {{'t' is no table}}
  %b = tile.constant @t : !tile.buffer<4xi32, uniform>
  return
}

// -----

func.func @tile_constant_c1() {
  // expected-error @+1 {{'tile_constant_c1' is no table}}
  %b = tile.constant @tile_constant_c1 : !tile.buffer<4xi32, uniform>
  return
}

// -----

tile.table @t dense<1> : tensor<4xi32>
func.func @tile_constant_c2() {
  // expected-error @+1 {{but the table has 'tensor<4xi32>'}}
  %b = tile.constant @t : !tile.buffer<3xi32, uniform>
  return
}

// -----

tile.table @t dense<1> : tensor<4xi32>
func.func @tile_constant_c2() {
  // expected-error @+1 {{but the table has 'tensor<4xi32>'}}
  %b = tile.constant @t : !tile.buffer<4xf32, uniform>
  return
}

// -----

func.func @tile_argument_c1(%m: !tile.memory) {
  // expected-error @+1 {{the number of an array cannot be -1}}
  %b = tile.argument %m[-1] : !tile.buffer<4xf32, uniform>
  return
}

// -----

func.func @tile_parameter_c1(%m: !tile.memory) {
  // expected-error @+1 {{an offset cannot be -16}}
  %b = tile.parameter %m[-16] : !tile.buffer<4xf32, uniform>
  return
}

// -----

func.func @tile_buffer_c1(%m: !tile.memory) {
  %c = arith.constant -4 : index
  // expected-error @+1 {{a position cannot be -4}}
  %b = tile.buffer %m[%c] : !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_shift_c1(%m: !tile.memory, %i: index) {
  // expected-error @+1 {{counts elements of f32 or f64, not of 'i32'}}
  %b = tile.shift %m[%i] : i32
  return
}

// -----

func.func @tile_view_c1(%b: !tile.buffer<4xf32, rows>, %i: index) {
  // expected-error @+1 {{cannot see}}
  %v = tile.view %b[%i] : !tile.buffer<4xf32, rows> to !tile.buffer<2xf32, uniform>
  return
}

// -----

func.func @tile_view_c1(%b: !tile.buffer<4xf32, rows>, %i: index) {
  // expected-error @+1 {{cannot see}}
  %v = tile.view %b[%i] : !tile.buffer<4xf32, rows> to !tile.buffer<2xf64, rows>
  return
}

// -----

func.func @tile_view_c2(%b: !tile.buffer<4xf32, rows>, %i: index) {
  // expected-error @+1 {{has elements 0 to 5 of}}
  %v = tile.view %b[%i] : !tile.buffer<4xf32, rows> to !tile.buffer<5xf32, rows>
  return
}

// -----

func.func @tile_view_c2(%b: !tile.buffer<4xf32, rows>) {
  %c3 = arith.constant 3 : index
  // expected-error @+1 {{has elements 3 to 5 of}}
  %v = tile.view %b[%c3] : !tile.buffer<4xf32, rows> to !tile.buffer<2xf32, rows>
  return
}

// -----

func.func @tile_load_c1(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf32>) {
  // expected-error @+1 {{needs 2 indices but has 1}}
  %v = tile.load %b[%i] : !tile.buffer<4xf32, rows> -> vector<8xf32>
  return
}

// -----

func.func @tile_load_c1(%b: !tile.buffer<4xf32, uniform>, %i: index, %x: f32) {
  // expected-error @+1 {{needs 1 indices but has 2}}
  %v = tile.load %b[%i, %i] : !tile.buffer<4xf32, uniform> -> f32
  return
}

// -----

func.func @tile_load_c2(%b: !tile.buffer<4xf32, uniform>, %i: index, %x: f64) {
  // expected-error @+1 {{moves 'f64' but the buffer is}}
  %v = tile.load %b[%i] : !tile.buffer<4xf32, uniform> -> f64
  return
}

// -----

func.func @tile_load_c2(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf64>) {
  // expected-error @+1 {{moves 'vector<8xf64>' but the buffer is}}
  %v = tile.load %b[%i, %i] : !tile.buffer<4xf32, rows> -> vector<8xf64>
  return
}

// -----

func.func @tile_load_c3(%b: !tile.buffer<4xf32, rows>, %i: index, %x: f32) {
  // expected-error @+1 {{moves a vector of lanes, not 'f32'}}
  %v = tile.load %b[%i, %i] : !tile.buffer<4xf32, rows> -> f32
  return
}

// -----

func.func @tile_load_c3(%b: !tile.buffer<4xf32, uniform>, %i: index, %x: vector<2x2xf32>) {
  // expected-error @+1 {{moves vectors of rank 1, not}}
  %v = tile.load %b[%i] : !tile.buffer<4xf32, uniform> -> vector<2x2xf32>
  return
}

// -----

func.func @tile_load_c4(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf32>) {
  %c = arith.constant 4 : index
  // expected-error @+1 {{of element 4 of}}
  %v = tile.load %b[%c, %i] : !tile.buffer<4xf32, rows> -> vector<8xf32>
  return
}

// -----

func.func @tile_load_c4(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf32>) {
  %c = arith.constant -1 : index
  // expected-error @+1 {{of element -1 of}}
  %v = tile.load %b[%c, %i] : !tile.buffer<4xf32, rows> -> vector<8xf32>
  return
}

// -----

func.func @tile_store_c1(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf32>) {
  // expected-error @+1 {{needs 2 indices but has 1}}
  tile.store %x, %b[%i] : vector<8xf32>, !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_store_c1(%b: !tile.buffer<4xf32, uniform>, %i: index, %x: f32) {
  // expected-error @+1 {{needs 1 indices but has 2}}
  tile.store %x, %b[%i, %i] : f32, !tile.buffer<4xf32, uniform>
  return
}

// -----

func.func @tile_store_c2(%b: !tile.buffer<4xf32, uniform>, %i: index, %x: f64) {
  // expected-error @+1 {{moves 'f64' but the buffer is}}
  tile.store %x, %b[%i] : f64, !tile.buffer<4xf32, uniform>
  return
}

// -----

func.func @tile_store_c2(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf64>) {
  // expected-error @+1 {{moves 'vector<8xf64>' but the buffer is}}
  tile.store %x, %b[%i, %i] : vector<8xf64>, !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_store_c3(%b: !tile.buffer<4xf32, rows>, %i: index, %x: f32) {
  // expected-error @+1 {{moves a vector of lanes, not 'f32'}}
  tile.store %x, %b[%i, %i] : f32, !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_store_c3(%b: !tile.buffer<4xf32, uniform>, %i: index, %x: vector<2x2xf32>) {
  // expected-error @+1 {{moves vectors of rank 1, not}}
  tile.store %x, %b[%i] : vector<2x2xf32>, !tile.buffer<4xf32, uniform>
  return
}

// -----

func.func @tile_store_c4(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf32>) {
  %c = arith.constant 4 : index
  // expected-error @+1 {{of element 4 of}}
  tile.store %x, %b[%c, %i] : vector<8xf32>, !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_store_c4(%b: !tile.buffer<4xf32, rows>, %i: index, %x: vector<8xf32>) {
  %c = arith.constant -1 : index
  // expected-error @+1 {{of element -1 of}}
  tile.store %x, %b[%c, %i] : vector<8xf32>, !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_load_table_c1(%b: !tile.buffer<20xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs vectors of one type with elements of}}
  %t = tile.load_table %b[%i] count = 8 : !tile.buffer<20xf32, uniform> -> vector<8xf64>
  return
}

// -----

func.func @tile_load_table_c1(%b: !tile.buffer<20xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs vectors of one type with elements of}}
  %t:2 = tile.load_table %b[%i] count = 8 : !tile.buffer<20xf32, uniform> -> vector<8xf32>, vector<4xf32>
  return
}

// -----

func.func @tile_load_table_c2(%b: !tile.buffer<20xf32, uniform>, %i: index) {
  // expected-error @+1 {{1 vectors of 8 lanes do not hold 9 elements}}
  %t = tile.load_table %b[%i] count = 9 : !tile.buffer<20xf32, uniform> -> vector<8xf32>
  return
}

// -----

func.func @tile_load_table_c2(%b: !tile.buffer<20xf32, uniform>, %i: index) {
  // expected-error @+1 {{2 vectors of 8 lanes do not hold 8 elements}}
  %t:2 = tile.load_table %b[%i] count = 8 : !tile.buffer<20xf32, uniform> -> vector<8xf32>, vector<8xf32>
  return
}

// -----

func.func @tile_look_up_c1(%t: vector<4xf32>, %i: vector<8xi32>) {
  // expected-error @+1 {{needs a table of 'vector<8xf32>'}}
  %v = tile.look_up %t[%i] : vector<4xf32> at vector<8xi32> -> vector<8xf32>
  return
}

// -----

func.func @tile_look_up_c2(%t: vector<8xf32>, %i: vector<4xi32>) {
  // expected-error @+1 {{needs an i32 for each lane of 'vector<8xf32>' but has 'vector<4xi32>'}}
  %v = tile.look_up %t[%i] : vector<8xf32> at vector<4xi32> -> vector<8xf32>
  return
}

// -----

func.func @tile_look_up_c2(%t: vector<8xf32>, %i: vector<8xi64>) {
  // expected-error @+1 {{needs an i32 for each lane of 'vector<8xf32>' but has 'vector<8xi64>'}}
  %v = tile.look_up %t[%i] : vector<8xf32> at vector<8xi64> -> vector<8xf32>
  return
}

// -----

func.func @tile_copy_c1(%a: !tile.buffer<4xf32, uniform>, %b: !tile.buffer<3xf32, uniform>) {
  // expected-error @+1 {{cannot copy}}
  tile.copy %a to %b : !tile.buffer<4xf32, uniform>, !tile.buffer<3xf32, uniform>
  return
}

// -----

func.func @tile_copy_c1(%a: !tile.buffer<4xf32, uniform>, %b: !tile.buffer<4xi32, uniform>) {
  // expected-error @+1 {{cannot copy}}
  tile.copy %a to %b : !tile.buffer<4xf32, uniform>, !tile.buffer<4xi32, uniform>
  return
}

// -----

func.func @tile_load_rows_c1(%d: !tile.buffer<3xf64, uniform>, %t: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.load_rows %d, %t rows %i to %i vectors %i : !tile.buffer<3xf64, uniform>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_load_rows_c1(%d: !tile.buffer<3xi32, uniform>, %t: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.load_rows %d, %t rows %i to %i vectors %i : !tile.buffer<3xi32, uniform>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_store_rows_c1(%d: !tile.buffer<3xf64, uniform>, %t: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.store_rows %d, %t rows %i to %i vectors %i : !tile.buffer<3xf64, uniform>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_store_rows_c1(%d: !tile.buffer<3xi32, uniform>, %t: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.store_rows %d, %t rows %i to %i vectors %i : !tile.buffer<3xi32, uniform>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_dense_c1(%w: !tile.buffer<6xf64, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero 
      : !tile.buffer<6xf64, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_dense_c1(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf64, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero 
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf64, rows>
  return
}

// -----

func.func @tile_dense_c2(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<7xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs a table of 8 i32 for each block but has}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero 
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<7xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_dense_c2(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xf32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs a table of 8 i32 for each block but has}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero 
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xf32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_dense_c3(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs an argument of the region for its operand, and an operand for that}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y with %y : !tile.buffer<3xf32, rows> rows %i lanes zero 
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%u: f32):
    sample.yield %u : f32
  }
  return
}

// -----

func.func @tile_dense_c3(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs an argument of the region for its operand, and an operand for that}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero {of_operand = 0}
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%u: f32):
    sample.yield %u : f32
  }
  return
}

// -----

func.func @tile_dense_c3(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{has an operand that nothing reads}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y with %y : !tile.buffer<3xf32, rows> rows %i lanes zero {of_operand = 0}
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @tile_dense_c4(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs a region that yields one 'f32'}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero 
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%u: f32):
    sample.yield %u, %u : f32, f32
  }
  return
}

// -----

func.func @tile_dense_c4(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs a region that takes the sum, and the operand, if there is one}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y rows %i lanes zero {sum = 1}
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%u: f32):
    sample.yield %u : f32
  }
  return
}

// -----

func.func @tile_dense_c4(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index) {
  // expected-error @+1 {{needs a region that takes the sum, and the operand, if there is one}}
  tile.dense %w, %b by %t blocks %i to %i of %x into %y with %y : !tile.buffer<3xf32, rows> rows %i lanes zero {sum = 0, of_operand = 0}
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%u: f32):
    sample.yield %u : f32
  }
  return
}

// -----

func.func @tile_dots_c1(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf64, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf64, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c1(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xi32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xi32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c2(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<9xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs a table of 8 i32 for each block but has}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<9xi32, uniform>
  return
}

// -----

func.func @tile_dots_c3(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs ranks, i32, of rows and columns for a mask, and none without}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = above blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c3(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs ranks, i32, of rows and columns for a mask, and none without}}
  tile.dots %g, %x into %w, %b by %t ranks %r, %r : !tile.buffer<12xi32, uniform>, !tile.buffer<12xi32, uniform> rows %i first %i columns = 3 which = all blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c3(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs ranks, i32, of rows and columns for a mask, and none without}}
  tile.dots %g, %x into %w, %b by %t ranks %r, %f : !tile.buffer<12xi32, uniform>, !tile.buffer<12xf32, uniform> rows %i first %i columns = 3 which = at_least blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c4(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs a column or more but has 0}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 0 which = all blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_outer_c1(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf64, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.outer %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf64, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_outer_c1(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xi32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.outer %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xi32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_outer_c2(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<9xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs a table of 8 i32 for each block but has}}
  tile.outer %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<9xi32, uniform>
  return
}

// -----

func.func @tile_outer_c3(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs ranks, i32, of rows and columns for a mask, and none without}}
  tile.outer %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = above 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_outer_c3(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs ranks, i32, of rows and columns for a mask, and none without}}
  tile.outer %g, %x into %w, %b by %t ranks %r, %r : !tile.buffer<12xi32, uniform>, !tile.buffer<12xi32, uniform> rows %i first %i columns = 3 which = all 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_outer_c3(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs ranks, i32, of rows and columns for a mask, and none without}}
  tile.outer %g, %x into %w, %b by %t ranks %r, %f : !tile.buffer<12xi32, uniform>, !tile.buffer<12xf32, uniform> rows %i first %i columns = 3 which = at_least 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_outer_c4(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs a column or more but has 0}}
  tile.outer %g, %x into %w, %b by %t  rows %i first %i columns = 0 which = all 
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c5(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs blocks of rows and columns but has 0 x 2}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all blocks = 0 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_dots_c5(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %w: !tile.buffer<12xf32, uniform>, %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %r: !tile.buffer<12xi32, uniform>, %f: !tile.buffer<12xf32, uniform>, %i: index) {
  // expected-error @+1 {{needs blocks of rows and columns but has 4 x -1}}
  tile.dots %g, %x into %w, %b by %t  rows %i first %i columns = 3 which = all blocks = 4 x -1
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// -----

func.func @tile_transpose_c1(%x: !tile.buffer<3xf32, rows>, %s: !tile.buffer<8xf64, rows>, %i: index) {
  // expected-error @+1 {{works on floats of one type but has}}
  tile.transpose %x to %s columns = 3 vectors %i : !tile.buffer<3xf32, rows>, !tile.buffer<8xf64, rows>
  return
}

// -----

func.func @tile_transpose_c2(%x: !tile.buffer<3xf32, rows>, %s: !tile.buffer<8xf32, rows>, %i: index) {
  // expected-error @+1 {{cannot put 4 columns of}}
  tile.transpose %x to %s columns = 4 vectors %i : !tile.buffer<3xf32, rows>, !tile.buffer<8xf32, rows>
  return
}

// -----

func.func @tile_transpose_c2(%x: !tile.buffer<3xf32, rows>, %s: !tile.buffer<2xf32, rows>, %i: index) {
  // expected-error @+1 {{cannot put 3 columns of}}
  tile.transpose %x to %s columns = 3 vectors %i : !tile.buffer<3xf32, rows>, !tile.buffer<2xf32, rows>
  return
}

// -----

func.func @tile_random_gamma_c1(%x: !tile.buffer<3xf32, rows>, %y: !tile.buffer<4xf32, rows>, %s: i64, %i: index) {
  // expected-error @+1 {{needs buffers of one type but has}}
  tile.random_gamma %x to %x, %y stream = 1 seed %s first %s vectors %i : !tile.buffer<3xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<4xf32, rows>
  return
}

// -----

func.func @tile_random_gamma_c1(%x: !tile.buffer<3xf32, rows>, %y: !tile.buffer<3xf64, rows>, %s: i64, %i: index) {
  // expected-error @+1 {{needs buffers of one type but has}}
  tile.random_gamma %x to %y, %y stream = 1 seed %s first %s vectors %i : !tile.buffer<3xf32, rows>, !tile.buffer<3xf64, rows>, !tile.buffer<3xf64, rows>
  return
}

// -----

func.func @alloc_of_memory(%m: index) {
  // expected-error @+1 {{must be What a caller of the kernel hands over: an address}}
  %b = "tile.alloc"(%m) : (index) -> !tile.buffer<3xf32, rows>
  return
}

// -----

func.func @alloc_of_buffers(%m: !tile.memory) {
  // expected-error @+1 {{must be Elements in memory}}
  %b = "tile.alloc"(%m) : (!tile.memory) -> index
  return
}
