// RUN: flowc-opt %s --flow-expand-math | FileCheck %s
// RUN: flowc-opt %s --flow-expand-math | FileCheck %s --check-prefix=NONE

// No transcendental function is left, and nothing carries fast-math flags.
// NONE-NOT: math.{{(exp|expm1|log|log1p|tanh|sin|cos|sinh|cosh|asinh|atanh|atan|erf|erfc|powf)}} {{%}}
// NONE-NOT: fastmath

// The reduction takes n = round(x / ln 2) from the sum with 1.5 * 2^23, and
// adds it to the exponent of the polynomial's value as an integer.
// CHECK-LABEL: func.func @exp(
// CHECK-SAME: %[[X:.*]]: vector<16xf32>
// CHECK-DAG: %[[INVERSE:.*]] = arith.constant dense<1.44269502> : vector<16xf32>
// CHECK-DAG: %[[MAGIC:.*]] = arith.constant dense<0x4B400000> : vector<16xf32>
// CHECK: %[[SHIFTED:.*]] = math.fma %[[X]], %[[INVERSE]], %[[MAGIC]] : vector<16xf32>
// CHECK: %[[N:.*]] = arith.subf %[[SHIFTED]], {{.*}} : vector<16xf32>
// CHECK: %[[HIGH:.*]] = math.fma %[[N]], {{.*}}, %[[X]] : vector<16xf32>
// CHECK: math.fma %[[N]], {{.*}}, %[[HIGH]] : vector<16xf32>
// CHECK: arith.bitcast %[[SHIFTED]] : vector<16xf32> to vector<16xi32>
// CHECK: arith.shli
// CHECK: %[[BITS:.*]] = arith.addi
// CHECK: %[[Y:.*]] = arith.bitcast %[[BITS]] : vector<16xi32> to vector<16xf32>
// CHECK: arith.cmpf olt, %[[X]]
// CHECK: arith.select
// CHECK: arith.cmpf ugt, %[[X]]
// CHECK: %[[RESULT:.*]] = arith.select
// CHECK: return %[[RESULT]]
func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}

// Scalars and vectors of any rank are expanded alike.
// CHECK-LABEL: func.func @scalar(
// CHECK: arith.bitcast {{.*}} : f64 to i64
// CHECK: math.fma {{.*}} : f64
func.func @scalar(%x: f64) -> f64 {
  %y = math.log1p %x : f64
  return %y : f64
}

// CHECK-LABEL: func.func @matrix(
// CHECK: arith.bitcast {{.*}} : vector<9x16xf32> to vector<9x16xi32>
// CHECK: math.fma {{.*}} : vector<9x16xf32>
func.func @matrix(%x: vector<9x16xf32>) -> vector<9x16xf32> {
  %y = math.tanh %x : vector<9x16xf32>
  return %y : vector<9x16xf32>
}

// In f64 the logarithm divides once.
// CHECK-LABEL: func.func @log(
// CHECK-COUNT-1: arith.divf
// CHECK-NOT: arith.divf
// CHECK: return
func.func @log(%x: vector<8xf64>) -> vector<8xf64> {
  %y = math.log %x : vector<8xf64>
  return %y : vector<8xf64>
}

// CHECK-LABEL: func.func @many(
func.func @many(%x: vector<8xf64>, %y: vector<8xf64>) -> vector<8xf64> {
  %0 = math.expm1 %x : vector<8xf64>
  %1 = math.sin %0 : vector<8xf64>
  %2 = math.cos %1 : vector<8xf64>
  %3 = math.sinh %2 : vector<8xf64>
  %4 = math.cosh %3 : vector<8xf64>
  %5 = math.asinh %4 : vector<8xf64>
  %6 = math.atanh %5 : vector<8xf64>
  %7 = math.atan %6 : vector<8xf64>
  %8 = math.erf %7 : vector<8xf64>
  %9 = math.powf %8, %y : vector<8xf64>
  %10 = math.erfc %9 : vector<8xf64>
  return %10 : vector<8xf64>
}

// What maps to an instruction stays.
// CHECK-LABEL: func.func @instructions(
// CHECK-NEXT: math.sqrt
// CHECK-NEXT: math.absf
// CHECK-NEXT: math.copysign
// CHECK-NEXT: math.fma
// CHECK-NEXT: return
func.func @instructions(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.sqrt %x : vector<16xf32>
  %1 = math.absf %0 : vector<16xf32>
  %2 = math.copysign %1, %x : vector<16xf32>
  %3 = math.fma %0, %1, %2 : vector<16xf32>
  return %3 : vector<16xf32>
}
