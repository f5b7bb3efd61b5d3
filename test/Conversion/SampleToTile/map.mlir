// Rows go into lanes, values into buffers of the workspace; a map is a loop over vectors and elements.
// RUN: flowc-opt %s --convert-sample-to-tile --canonicalize --cse | FileCheck %s

// CHECK: module attributes {tile.shape = #tile.shape<"avx512", f32>}
// CHECK-NOT: llvm
// CHECK: tile.table exported @info dense<[1, 16, 0, 0, 1, 1, 0, 0, 0]> : tensor<9xi64>
// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[PREPARED:.*]]: !tile.memory, %[[INPUTS:.*]]: !tile.memory, %[[OUTPUTS:.*]]: !tile.memory, %[[WORKSPACE:.*]]: !tile.memory, %[[N:.*]]: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK: %[[ROWS:.*]] = arith.index_cast %[[N]]
// CHECK: %[[IN:.*]] = tile.argument %[[INPUTS]][0] : <3xf32, uniform>
// CHECK: %[[S:.*]] = tile.parameter %[[PREPARED]][0] : <1xf32, uniform>
// CHECK: %[[OUT:.*]] = tile.argument %[[OUTPUTS]][0] : <3xf32, uniform>
// CHECK: scf.for %[[ROW:.*]] = %[[C0]] to %[[ROWS]]
// CHECK: %[[X:.*]] = tile.alloc %[[WORKSPACE]] : <3xf32, rows>
// CHECK: tile.load_rows %[[IN]], %[[X]] rows %[[ROW]] to %[[ROWS]] vectors %[[VECTORS:.*]] : <3xf32, uniform>, <3xf32, rows>
// CHECK: %[[Y:.*]] = tile.alloc %[[WORKSPACE]] : <3xf32, rows>
// CHECK: scf.for %[[V:.*]] = %[[C0]] to %[[VECTORS]]
// CHECK: %[[SCALAR:.*]] = tile.load %[[S]][%[[C0]]] : <1xf32, uniform> -> f32
// CHECK: %[[SPREAD:.*]] = vector.broadcast %[[SCALAR]]
// CHECK: scf.for %[[I:.*]] = %[[C0]]
// CHECK: %[[XI:.*]] = tile.load %[[X]][%[[I]], %[[V]]] : <3xf32, rows> -> vector<16xf32>
// CHECK: %[[YI:.*]] = arith.mulf %[[XI]], %[[SPREAD]] : vector<16xf32>
// CHECK: tile.store %[[YI]], %[[Y]][%[[I]], %[[V]]] : vector<16xf32>, <3xf32, rows>
// CHECK: tile.store_rows %[[OUT]], %[[Y]] rows %[[ROW]] to %[[ROWS]] vectors %[[VECTORS]] : <3xf32, uniform>, <3xf32, rows>
// CHECK-LABEL: func.func @prepare(
// CHECK: tile.copy
// CHECK-NOT: llvm
func.func @prepare(%s: f32 {flow.name = ".s", flow.trainable}) -> f32 {
  return %s : f32
}
func.func @kernel(%x: tensor<3xf32> {flow.row}, %s: f32) -> tensor<3xf32> {
  %y = sample.map 3 indexed(%x : tensor<3xf32>) shared(%s : f32) {
  ^bb0(%xi: f32, %si: f32):
    %m = arith.mulf %xi, %si : f32
    sample.yield %m : f32
  } -> (tensor<3xf32>), ()
  return %y : tensor<3xf32>
}
