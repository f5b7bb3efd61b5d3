// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s

// Elements by position: a loop over positions, which are data, with a copy of every
// lane. The adjoint starts from zero and adds. A uniform vector is read as it is.

// CHECK-LABEL: func.func @kernel
// CHECK: scf.for
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK: scf.for
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<16xf32>
// CHECK: llvm.store %{{.*}} : vector<16xf32>, !llvm.ptr
// CHECK: scf.for
// CHECK: llvm.store %cst{{.*}} : vector<16xf32>, !llvm.ptr
// CHECK: scf.for
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK: scf.for
// CHECK: arith.addf %{{.*}} : vector<16xf32>
func.func @kernel(%x: tensor<3xf32> {flow.row}, %p: tensor<5xi32>) -> tensor<3xf32> {
  %y = sample.pick %x[%p] : tensor<3xf32>[tensor<5xi32>] -> tensor<5xf32>
  %z = sample.scatter_sum %y to %p : tensor<5xf32> to tensor<5xi32> -> tensor<3xf32>
  return %z : tensor<3xf32>
}
func.func @prepare(%p: tensor<5xi32>) -> tensor<5xi32> {
  return %p : tensor<5xi32>
}
