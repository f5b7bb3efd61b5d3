// A spline selects its bin first and computes after: of the slopes only the two
// at the bin's ends need a softplus.
// RUN: flowc-opt %s -flow-specialize=program=transform -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,FORWARD
// RUN: flowc-opt %s -flow-specialize=program=inverse -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,INVERSE

func.func @bijection(%x: f64 {flow.row}, %x_pos: tensor<5xf64>, %y_pos: tensor<5xf64>, %raw: tensor<5xf64>) -> f64 {
  %softplus = sample.log1p_exp %raw : tensor<5xf64>
  %minimum = arith.constant dense<1.0e-03> : tensor<5xf64>
  %slopes = arith.addf %softplus, %minimum : tensor<5xf64>
  %y = flow.rational_quadratic_spline %x, %x_pos, %y_pos, %slopes {lower = -4.0 : f64, upper = 4.0 : f64}
      : f64, tensor<5xf64>, tensor<5xf64>, tensor<5xf64>
  return %y : f64
}

// CHECK-LABEL: func @kernel
// CHECK-SAME: (%[[X:.*]]: f64 {flow.row}, %[[XPOS:.*]]: tensor<5xf64>, %[[YPOS:.*]]: tensor<5xf64>, %[[RAW:.*]]: tensor<5xf64>)
// CHECK-DAG: %[[LOWER:.*]] = arith.constant -4.0
// CHECK-DAG: %[[UPPER:.*]] = arith.constant 4.0
// CHECK-NOT: sample.log1p_exp %{{.*}} : tensor
// CHECK: %[[ABOVE:.*]] = arith.cmpf oge, %[[X]], %[[LOWER]]
// CHECK: %[[BELOW:.*]] = arith.cmpf ole, %[[X]], %[[UPPER]]
// CHECK: %[[INSIDE:.*]] = arith.andi %[[ABOVE]], %[[BELOW]]
// CHECK: %[[V:.*]] = sample.clip %[[X]] to[-4.000000e+00, 4.000000e+00]
// FORWARD: %[[BIN:.*]] = sample.bin_search %[[XPOS]], %[[V]]
// INVERSE: %[[BIN:.*]] = sample.bin_search %[[YPOS]], %[[V]]
// CHECK: %[[R0:.*]] = sample.take %[[RAW]][%[[BIN]] + 0]
// CHECK: sample.log1p_exp %[[R0]] : f64
// CHECK: %[[R1:.*]] = sample.take %[[RAW]][%[[BIN]] + 1]
// CHECK: sample.log1p_exp %[[R1]] : f64
// INVERSE: math.sqrt
// CHECK: math.log
// Outside of the interval the map is the identity.
// CHECK: %[[Y:.*]] = arith.select %[[INSIDE]], %{{.*}}, %[[X]] : f64
// CHECK: %[[LD:.*]] = arith.select %[[INSIDE]], %{{.*}}, %{{.*}} : f64
// CHECK: return %[[Y]], %[[LD]] : f64, f64
