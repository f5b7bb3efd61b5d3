// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s
// RUN: flowc-opt %s --convert-sample-to-tile=vectors=avx --tile-assign-storage --convert-tile-to-llvm | FileCheck %s --check-prefix=AVX2
// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --flow-expand-math --flow-lower-to-llvm | FileCheck %s --check-prefix=LLVM

// A tile of four vectors of rows goes through all layers: a loop over tiles, in
// it one over layers, in it one over vectors and one over elements.

// info: ABI, prepared, workspace, sums, inputs, outputs, gradients, macs, ...
// CHECK: llvm.mlir.global external constant @info(dense<[1, 16, {{[0-9]+}}, 0, 1, 1, 0, 0, 0]>
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: scf.for
// CHECK: call @load_rows_f32x16
// Rows are moved vector by vector, unless all four are in use.
// CHECK: arith.cmpi eq, %[[VECTORS:.*]], %c4{{.*}} : index
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK-COUNT-4: llvm.store
// CHECK: } else {
// CHECK: scf.for
// CHECK: scf.for {{.*}} to %[[VECTORS]] step
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.for {{.*}} to %[[VECTORS]] step
// CHECK: scf.for
// The parameter is the same for every lane, the carry is not.
// CHECK: %[[CARRY:.*]] = llvm.load {{.*}} {alignment = 64 : i64} : !llvm.ptr -> vector<16xf32>
// CHECK: %[[SCALAR:.*]] = llvm.load {{.*}} : !llvm.ptr -> f32
// CHECK: %[[SPLAT:.*]] = vector.broadcast %[[SCALAR]] : f32 to vector<16xf32>
// The product and the sum round once.
// CHECK: math.fma %[[CARRY]], %[[SPLAT]]
// CHECK: llvm.store {{.*}} {alignment = 64 : i64} : vector<16xf32>, !llvm.ptr
// CHECK: call @store_rows_f32x16
// CHECK-LABEL: func.func @prepare

// AVX2: call @load_rows_f32x8
// AVX2: math.fma {{.*}} : vector<8xf32>

// LLVM-LABEL: llvm.func @kernel(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
// LLVM: llvm.intr.fma
// LLVM: llvm.func internal @load_rows_f32x16
// LLVM-NOT: unrealized_conversion_cast
func.func @prepare(%s: tensor<3x2xf32> {flow.name = "scale"}) -> tensor<3x2xf32> {
  return %s : tensor<3x2xf32>
}
func.func @kernel(%x: tensor<2xf32> {flow.row}, %s: tensor<3x2xf32>) -> tensor<2xf32> {
  %y = sample.scan 3 carries(%x : tensor<2xf32>) over(%s : tensor<3x2xf32>) {
  ^bb0(%c: tensor<2xf32>, %l: tensor<2xf32>):
    %n = sample.map 2 indexed(%c, %l : tensor<2xf32>, tensor<2xf32>) {
    ^bb0(%ci: f32, %li: f32):
      %one = arith.constant 1.0 : f32
      %p = arith.mulf %ci, %li : f32
      %q = arith.addf %p, %one : f32
      sample.yield %q : f32
    } -> (tensor<2xf32>), ()
    sample.yield %n : tensor<2xf32>
  } -> (tensor<2xf32>), ()
  return %y : tensor<2xf32>
}
