// A carry has two buffers, whose places change from layer to layer; a layer sees a view of what is stacked.
// RUN: flowc-opt %s --convert-sample-to-tile --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: %[[PREPARED:.*]]: !tile.memory, %{{.*}}: !tile.memory, %{{.*}}: !tile.memory, %[[WORKSPACE:.*]]: !tile.memory, %{{.*}}: i64
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[P:.*]] = tile.parameter %[[PREPARED]][0] : <6xf32, uniform>
// CHECK: tile.load_rows
// CHECK-NEXT: %[[FIRST:.*]] = tile.alloc %[[WORKSPACE]] : <2xf32, rows>
// CHECK-NEXT: %[[SECOND:.*]] = tile.alloc %[[WORKSPACE]] : <2xf32, rows>
// CHECK: %[[CARRY:.*]]:2 = scf.for %[[LAYER:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[NOW:.*]] = %[[FIRST]], %[[NEXT:.*]] = %[[SECOND]]) -> (!tile.buffer<2xf32, rows>, !tile.buffer<2xf32, rows>) {
// CHECK: %[[AT:.*]] = arith.muli %[[LAYER]], %[[C2]]
// CHECK: %[[W:.*]] = tile.view %[[P]][%[[AT]]] : <6xf32, uniform> to <2xf32, uniform>
// CHECK: tile.load %[[NOW]]
// CHECK: tile.load %[[W]]
// CHECK: tile.store %{{.*}}, %[[NEXT]]
// CHECK: scf.yield %[[NEXT]], %[[NOW]]
// CHECK: tile.store_rows %{{.*}}, %[[CARRY]]#0
func.func @prepare(%w: tensor<3x2xf32> {flow.name = ".w", flow.trainable}) -> tensor<3x2xf32> {
  return %w : tensor<3x2xf32>
}
func.func @kernel(%x: tensor<2xf32> {flow.row}, %w: tensor<3x2xf32>) -> tensor<2xf32> {
  %y = sample.scan 3 carries(%x : tensor<2xf32>) over(%w : tensor<3x2xf32>) {
  ^bb0(%a: tensor<2xf32>, %wl: tensor<2xf32>):
    %b = sample.map 2 indexed(%a, %wl : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%ai: f32, %wi: f32):
      %m = arith.mulf %ai, %wi : f32
      sample.yield %m : f32
    } -> (tensor<2xf32>), ()
    sample.yield %b : tensor<2xf32>
  } -> (tensor<2xf32>), ()
  return %y : tensor<2xf32>
}
