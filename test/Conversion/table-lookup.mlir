// Elements of a small table that all lanes share are looked up with one
// permutation of a register where the CPU has it; a table that differs from lane to
// lane, or another CPU, takes comparisons.
// RUN: flowc-opt %s -convert-sample-to-tile=vectors=avx512 -tile-assign-storage -convert-tile-to-llvm | FileCheck %s
// RUN: flowc-opt %s -convert-sample-to-tile=vectors=avx -tile-assign-storage -convert-tile-to-llvm | FileCheck %s --check-prefix=NARROW

func.func @prepare(%knots: tensor<10xf32>) -> tensor<10xf32> {
  return %knots : tensor<10xf32>
}
// CHECK-LABEL: func.func @kernel
// CHECK: llvm.intr.masked.load
// CHECK-COUNT-1: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// CHECK: arith.addi
// CHECK-COUNT-1: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// The table of the row itself.
// CHECK: arith.cmpi sge
// NARROW-LABEL: func.func @kernel
// NARROW-NOT: llvm.call_intrinsic
// NARROW: arith.cmpi sge
func.func @kernel(%x: tensor<1xf32> {flow.row}, %own: tensor<3xf32> {flow.row}, %knots: tensor<10xf32>) -> f32 {
  %zero = arith.constant 0.0 : f32
  %sum = sample.map 1 indexed(%x : tensor<1xf32>) shared(%knots, %own : tensor<10xf32>, tensor<3xf32>) init(%zero : f32) {
  ^bb0(%v: f32, %table: tensor<10xf32>, %mine: tensor<3xf32>):
    %bin = sample.bin_search %table, %v : tensor<10xf32>, f32
    %a = sample.take %table[%bin + 0] : tensor<10xf32> -> f32
    %b = sample.take %table[%bin + 1] : tensor<10xf32> -> f32
    %c = sample.take %mine[%bin + 0] : tensor<3xf32> -> f32
    %d = arith.addf %a, %b : f32
    %e = arith.addf %c, %d : f32
    sample.yield %e : f32
  } -> (), (f32)
  return %sum : f32
}
