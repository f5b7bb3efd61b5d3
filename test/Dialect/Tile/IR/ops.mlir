// Every op of the tile program survives printing and parsing.
// RUN: flowc-opt %s | flowc-opt | FileCheck %s

// CHECK: module attributes {tile.shape = #tile.shape<"avx", f32>}
module attributes {tile.shape = #tile.shape<"avx", f32>} {

// CHECK: tile.table exported @info dense<[1, 2, 3]> : tensor<3xi64>
tile.table exported @info dense<[1, 2, 3]> : tensor<3xi64>
// CHECK: tile.table @table_0 dense<[0, 3, 0, 2, 0, 0, 2, 1]> : tensor<8xi32>
tile.table @table_0 dense<[0, 3, 0, 2, 0, 0, 2, 1]> : tensor<8xi32>

// CHECK-LABEL: func @places(
// CHECK-SAME: %[[MEMORY:.*]]: !tile.memory, %[[I:.*]]: index)
func.func @places(%memory: !tile.memory, %i: index) {
  %c2 = arith.constant 2 : index
  // CHECK: tile.constant @table_0 : <8xi32, uniform>
  %t = tile.constant @table_0 : !tile.buffer<8xi32, uniform>
  // CHECK: tile.argument %[[MEMORY]][2] : <50xf32, uniform>
  %a = tile.argument %memory[2] : !tile.buffer<50xf32, uniform>
  // CHECK: tile.parameter %[[MEMORY]][64] : <50xf32, uniform>
  %p = tile.parameter %memory[64] : !tile.buffer<50xf32, uniform>
  // CHECK: tile.alloc %[[MEMORY]] : <3xf32, rows>
  %new = tile.alloc %memory : !tile.buffer<3xf32, rows>
  // CHECK: %[[REST:.*]] = tile.shift %[[MEMORY]][%[[I]]] : f32
  %rest = tile.shift %memory[%i] : f32
  // CHECK: %[[ROWS:.*]] = tile.buffer %[[REST]][%[[I]]] : <5xf32, rows>
  %rows = tile.buffer %rest[%i] : !tile.buffer<5xf32, rows>
  // CHECK: tile.view %[[ROWS]][%{{.*}}] : <5xf32, rows> to <3xf32, rows>
  %tail = tile.view %rows[%c2] : !tile.buffer<5xf32, rows> to !tile.buffer<3xf32, rows>
  // CHECK: tile.buffer %[[MEMORY]][%[[I]]] : <4xf64, sums>
  %sums = tile.buffer %memory[%i] : !tile.buffer<4xf64, sums>
  // CHECK: tile.pin %{{.*}} : <8xi32, uniform>
  %pinned = tile.pin %t : !tile.buffer<8xi32, uniform>
  return
}

// CHECK-LABEL: func @elements(
func.func @elements(%x: !tile.buffer<3xf32, rows>, %p: !tile.buffer<20xf32, uniform>, %s: !tile.buffer<2xf32, sums>, %i: index, %v: index, %bin: vector<8xi32>) {
  // CHECK: %[[X:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}] : <3xf32, rows> -> vector<8xf32>
  %xi = tile.load %x[%i, %v] : !tile.buffer<3xf32, rows> -> vector<8xf32>
  // CHECK: tile.load %{{.*}}[%{{.*}}] : <20xf32, uniform> -> f32
  %pi = tile.load %p[%i] : !tile.buffer<20xf32, uniform> -> f32
  // CHECK: tile.load %{{.*}}[%{{.*}}] : <20xf32, uniform> -> vector<4xf32>
  %several = tile.load %p[%i] : !tile.buffer<20xf32, uniform> -> vector<4xf32>
  // CHECK: tile.store %[[X]], %{{.*}}[%{{.*}}, %{{.*}}] : vector<8xf32>, <3xf32, rows>
  tile.store %xi, %x[%i, %v] : vector<8xf32>, !tile.buffer<3xf32, rows>
  // CHECK: tile.store %[[X]], %{{.*}}[%{{.*}}] : vector<8xf32>, <2xf32, sums>
  tile.store %xi, %s[%i] : vector<8xf32>, !tile.buffer<2xf32, sums>
  // CHECK: %[[T:.*]]:2 = tile.load_table %{{.*}}[%{{.*}}] count = 10 : <20xf32, uniform> -> vector<8xf32>, vector<8xf32>
  %t:2 = tile.load_table %p[%i] count = 10 : !tile.buffer<20xf32, uniform> -> vector<8xf32>, vector<8xf32>
  // CHECK: tile.look_up %[[T]]#0, %[[T]]#1[%{{.*}}] : vector<8xf32>, vector<8xf32> at vector<8xi32> -> vector<8xf32>
  %k = tile.look_up %t#0, %t#1[%bin] : vector<8xf32>, vector<8xf32> at vector<8xi32> -> vector<8xf32>
  // CHECK: tile.copy %[[P:.*]] to %[[P]] : <20xf32, uniform>, <20xf32, uniform>
  tile.copy %p to %p : !tile.buffer<20xf32, uniform>, !tile.buffer<20xf32, uniform>
  // CHECK: tile.clear %[[P]] : <20xf32, uniform>
  tile.clear %p : !tile.buffer<20xf32, uniform>
  return
}

// CHECK-LABEL: func @dense(
func.func @dense(%w: !tile.buffer<6xf32, uniform>, %b: !tile.buffer<3xf32, uniform>, %t: !tile.buffer<8xi32, uniform>,
                 %x: !tile.buffer<2xf32, rows>, %y: !tile.buffer<3xf32, rows>, %i: index, %n: index) {
  // CHECK: tile.dense %{{.*}}, %{{.*}} by %{{.*}} blocks %{{.*}} to %{{.*}} of %{{.*}} into %{{.*}} rows %{{.*}} lanes computed : <6xf32, uniform>, <3xf32, uniform>, <8xi32, uniform>, <2xf32, rows>, <3xf32, rows>{{$}}
  tile.dense %w, %b by %t blocks %i to %n of %x into %y rows %n lanes computed
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows>
  // CHECK: tile.dense {{.*}} with %{{.*}} : !tile.buffer<3xf32, rows> rows %{{.*}} lanes zero accumulate {of_operand = 0 : i64, sum = 1 : i64} : {{.*}} {
  // CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32):
  // CHECK-NEXT: arith.mulf %[[G]], %[[U]] : f32
  tile.dense %w, %b by %t blocks %i to %n of %x into %y with %y : !tile.buffer<3xf32, rows> rows %n lanes zero accumulate {sum = 1, of_operand = 0}
      : !tile.buffer<6xf32, uniform>, !tile.buffer<3xf32, uniform>, !tile.buffer<8xi32, uniform>, !tile.buffer<2xf32, rows>, !tile.buffer<3xf32, rows> {
  ^bb0(%g: f32, %u: f32):
    %p = arith.mulf %g, %u : f32
    sample.yield %p : f32
  }
  return
}

// CHECK-LABEL: func @gradients(
func.func @gradients(%g: !tile.buffer<4xf32, rows>, %x: !tile.buffer<3xf32, rows>, %scratch: !tile.buffer<8xf32, rows>, %w: !tile.buffer<12xf32, uniform>,
                     %b: !tile.buffer<4xf32, uniform>, %t: !tile.buffer<8xi32, uniform>, %ranks: !tile.buffer<12xi32, uniform>, %n: index, %first: index) {
  // CHECK: tile.dots %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} by %{{.*}} rows %{{.*}} first %{{.*}} columns = 3 which = all blocks = 4 x 2 :
  tile.dots %g, %x into %w, %b by %t rows %n first %first columns = 3 which = all blocks = 4 x 2
      : !tile.buffer<4xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  // CHECK: tile.transpose %{{.*}} to %{{.*}} columns = 3 vectors %{{.*}} : <3xf32, rows>, <8xf32, rows>
  tile.transpose %x to %scratch columns = 3 vectors %n : !tile.buffer<3xf32, rows>, !tile.buffer<8xf32, rows>
  // CHECK: tile.outer {{.*}} ranks %[[RANKS:.*]], %[[RANKS]] : !tile.buffer<12xi32, uniform>, !tile.buffer<12xi32, uniform> rows %{{.*}} first %{{.*}} columns = 3 which = above whole :
  tile.outer %g, %scratch into %w, %b by %t ranks %ranks, %ranks : !tile.buffer<12xi32, uniform>, !tile.buffer<12xi32, uniform> rows %n first %first columns = 3 which = above whole
      : !tile.buffer<4xf32, rows>, !tile.buffer<8xf32, rows>, !tile.buffer<12xf32, uniform>, !tile.buffer<4xf32, uniform>, !tile.buffer<8xi32, uniform>
  return
}

// CHECK-LABEL: func @rows(
func.func @rows(%data: !tile.buffer<3xf32, uniform>, %x: !tile.buffer<3xf32, rows>, %i: index, %n: index, %seed: i64) {
  // CHECK: tile.load_rows %{{.*}}, %{{.*}} rows %{{.*}} to %{{.*}} vectors %{{.*}} : <3xf32, uniform>, <3xf32, rows>
  tile.load_rows %data, %x rows %i to %n vectors %n : !tile.buffer<3xf32, uniform>, !tile.buffer<3xf32, rows>
  // CHECK: tile.store_rows %{{.*}}, %{{.*}} rows %{{.*}} to %{{.*}} vectors %{{.*}} : <3xf32, uniform>, <3xf32, rows>
  tile.store_rows %data, %x rows %i to %n vectors %n : !tile.buffer<3xf32, uniform>, !tile.buffer<3xf32, rows>
  // CHECK: tile.random_normal %{{.*}} seed %{{.*}} first %{{.*}} vectors %{{.*}} : <3xf32, rows>
  tile.random_normal %x seed %seed first %seed vectors %n : !tile.buffer<3xf32, rows>
  // CHECK: tile.random_tail %{{.*}} stream = 8 seed %{{.*}} first %{{.*}} vectors %{{.*}} : <3xf32, rows>
  tile.random_tail %x stream = 8 seed %seed first %seed vectors %n : !tile.buffer<3xf32, rows>
  // CHECK: tile.random_gamma %{{.*}} to %{{.*}}, %{{.*}} stream = 1 seed %{{.*}} first %{{.*}} vectors %{{.*}} : <3xf32, rows>, <3xf32, rows>, <3xf32, rows>
  tile.random_gamma %x to %x, %x stream = 1 seed %seed first %seed vectors %n : !tile.buffer<3xf32, rows>, !tile.buffer<3xf32, rows>, !tile.buffer<3xf32, rows>
  return
}
}
