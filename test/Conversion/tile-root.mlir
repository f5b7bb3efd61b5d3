// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm | FileCheck %s
// RUN: flowc-opt %s --convert-sample-to-tile --tile-assign-storage --convert-tile-to-llvm --flow-expand-math --flow-lower-to-llvm | FileCheck %s --check-prefix=LLVM

// All lanes of a vector search until none is active; one that is done keeps its
// value. Bisections are computed only if a lane needs one.

// CHECK-LABEL: func.func @kernel
// CHECK: %[[R:.*]]:{{[0-9]+}} = scf.while (%[[T:[^ ]*]] = %{{[^,]*}}, {{.*}}) : (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xi1>, vector<16xi1>,
// The body of the op, then Newton's step.
// CHECK: %[[F:.*]] = arith.subf %[[T]], %[[Y:.*]] : vector<16xf32>
// CHECK: %[[Q:.*]] = arith.divf %[[F]]
// CHECK: arith.subf %[[T]], %[[Q]]
// CHECK: vector.reduction <or>, %{{.*}} : vector<16xi1> into i1
// CHECK: scf.if
// CHECK: math.copysign
// CHECK: %[[NEXT:.*]] = arith.select %{{.*}}, %{{.*}}, %[[T]] : vector<16xi1>, vector<16xf32>
// CHECK: vector.reduction <or>
// CHECK: scf.condition(%{{.*}}) %[[NEXT]]
// A lane that is still active has not converged.
// CHECK: arith.select %[[R]]#5, %{{.*}}, %[[R]]#0

// LLVM: llvm.intr.vector.reduce.or
// LLVM-NOT: unrealized_conversion_cast
func.func @prepare() {
  return
}
func.func @kernel(%y: f32 {flow.row}) -> f32 {
  %t = sample.map 1 indexed(%y : f32) {
  ^bb0(%yi: f32):
    %root = sample.root operands(%yi : f32) {
    ^bb0(%s: f32, %target: f32):
      %one = arith.constant 1.0 : f32
      %f = arith.subf %s, %target : f32
      sample.yield %f, %one : f32, f32
    } : f32
    sample.yield %root : f32
  } -> (f32), ()
  return %t : f32
}
