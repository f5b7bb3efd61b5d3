// Buffers become an address and an offset, accesses arithmetic on them.
// RUN: flowc-opt %s --convert-tile-to-llvm | FileCheck %s

module attributes {tile.shape = #tile.shape<"avx", f32>} {

// CHECK-NOT: tile.shape
// CHECK-DAG: llvm.mlir.global external constant @info(dense<[1, 2]> : tensor<2xi64>) {addr_space = 0 : i32} : !llvm.array<2 x i64>
// CHECK-DAG: llvm.mlir.global internal constant @table_0(dense<[5, 6]> : tensor<2xi32>) {addr_space = 0 : i32, alignment = 64 : i64} : !llvm.array<2 x i32>
tile.table exported @info dense<[1, 2]> : tensor<2xi64>
tile.table @table_0 dense<[5, 6]> : tensor<2xi32>

// A row is four vectors of eight lanes.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[MEMORY:.*]]: !llvm.ptr, %[[AT:.*]]: index, %[[I:.*]]: index, %[[V:.*]]: index)
func.func @rows(%memory: !tile.memory, %at: index, %i: index, %v: index) {
  // CHECK: %[[C32:.*]] = arith.constant 32 : index
  // CHECK: %[[ELEMENT:.*]] = arith.muli %[[I]], %[[C32]]
  // CHECK: %[[ROW:.*]] = arith.addi %[[AT]], %[[ELEMENT]]
  // CHECK: %[[C8:.*]] = arith.constant 8 : index
  // CHECK: %[[VECTOR:.*]] = arith.muli %[[V]], %[[C8]]
  // CHECK: %[[SUM:.*]] = arith.addi %[[ROW]], %[[VECTOR]]
  // CHECK: %[[OFFSET:.*]] = arith.index_cast %[[SUM]] : index to i64
  // CHECK: %[[WHERE:.*]] = llvm.getelementptr %[[MEMORY]][%[[OFFSET]]] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  // CHECK: %[[X:.*]] = llvm.load %[[WHERE]] {alignment = 32 : i64} : !llvm.ptr -> vector<8xf32>
  %b = tile.buffer %memory[%at] : !tile.buffer<4xf32, rows>
  %x = tile.load %b[%i, %v] : !tile.buffer<4xf32, rows> -> vector<8xf32>
  // A constant zero costs nothing.
  // CHECK-NOT: arith.muli
  // CHECK: %[[FIRST:.*]] = arith.index_cast %[[AT]] : index to i64
  // CHECK: %[[TO:.*]] = llvm.getelementptr %[[MEMORY]][%[[FIRST]]]
  // CHECK: llvm.store %[[X]], %[[TO]] {alignment = 32 : i64}
  %c0 = arith.constant 0 : index
  tile.store %x, %b[%c0, %c0] : vector<8xf32>, !tile.buffer<4xf32, rows>
  return
}

// CHECK-LABEL: func.func @uniform(
// CHECK-SAME: %[[ARRAYS:.*]]: !llvm.ptr, %[[I:.*]]: index)
func.func @uniform(%arrays: !tile.memory, %i: index) -> (f32, i32, vector<4xf32>) {
  // CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[ARRAYS]][2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  // CHECK: %[[BASE:.*]] = llvm.load %[[SLOT]] : !llvm.ptr -> !llvm.ptr
  %a = tile.argument %arrays[2] : !tile.buffer<8xf32, uniform>
  // CHECK: %[[I64:.*]] = arith.index_cast %[[I]]
  // CHECK: %[[AT:.*]] = llvm.getelementptr %[[BASE]][%[[I64]]]
  // CHECK: llvm.load %[[AT]] {alignment = 4 : i64} : !llvm.ptr -> f32
  %x = tile.load %a[%i] : !tile.buffer<8xf32, uniform> -> f32
  // CHECK: %[[TABLE:.*]] = llvm.mlir.addressof @table_0
  // CHECK: llvm.getelementptr %[[TABLE]][%{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, i32
  %t = tile.constant @table_0 : !tile.buffer<2xi32, uniform>
  %y = tile.load %t[%i] : !tile.buffer<2xi32, uniform> -> i32
  // CHECK: llvm.getelementptr %[[ARRAYS]][16] : (!llvm.ptr) -> !llvm.ptr, f32
  %p = tile.parameter %arrays[16] : !tile.buffer<8xf32, uniform>
  // CHECK: arith.addi %[[I]], %[[I]]
  // CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
  %v = tile.view %p[%i] : !tile.buffer<8xf32, uniform> to !tile.buffer<4xf32, uniform>
  %z = tile.load %v[%i] : !tile.buffer<4xf32, uniform> -> vector<4xf32>
  return %x, %y, %z : f32, i32, vector<4xf32>
}

// The address is computed before the loop.
// CHECK-LABEL: func.func @pinned(
// CHECK: %[[HERE:.*]] = llvm.getelementptr
// CHECK: scf.for
// CHECK: llvm.getelementptr %[[HERE]][
func.func @pinned(%memory: !tile.memory, %at: index, %n: index, %one: index) {
  %b = tile.buffer %memory[%at] : !tile.buffer<4xf32, uniform>
  %here = tile.pin %b : !tile.buffer<4xf32, uniform>
  scf.for %i = %one to %n step %one {
    %x = tile.load %here[%i] : !tile.buffer<4xf32, uniform> -> f32
    tile.store %x, %here[%at] : f32, !tile.buffer<4xf32, uniform>
  }
  return
}

// CHECK-LABEL: func.func @sums(
// CHECK: arith.constant 8 : index
// CHECK: arith.muli
// CHECK: llvm.load %{{.*}} {alignment = 32 : i64} : !llvm.ptr -> vector<8xf32>
// CHECK: llvm.getelementptr %{{.*}}[%{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, f64
func.func @sums(%memory: !tile.memory, %at: index, %i: index) -> (vector<8xf32>, !tile.memory) {
  %b = tile.buffer %memory[%at] : !tile.buffer<4xf32, sums>
  %x = tile.load %b[%i] : !tile.buffer<4xf32, sums> -> vector<8xf32>
  %rest = tile.shift %memory[%at] : f64
  return %x, %rest : vector<8xf32>, !tile.memory
}

// CHECK-LABEL: func.func @whole(
// CHECK: arith.constant 32 : i64
// CHECK: "llvm.intr.memcpy"(
// CHECK: arith.constant 0 : i8
// CHECK: "llvm.intr.memset"(
func.func @whole(%memory: !tile.memory) {
  %a = tile.argument %memory[0] : !tile.buffer<8xf32, uniform>
  %b = tile.argument %memory[1] : !tile.buffer<8xf32, uniform>
  tile.copy %a to %b : !tile.buffer<8xf32, uniform>, !tile.buffer<8xf32, uniform>
  tile.clear %b : !tile.buffer<8xf32, uniform>
  return
}
}
