// Micro-kernels become calls, and functions behind the first function that calls them.
// RUN: flowc-opt %s --convert-tile-to-llvm | FileCheck %s
// RUN: flowc-opt %s --convert-tile-to-llvm --flow-expand-math --flow-lower-to-llvm | FileCheck %s --check-prefix=LLVM
// LLVM-LABEL: llvm.func @dense(
// LLVM-NOT: tile.

module attributes {tile.shape = #tile.shape<"avx512", f32>} {

// CHECK-LABEL: func.func @dense(
// CHECK-SAME: %[[MEMORY:.*]]: !llvm.ptr, %[[FIRST:.*]]: index, %[[LAST:.*]]: index, %[[ROWS:.*]]: index)
// CHECK: %[[REPEATED:.*]] = arith.constant 2 : index
// CHECK: call @dense_identity_f32x16(%[[W:.*]], %[[B:.*]], %[[T:.*]], %[[X:.*]], %[[Y:.*]], %[[FIRST]], %[[LAST]], %[[ROWS]], %[[REPEATED]])
// CHECK: call @dense_activation_[[NAME:[0-9A-F]*]]_1_0_f32x16(%[[W]], %[[B]], %[[T]], %{{.*}}, %{{.*}}, %{{.*}}, %[[FIRST]],
func.func @dense(%memory: !tile.memory, %first: index, %last: index, %rows: index) {
  %w = tile.argument %memory[0] : !tile.buffer<6xf32, uniform>
  %b = tile.argument %memory[1] : !tile.buffer<3xf32, uniform>
  %t = tile.argument %memory[2] : !tile.buffer<8xi32, uniform>
  %x = tile.buffer %memory[%first] : !tile.buffer<2xf32, rows>
  %y = tile.buffer %memory[%last] : !tile.buffer<3xf32, rows>
  tile.dense %w, %b by %t blocks %first to %last of %x into %y rows %rows lanes repeated
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows>
  tile.dense %w, %b by %t blocks %first to %last of %x into %y with %y : !tile.buffer<3xf32, rows> rows %rows lanes zero {sum = 1, of_operand = 0}
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    sample.yield %p : f32
  }
  return
}
// CHECK-LABEL: func.func private @dense_identity_f32x16(
// CHECK: func.func private @dense_activation_[[NAME]]_1_0_f32x16(

// CHECK-LABEL: func.func @others(
// CHECK: call @load_rows_f32x16(
// CHECK: call @philox_normal_f32x16(
// CHECK: call @philox_tail_8_f32x16(
// CHECK: call @philox_gamma_1_f32x16(
// CHECK: call @dots_4x4_f32x16(
// CHECK: call @transpose_f32x16(
// CHECK: call @outer_{{.*}}f32x16(
// CHECK: call @store_rows_f32x16(
// CHECK: return
// CHECK: func.func private @load_rows_f32x16(
func.func @others(%memory: !tile.memory, %i: index, %n: index, %seed: i64) {
  %data = tile.argument %memory[0] : !tile.buffer<3xf32, uniform>
  %w = tile.argument %memory[1] : !tile.buffer<12xf32, uniform>
  %b = tile.argument %memory[2] : !tile.buffer<4xf32, uniform>
  %t = tile.argument %memory[3] : !tile.buffer<8xi32, uniform>
  %x = tile.buffer %memory[%i] : !tile.buffer<3xf32, rows>
  %g = tile.buffer %memory[%n] : !tile.buffer<4xf32, rows>
  %scratch = tile.buffer %memory[%n] : !tile.buffer<16xf32, rows>
  tile.load_rows %data, %x rows %i to %n vectors %n : !tile.buffer<3xf32, uniform>, !tile.buffer<3xf32, rows>
  tile.random_normal %x seed %seed first %seed vectors %n : !tile.buffer<3xf32, rows>
  tile.random_tail %x stream = 8 seed %seed first %seed vectors %n : !tile.buffer<3xf32, rows>
  tile.random_gamma %x to %x, %x stream = 1 seed %seed first %seed vectors %n : !tile.buffer<3xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<3xf32, rows>
  tile.dots %g, %x into %w, %b by %t rows %n first %i columns = 3 which = all blocks = 4 x 4
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  tile.transpose %x to %scratch columns = 3 vectors %n : !tile.buffer<3xf32, rows>, !tile.buffer<16xf32, rows>
  tile.outer %g, %scratch into %w, %b by %t rows %n first %i columns = 3 which = all
      : !tile.buffer<4xf32, rows>, !tile.buffer<16xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  tile.store_rows %data, %x rows %i to %n vectors %n : !tile.buffer<3xf32, uniform>, !tile.buffer<3xf32, rows>
  return
}
}
