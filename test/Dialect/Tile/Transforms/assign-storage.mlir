// Buffers get places one behind the other, at multiples of 16 elements; loops carry offsets.
// RUN: flowc-opt %s --tile-assign-storage --split-input-file | FileCheck %s

module attributes {tile.shape = #tile.shape<"avx512", f32>} {
// A tile of 3 elements takes 3 x 64, one of 5 uniform ones and 16 reserved ones 16 each.
// CHECK: tile.table exported @info dense<[1, 0, 288, 0, 0, 0, 0, 0, 0]> : tensor<9xi64>
tile.table exported @info dense<[1, 0, 0, 0, 0, 0, 0, 0, 0]> : tensor<9xi64>
// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[MEMORY:.*]]: !tile.memory)
func.func @kernel(%memory: !tile.memory) attributes {tile.reserved = 16 : i64} {
  // CHECK-NOT: tile.alloc
  // CHECK: %[[C16:.*]] = arith.constant 16 : index
  // CHECK: tile.buffer %[[MEMORY]][%[[C16]]] : <3xf32, rows>
  %a = tile.alloc %memory : !tile.buffer<3xf32, rows>
  // CHECK: %[[C208:.*]] = arith.constant 208 : index
  // CHECK: tile.buffer %[[MEMORY]][%[[C208]]] : <5xf32, uniform>
  %b = tile.alloc %memory : !tile.buffer<5xf32, uniform>
  // CHECK: %[[C224:.*]] = arith.constant 224 : index
  // CHECK: tile.buffer %[[MEMORY]][%[[C224]]] : <4xf32, sums>
  %c = tile.alloc %memory : !tile.buffer<4xf32, sums>
  return
}
}

// -----

module attributes {tile.shape = #tile.shape<"avx", f32>} {
// What changes places from layer to layer.
// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[MEMORY:.*]]: !tile.memory, %[[N:.*]]: index, %[[V:.*]]: index, %[[S:.*]]: f32)
// CHECK: %[[C64:.*]] = arith.constant 64 : index
// CHECK: %[[ENDS:.*]]:3 = scf.for {{.*}} iter_args(%[[NOW:.*]] = %{{.*}}, %[[SUM:.*]] = %[[S]], %[[NEXT:.*]] = %[[C64]]) -> (index, f32, index) {
// CHECK-DAG: %[[A:.*]] = tile.buffer %[[MEMORY]][%[[NOW]]] : <2xf32, rows>
// CHECK-DAG: %[[B:.*]] = tile.buffer %[[MEMORY]][%[[NEXT]]] : <2xf32, rows>
// CHECK: tile.load %[[A]]
// CHECK: tile.store %{{.*}}, %[[B]]
// The loop inside takes over what the one around it carries.
// CHECK: scf.for {{.*}} iter_args(%[[INNER:.*]] = %[[NEXT]]) -> (index) {
// CHECK: tile.buffer %[[MEMORY]][%[[INNER]]] : <2xf32, rows>
// CHECK: scf.yield %[[INNER]] : index
// CHECK: scf.yield %[[NEXT]], %[[SUM]], %[[NOW]] : index, f32, index
// CHECK: %[[LAST:.*]] = tile.buffer %[[MEMORY]][%[[ENDS]]#0] : <2xf32, rows>
// CHECK: tile.load %[[LAST]]
func.func @kernel(%memory: !tile.memory, %n: index, %v: index, %s: f32) -> vector<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = tile.alloc %memory : !tile.buffer<2xf32, rows>
  %b = tile.alloc %memory : !tile.buffer<2xf32, rows>
  %ends:3 = scf.for %i = %c0 to %n step %c1 iter_args(%now = %a, %sum = %s, %next = %b) -> (!tile.buffer<2xf32, rows>, f32, !tile.buffer<2xf32, rows>) {
    %x = tile.load %now[%c0, %v] : !tile.buffer<2xf32, rows> -> vector<8xf32>
    tile.store %x, %next[%c1, %v] : vector<8xf32>, !tile.buffer<2xf32, rows>
    %inner = scf.for %j = %c0 to %n step %c1 iter_args(%k = %next) -> (!tile.buffer<2xf32, rows>) {
      tile.store %x, %k[%c0, %v] : vector<8xf32>, !tile.buffer<2xf32, rows>
      scf.yield %k : !tile.buffer<2xf32, rows>
    }
    scf.yield %next, %sum, %now : !tile.buffer<2xf32, rows>, f32, !tile.buffer<2xf32, rows>
  }
  %y = tile.load %ends#0[%c0, %v] : !tile.buffer<2xf32, rows> -> vector<8xf32>
  return %y : vector<8xf32>
}
}
