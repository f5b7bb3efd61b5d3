// The size of the code depends neither on the number of layers nor on extents.
// RUN: sed 's/LAYERS/2/g; s/DIM/4/g' %s | flowc-opt --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --flow-expand-math --flow-lower-to-llvm | grep -c llvm > %t.small
// RUN: sed 's/LAYERS/64/g; s/DIM/512/g' %s | flowc-opt --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --flow-expand-math --flow-lower-to-llvm | grep -c llvm > %t.large
// RUN: diff %t.small %t.large
func.func @prepare(%s: tensor<LAYERSxDIMxf32>) -> tensor<LAYERSxDIMxf32> {
  return %s : tensor<LAYERSxDIMxf32>
}
func.func @kernel(%x: tensor<DIMxf32> {flow.row}, %s: tensor<LAYERSxDIMxf32>) -> tensor<DIMxf32> {
  %y = sample.scan LAYERS carries(%x : tensor<DIMxf32>) over(%s : tensor<LAYERSxDIMxf32>) {
  ^bb0(%c: tensor<DIMxf32>, %l: tensor<DIMxf32>):
    %n = sample.map DIM indexed(%c, %l : tensor<DIMxf32>, tensor<DIMxf32>) {
    ^bb0(%ci: f32, %li: f32):
      %p = arith.mulf %ci, %li : f32
      sample.yield %p : f32
    } -> (tensor<DIMxf32>), ()
    sample.yield %n : tensor<DIMxf32>
  } -> (tensor<DIMxf32>), ()
  return %y : tensor<DIMxf32>
}
